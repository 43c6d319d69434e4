//! Used up, seen, mended and taken back: the whole way, on this very machine and as its root.
//!
//! The only test that changes the host's limits. They are put back whatever happens: a process that no signal of
//! the terminal reaches waits for this one to end, and then puts them back if nobody has.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/exhaust.rs"]
mod exhaust;

#[path = "../support/victim.rs"]
mod victim;

mod host;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::{Report, Severity, StartVerdict};
use rustix::fs::FlockOperation;
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::io::Errno;

use exhaust::Exhaust;
use host::Host;
use support::{NOSPACE, check, report, test};

/// What is used up, and how it shows.
struct Story {
    target: &'static str,
    cause: Cause,
    /// A plain call.
    call: fn(&OwnedFd) -> Result<(), Errno>,
    errno: Errno,
    /// What tail(1) says.
    complaint: &'static str,
}

const STORIES: [Story; 2] = [
    Story {
        target: "watches",
        cause: Cause::InotifyWatches,
        call: |instance| add_watch(instance, c"/etc", WatchFlags::DELETE_SELF).map(drop),
        errno: Errno::NOSPC,
        complaint: "tail: inotify resources exhausted",
    },
    Story {
        target: "instances",
        cause: Cause::InotifyInstances,
        call: |_| init(CreateFlags::CLOEXEC).map(drop),
        errno: Errno::MFILE,
        complaint: "tail: inotify cannot be used, reverting to polling: Too many open files",
    },
];

fn main() -> ExitCode {
    // Both need the same limits: the second waits for the first.
    let tests = STORIES
        .into_iter()
        .map(|story| test(story.target, move || alone(|| tell(&story))));
    support::run(tests.collect())
}

/// One at a time on this machine, in this process or another.
fn alone(run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let lock = File::create(std::env::temp_dir().join("nospace-end-to-end.lock"))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
    run()
}

fn tell(story: &Story) -> anyhow::Result<()> {
    let Some(host) = Host::guard()? else {
        return Ok(());
    };
    let before = report(&mut check(""))?;
    ensure!(
        !has(&before, story.cause),
        "it is used up without us: {:?}",
        before.findings
    );
    let instance = init(CreateFlags::CLOEXEC)?;

    let arguments = [story.target, "--leave", "0", "--yes-break-this-node"];
    let exhaust = Exhaust::start(&arguments)?;
    ensure!(
        (story.call)(&instance) == Err(story.errno),
        "the call is not refused"
    );
    complains(story)?;
    condemned(story, &report(&mut check(""))?, exhaust.pid())?;

    tune("--apply")?;
    ensure!(
        (story.call)(&instance) == Ok(()),
        "the call is refused after tune --apply"
    );
    let after = report(&mut check(""))?;
    ensure!(!has(&after, story.cause), "{:?}", after.findings);
    let new = causes(&after).find(|&cause| causes(&before).all(|old| old != cause));
    ensure!(new.is_none(), "{:?}", after.findings);
    ensure!(
        verdict(&after)? == StartVerdict::Starts,
        "{:?}",
        after.forecast
    );

    tune("--revert")?;
    host.is_as_before()?;
    let summary = exhaust.end()?;
    ensure!(summary.cause == story.cause, "{summary:?}");
    ensure!((story.call)(&instance) == Ok(()), "nothing was given back");
    Ok(())
}

/// tail(1) says that it cannot, and `explain` why.
fn complains(story: &Story) -> anyhow::Result<()> {
    let mut tail = Command::new("tail")
        .args(["-f", "/etc/passwd"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let errors = tail.stderr.take().context("no pipe")?;
    let mut said = String::new();
    let heard = BufReader::new(errors).read_line(&mut said);
    tail.kill()?;
    tail.wait()?;
    heard?;
    ensure!(said.starts_with(story.complaint), "{said:?}");
    victim::explained(&said, story.cause)
}

/// `check` names what is used up, by whom, and what would happen to the kubelet.
fn condemned(story: &Story, report: &Report, pid: u32) -> anyhow::Result<()> {
    let mut findings = report.findings.iter();
    let Some(finding) =
        findings.find(|f| f.cause == story.cause && f.severity == Severity::Critical)
    else {
        bail!("check does not see it: {:?}", report.findings);
    };
    let culprit = finding.blame.culprits().first().context("no culprit")?;
    ensure!(
        culprit.to_string().contains("nospace") && culprit.to_string().contains(&pid.to_string()),
        "{finding:?}"
    );
    ensure!(
        verdict(report)? == StartVerdict::Fails,
        "{:?}",
        report.forecast
    );
    Ok(())
}

fn verdict(report: &Report) -> anyhow::Result<StartVerdict> {
    let start = report.forecast.kubelet_start.as_ref();
    Ok(start.context("no forecast")?.verdict)
}

fn has(report: &Report, cause: Cause) -> bool {
    causes(report).any(|found| found == cause)
}

/// Of all that is more than a remark.
fn causes(report: &Report) -> impl Iterator<Item = Cause> {
    let findings = report.findings.iter();
    let bad = findings.filter(|finding| finding.severity > Severity::Info);
    bad.map(|finding| finding.cause)
}

fn tune(option: &str) -> anyhow::Result<()> {
    let output = Command::new(NOSPACE).args(["tune", option]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "tune {option}: {}: {said}",
        output.status
    );
    Ok(())
}
