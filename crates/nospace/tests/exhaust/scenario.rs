//! Each scenario gives back what it holds however it ends. That `check` and `explain` name it is a row of tests/limits.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use libtest_mimic::Trial;
use nospace::exhaust::scenarios::SCENARIOS;
use nospace::exhaust::{EndReason, Scenario, Target};
use rustix::process::Signal;

use crate::exhaust::{Exhaust, no_disk_quotas, running, soon};
use crate::support::{NOSPACE, test};

/// Unused uids: their limits must be as free after one end as before it.
const USERS: [(&str, &str); 4] = [
    ("watches", "1899999020"),
    ("instances", "1899999021"),
    ("keys", "1899999022"),
    ("epoll-watches", "1899999023"),
];

/// Its arguments: enough to see whether they are given back.
fn arguments(scenario: &Scenario) -> Vec<&'static str> {
    let user = USERS.iter().find(|(name, _)| *name == scenario.name);
    let user = user.map(|(_, uid)| ["--as-uid", *uid]);
    let limit = scenario.options.limit.map(|_| ["--limit", "40"]);
    let all = [scenario.name].into_iter();
    all.chain(user.into_iter().flatten())
        .chain(limit.into_iter().flatten())
        .collect()
}

/// A test of each scenario; of one that this machine's kernel cannot have, it says why and does nothing.
pub fn each(
    what: &str,
    run: fn(&'static Scenario) -> anyhow::Result<()>,
) -> impl Iterator<Item = Trial> {
    SCENARIOS.iter().map(move |&scenario| {
        test(&format!("{} {what}", scenario.name), move || {
            let without = match scenario.target {
                Target::DiskQuota => no_disk_quotas()?,
                _ => None,
            };
            if let Some(why) = without {
                eprintln!("skipped {}: {why}", scenario.name);
                return Ok(());
            }
            run(scenario)
        })
    })
}

/// After kill -9: nothing of it is left, and the same can be had again.
pub fn after_kill(scenario: &Scenario) -> anyhow::Result<()> {
    let arguments = arguments(scenario);
    let before = Exhaust::start(&arguments)?.end()?.held;
    ensure!(before > 0, "it held nothing");
    let killed = Exhaust::start(&arguments)?;
    let traces = Traces::of(&killed);
    ensure!(traces.are_there(), "not even nospace is there");
    killed.signal(Signal::KILL)?;
    drop(killed);
    soon("all is gone", || Ok(!traces.are_there()))?;
    // The kernel frees keys a little later; a mapping or two depend on what the process has loaded.
    let few = before / 100 + 2;
    soon("as much can be had again", || {
        Ok(Exhaust::start(&arguments)?.end()?.held + few >= before)
    })
}

/// When its time is up while it is stopped, as soon as it goes on.
pub fn after_stop(scenario: &Scenario) -> anyhow::Result<()> {
    let mut arguments = arguments(scenario);
    arguments.extend(["--amount", "20"]);
    let mut exhaust = Exhaust::start_for("2s", &arguments)?;
    let traces = Traces::of(&exhaust);
    exhaust.signal(Signal::STOP)?;
    std::thread::sleep(Duration::from_millis(2500));
    exhaust.signal(Signal::CONT)?;
    let summary = exhaust.summary()?;
    ensure!(summary.ended == EndReason::Time, "{summary:?}");
    soon("all is gone", || Ok(!traces.are_there()))
}

/// What shows that it is there: a directory, nospace itself, a process that holds for it.
struct Traces {
    subject: String,
    pid: u32,
}

impl Traces {
    fn of(exhaust: &Exhaust) -> Self {
        Self {
            subject: exhaust.subject().to_owned(),
            pid: exhaust.pid(),
        }
    }

    fn are_there(&self) -> bool {
        let Self { subject, pid } = self;
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        subject.starts_with('/') && Path::new(subject).exists()
            || mounts.contains(&format!("nospace-exhaust.{pid} "))
            || !running(&format!("exhaust hold {pid} ")).is_empty()
            || fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
    }
}

pub fn blocks_of_a_directory() -> anyhow::Result<()> {
    // Below /dev/shm it would have another cause.
    let directory = tempfile::tempdir()?;
    let place = directory.path().to_str().context("a path")?;
    let exhaust = Exhaust::start(&["blocks", "--limit", "2", "--on", place])?;
    ensure!(exhaust.subject() == place);
    let copy = Command::new("cp")
        .args(["/proc/self/exe", &format!("{place}/more")])
        .output()?;
    ensure!(!copy.status.success(), "there is room");
    exhaust.end()?;
    ensure!(
        directory.path().read_dir()?.next().is_none(),
        "something stays"
    );
    std::fs::write(directory.path().join("file"), "")?;
    ensure!(
        Exhaust::start(&["blocks", "--limit", "2", "--on", place]).is_err(),
        "it hides a file"
    );
    Ok(())
}

/// Asynchronous I/O is everybody's: some is left, unless that is overridden.
pub fn some_aio_is_left() -> anyhow::Result<()> {
    let limit: u64 = fs::read_to_string("/proc/sys/fs/aio-max-nr")?
        .trim()
        .parse()?;
    let summary = Exhaust::start(&["aio"])?.end()?;
    ensure!(summary.left >= Some(limit / 25), "{summary:?}");
    let refused = Command::new(NOSPACE)
        .args(["exhaust", "aio", "--leave", "0", "--for", "1s"])
        .output()?;
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(1) && why.contains("--yes-break-this-node"),
        "{why}"
    );
    Ok(())
}

