//! A log is judged by the budget of who wrote it, and many processes alike are one finding.

use std::process::Command;

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::explain::Verdict;
use nospace_core::report::Subject;
use nospace_holder::Holder;

use crate::support::{check, report};
use crate::victim::explanation;

/// Of the initial namespace; nobody is this user.
const ANOTHER: u32 = 1_899_999_043;
/// As kubelet 1.20 printed it (tests/logs), without its time.
const LINE: &str =
    "   5466 kubelet.go:1335] Failed to start cAdvisor inotify_init: too many open files\n";
/// The same line of a file that only the kubelet has, in words that any program may use.
const OTHER_LINE: &str = "   5466 file_linux.go:60] Unable to read config path \"/x\": unable to create inotify: too many open files\n";

/// Another user has no instance left; the kubelet is root's, which has.
pub fn another_user_is_full() -> anyhow::Result<()> {
    let mut full = Holder::start(&[format!("--uid={ANOTHER}"), "--instances=0".to_owned()])?;
    full.tell("rlimit nofile 9000")?;
    full.tell("exhaust instances")?;
    let _kubelet = Holder::start(&["--comm=kubelet", "--watches=1"])?;
    for line in [LINE, OTHER_LINE] {
        is_of_root(line)?;
    }
    Ok(())
}

fn is_of_root(line: &str) -> anyhow::Result<()> {
    let now = Command::new("date")
        .args(["--utc", "+%m%d %H:%M:%S.000000"])
        .output()?;
    let line = format!("E{} {line}", String::from_utf8(now.stdout)?.trim());
    let said = explanation(&line)?;
    let cause = said.causes.first().context("nothing found")?;
    ensure!(cause.cause == Cause::InotifyInstances, "{cause:?}");
    let found = report(&mut check(""))?;
    let exact = found
        .collectors
        .iter()
        .any(|run| run.name == "inotify" && run.source == "ebpf");
    let expected = if exact {
        Verdict::Recovered
    } else {
        Verdict::Unknown
    };
    ensure!(cause.node == expected, "{cause:?}");
    let accused = said
        .findings
        .iter()
        .any(|one| format!("{:?}", one.subject).contains(&ANOTHER.to_string()));
    ensure!(!accused, "{:?}", said.findings);
    Ok(())
}

/// A dozen workers that have no descriptor left, whatever other processes of this machine have.
pub fn workers() -> anyhow::Result<()> {
    // No other run of this test has workers of this name.
    let name = format!("worker-{}", std::process::id());
    let mut workers = Vec::new();
    for _ in 0..12 {
        let mut worker = Holder::start(&[format!("--comm={name}"), "--instances=1".to_owned()])?;
        worker.tell("rlimit nofile 70")?;
        worker.tell("exhaust files")?;
        workers.push(worker);
    }
    let found = report(&mut check("--only process-files"))?;
    let of_workers = |subject: &Subject| *subject == Subject::Program(name.clone());
    let alike: Vec<_> = found
        .findings
        .iter()
        .filter(|one| of_workers(&one.subject))
        .collect();
    ensure!(alike.len() == 1, "{alike:?}");
    ensure!(
        alike[0]
            .title
            .starts_with(&format!("12 processes of {name}")),
        "{}",
        alike[0].title
    );
    Ok(())
}
