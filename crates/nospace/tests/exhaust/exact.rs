//! Exactly N are left: the kernel gives N more, and refuses the next.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use nospace::exhaust::{EndReason, Target};
use nospace_core::model::Provenance;
use nospace_holder::{Holder, Tried};
use rustix::io::Errno;

use crate::exhaust::Exhaust;
use crate::support::NOSPACE;

/// In the holder's user namespace.
pub fn inside(holder: &Holder, arguments: &str) -> Command {
    let script = r#"exec 8<"$0"; pid=$1; shift; exec nsenter --user --target "$pid" /proc/self/fd/8 exhaust "$@""#;
    let mut command = Command::new("sh");
    command
        .args(["-c", script, NOSPACE, &holder.pid().to_string()])
        .args(arguments.split(' '));
    command
}

fn exactly(tried: Tried, done: u64, errno: Errno) -> anyhow::Result<()> {
    let wanted = Tried {
        done,
        errno: Some(errno.raw_os_error()),
    };
    ensure!(tried == wanted, "{tried:?} instead of {wanted:?}");
    Ok(())
}

pub fn watches_of_a_namespace() -> anyhow::Result<()> {
    let mut holder = Holder::start(&["--user-namespace=810000", "--watches=7"])?;
    holder.tell("limit watches 3000")?;
    let exhaust = Exhaust::spawn(inside(&holder, "watches --leave 9"))?;
    exactly(holder.tell("add 100")?, 9, Errno::NOSPC)?;
    let summary = exhaust.end()?;
    ensure!(
        summary.target == Target::Watches && summary.held == 3000 - 7 - 9,
        "{summary:?}"
    );
    ensure!(summary.refused.as_deref() == Some("ENOSPC"), "{summary:?}");
    ensure!(summary.inodes * 20 < summary.held, "{summary:?}");
    ensure!(holder.tell("add 100")?.done == 100);
    Ok(())
}

pub fn instances_of_a_namespace() -> anyhow::Result<()> {
    let mut holder = Holder::start(&["--user-namespace=811000", "--watches=1"])?;
    holder.tell("limit instances 40")?;
    let exhaust = Exhaust::spawn(inside(&holder, "instances --leave 3"))?;
    exactly(holder.tell("open 10")?, 3, Errno::MFILE)?;
    let summary = exhaust.end()?;
    ensure!(summary.held == 40 - 1 - 3, "{summary:?}");
    ensure!(holder.tell("open 10")?.done == 10);
    Ok(())
}

/// An unused uid. The kernel's accounting shows how much is left, or else its refusal.
pub fn watches_of_a_user(options: &[&str]) -> anyhow::Result<()> {
    let uid = if options.is_empty() {
        "1899999001"
    } else {
        "1899999002"
    };
    let mut holder = Holder::start(&["--uid", uid, "--watches=7"])?;
    let mut arguments = vec!["watches", "--as-uid", uid, "--leave", "5"];
    arguments.extend(options);
    let exhaust = Exhaust::start(&arguments)?;
    exactly(holder.tell("add 100")?, 5, Errno::NOSPC)?;
    let summary = exhaust.end()?;
    ensure!(
        Some(summary.held) == summary.limit.map(|limit| limit - 7 - 5),
        "{summary:?}"
    );
    if summary.provenance == Provenance::Exact {
        ensure!(
            summary.left == Some(5) && summary.refused.is_none(),
            "{summary:?}"
        );
    }
    ensure!(summary.ended == EndReason::Signal);
    Ok(())
}

pub fn instances_of_a_user() -> anyhow::Result<()> {
    let uid = "1899999003";
    let mut holder = Holder::start(&["--uid", uid, "--watches=1"])?;
    let exhaust = Exhaust::start(&["instances", "--as-uid", uid, "--leave", "4"])?;
    exactly(holder.tell("open 10")?, 4, Errno::MFILE)?;
    exhaust.end()?;
    Ok(())
}

pub fn percent() -> anyhow::Result<()> {
    let mut holder = Holder::start(&["--user-namespace=812000", "--watches=50"])?;
    holder.tell("limit watches 1000")?;
    let exhaust = Exhaust::spawn(inside(&holder, "watches --percent 70 --ramp 1000/s"))?;
    exactly(holder.tell("add 500")?, 300, Errno::NOSPC)?;
    let summary = exhaust.end()?;
    ensure!(summary.held == 650 && summary.took_ms >= 600, "{summary:?}");
    Ok(())
}

/// Neither /dev/shm nor /run can be written to: files without a name are watched instead.
pub fn without_a_directory() -> anyhow::Result<()> {
    let script = r#"
        for place in /dev/shm /run; do mount -t tmpfs -o ro none "$place"; done
        exec "$0" exhaust watches --as-uid 1899999004 --amount 500 "$@"
    "#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", script, NOSPACE]);
    let exhaust = Exhaust::spawn(command)?;
    let summary = exhaust.end()?;
    ensure!(summary.held == 500 && summary.inodes > 0, "{summary:?}");
    Ok(())
}

/// What needs a directory of root's says so to another user.
/// Nor does what another user's nospace left behind stand in the way.
pub fn without_rights() -> anyhow::Result<()> {
    // Above any pid_max.
    let left = Path::new("/run/nospace-exhaust.2000000002");
    fs::create_dir_all(left)?;
    let outcome = errors_without_rights();
    // Another test's nospace, as root, may have removed it.
    let _ = fs::remove_dir(left);
    outcome
}

fn errors_without_rights() -> anyhow::Result<()> {
    for scenario in ["ptys", "inodes", "cgroups"] {
        let output = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", NOSPACE])
            .args(["exhaust", scenario, "--for", "1s"])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = said.contains("cannot create") && said.contains("run as root");
        ensure!(!output.status.success() && expected, "{scenario}: {said}");
    }
    Ok(())
}
