//! Every other cause that is safe to provoke: named from the node while it lasts, and from what a victim prints.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::Stage;

/// A cause, how it is provoked, and who is refused. `provoke` runs `$1`, a script that plays the victim and calls nospace,
/// while the resource is used up.
struct Case {
    cause: &'static str,
    provoke: &'static str,
    victim: &'static str,
    v2_only: bool,
}

const CASES: [Case; 7] = [
    Case {
        cause: "mount-limit",
        provoke: "exec \"$NOSPACE\" exhaust mounts -- sh \"$1\"",
        victim: "mount -t tmpfs victim /run",
        v2_only: false,
    },
    Case {
        cause: "disk-inodes",
        provoke: "exec \"$NOSPACE\" exhaust inodes -- sh \"$1\"",
        victim: "touch \"$NOSPACE_EXHAUSTED/victim\"",
        v2_only: false,
    },
    Case {
        cause: "disk-inodes",
        provoke: "mkdir -p /run/few; truncate -s 8M /run/few.img; mkfs.ext4 -q -N 64 /run/few.img; mount -o loop /run/few.img /run/few || exit 1
            trap 'umount /run/few; rm /run/few.img' EXIT
            while touch /run/few/$((i += 1)) 2>/run/few.err; do :; done
            export NOSPACE_EXHAUSTED=/run/few; sh \"$1\"",
        victim: "touch \"$NOSPACE_EXHAUSTED/victim\"",
        v2_only: false,
    },
    Case {
        cause: "disk-blocks",
        provoke: "exec \"$NOSPACE\" exhaust blocks --limit 8 -- sh \"$1\"",
        victim: "cp /proc/self/exe \"$NOSPACE_EXHAUSTED/victim\"",
        v2_only: false,
    },
    Case {
        cause: "cgroup-limit",
        provoke: "exec \"$NOSPACE\" exhaust cgroups -- sh \"$1\"",
        victim: "mkdir \"$NOSPACE_EXHAUSTED/victim\"",
        v2_only: true,
    },
    Case {
        cause: "keys",
        provoke: "trap 'setpriv --reuid 4711 --clear-groups keyctl clear @u' EXIT
            setpriv --reuid 4711 --clear-groups sh -c 'while keyctl add user key$((i += 1)) x @u >/dev/null 2>&1; do :; done'
            sh \"$1\"",
        victim: "setpriv --reuid 4711 --clear-groups keyctl add user victim x @u",
        v2_only: false,
    },
    Case {
        cause: "pids",
        provoke: "own=$(sed -n 's|^[0-9]*:pids:||p' /proc/self/cgroup); root=/sys/fs/cgroup/pids
            [ -d $root ] || { own=$(sed -n 's|^0::||p' /proc/self/cgroup); root=/sys/fs/cgroup; own=${own%/*}; }
            few=$root$own/nospace-story; mkdir $few
            trap 'while kill $sleepers; do sleep 0.1; done 2>/dev/null; sleep 0.3; rmdir $few' EXIT
            echo 4 >$few/pids.max
            for i in 1 2 3; do sleep 60 & sleepers=\"$sleepers $!\"; echo $! >$few/cgroup.procs; done
            export NOSPACE_EXHAUSTED=$few; sh \"$1\"",
        victim: "bash -c 'echo $BASHPID >\"$NOSPACE_EXHAUSTED/cgroup.procs\"; (sleep 1; sleep 1) & (:)' & sleep 4; kill $! || :",
        v2_only: false,
    },
];

/// All of them, one after another.
pub fn named(stage: &mut Stage) -> anyhow::Result<()> {
    let v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    for case in CASES.iter().filter(|case| v2 || !case.v2_only) {
        held(stage, case).with_context(|| case.cause.to_owned())?;
    }
    Ok(())
}

fn held(stage: &mut Stage, case: &Case) -> anyhow::Result<()> {
    let scene = std::env::temp_dir().join(format!("nospace-story-{}", std::process::id()));
    std::fs::create_dir_all(&scene)?;
    let file = |name: &str| scene.join(name);
    let script = format!(
        "cd {scene}\n{{ {victim}; }} >said 2>&1\n\"$NOSPACE\" check -o json >look\n\"$NOSPACE\" explain -o json said >words\nexit 0\n",
        scene = scene.display(),
        victim = case.victim,
    );
    std::fs::write(file("victim"), script)?;
    let output = std::process::Command::new("bash")
        .args(["-c", case.provoke, "provoke"])
        .arg(file("victim"))
        .env("NOSPACE", stage.nospace.path())
        .output()?;
    let read = |name: &str| {
        std::fs::read(file(name))
            .with_context(|| format!("{name}; {}", String::from_utf8_lossy(&output.stderr)))
    };
    let said = String::from_utf8_lossy(&read("said")?).trim().to_owned();
    ensure!(!said.is_empty(), "the victim was not refused");
    let look: Value = serde_json::from_slice(&read("look")?).context("check")?;
    let words: Value = serde_json::from_slice(&read("words")?).context("explain")?;
    let finding = entries(&look, "findings").find(|finding| finding["cause"] == case.cause);
    let cause = entries(&words, "causes")
        .find(|cause| cause["decided"] == case.cause || cause["cause"] == case.cause);
    stage.table.row(
        &format!("{} provoked", case.cause),
        said.lines().next().unwrap_or_default(),
        &format!(
            "check: {}; explain: {}",
            finding.map_or("nothing", |f| f["title"].as_str().unwrap_or("?")),
            cause.map_or_else(
                || format!("{}", words["causes"]),
                |c| format!(
                    "{}, the node {}",
                    case.cause,
                    c["node"].as_str().unwrap_or("?")
                )
            ),
        ),
        finding.is_some_and(|f| f["severity"] == "critical")
            // These lines do not say in which mount namespace or cgroup, or as which user.
            && cause.is_some_and(|c| {
                let unsaid = ["mount-limit", "pids", "keys"].contains(&case.cause);
                c["node"] == "confirms" || unsaid && c["node"] == "unknown"
            }),
    );
    std::fs::remove_dir_all::<PathBuf>(scene)?;
    Ok(())
}

fn entries<'a>(document: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    document[list].as_array().into_iter().flatten()
}