/// COMMAND is where the scenario is.
pub fn command_is_inside() -> anyhow::Result<()> {
    let output = Command::new(NOSPACE)
        .args(["exhaust", "sysv-messages", "--limit", "7", "--"])
        .args(["sh", "-c", "grep -c . /proc/sysvipc/msg"])
        .output()?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    // The first line is the heading.
    ensure!(lines.lines().next() == Some("8"), "{output:?}");
    Ok(())
}

/// Loop devices with a file of nospace's.
fn loop_devices() -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for device in fs::read_dir("/sys/block")? {
        let file = device?.path().join("loop/backing_file");
        found.extend(
            fs::read_to_string(file)
                .ok()
                .filter(|file| file.contains("nospace-exhaust")),
        );
    }
    Ok(found)
}

/// An exact remainder, no loop device afterwards; where the kernel has no disk quotas, an error that says so.
pub fn a_disk_quota() -> anyhow::Result<()> {
    if no_disk_quotas()?.is_some() {
        let refused = Command::new(NOSPACE)
            .args(["exhaust", "disk-quota", "--for", "5s"])
            .output()?;
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        ensure!(refused.status.code() == Some(1), "{refused:?}");
        ensure!(
            ["CONFIG_QUOTA", "e2fsprogs", "loop device"]
                .iter()
                .any(|one| why.contains(one)),
            "{why}"
        );
        return soon("no loop device", || Ok(loop_devices()?.is_empty()));
    }
    let exhaust = Exhaust::start(&["disk-quota", "--limit", "8", "--leave", "40000"])?;
    ensure!(loop_devices()?.len() == 1, "{:?}", loop_devices()?);
    let summary = exhaust.end()?;
    // In whole blocks.
    ensure!(summary.left == Some(40_960), "{summary:?}");
    ensure!(
        summary.used_before + summary.held + 40_960 == 8 << 20,
        "{summary:?}"
    );
    soon("no loop device", || Ok(loop_devices()?.is_empty()))?;
    // COMMAND has not the capability that would exempt it.
    let script = "dd if=/dev/zero of=$NOSPACE_EXHAUSTED/more bs=4096 count=20 2>&1";
    let output = Command::new(NOSPACE)
        .args([
            "exhaust",
            "disk-quota",
            "--limit",
            "8",
            "--amount",
            "100000000",
            "-o",
            "json",
            "--",
        ])
        .args(["sh", "-c", script])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        said.contains("uota exceeded") && said.contains("\"refused\": \"EDQUOT\""),
        "{output:?}"
    );
    Ok(())
}
