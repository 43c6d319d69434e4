//! Processes that vanish, that hold very much, and whose names are an attack on the terminal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::Report;
use nospace_holder::Holder;

use crate::cgroup::Cgroup;
use crate::support::{NOSPACE, check, report};

/// Red for the rest of the screen, a title for the window, a line of its own, and no UTF-8.
const HOSTILE: &[u8] = b"x\x1b[31m\x1b]0;\xff\xfe";

/// Looks that are taken while processes come and go.
const LOOKS: u32 = 100;

/// Processes and instances that vanish at any moment are normal: no gap, no error.
pub fn storm(options: &str) -> anyhow::Result<()> {
    let before = gaps(&report(&mut check(options))?)?;
    let over = AtomicBool::new(false);
    let until_over = |once: &dyn Fn() -> anyhow::Result<()>| {
        while !over.load(Ordering::Relaxed) {
            once()?;
        }
        anyhow::Ok(())
    };
    std::thread::scope(|scope| {
        let brief = scope.spawn(|| until_over(&|| Ok(Command::new("true").status().map(drop)?)));
        let holders = scope
            .spawn(|| until_over(&|| Holder::start(&["--watches=50", "--share=forked"]).map(drop)));
        let looks = (0..LOOKS).try_for_each(|_| calm(options, &before));
        over.store(true, Ordering::Relaxed);
        for thread in [brief, holders] {
            thread.join().map_err(|_| anyhow::anyhow!("a panic"))??;
        }
        looks
    })
}

fn calm(options: &str, before: &[String]) -> anyhow::Result<()> {
    let report = report(&mut check(options))?;
    for collector in &report.collectors {
        ensure!(collector.error.is_none(), "{collector:?}");
    }
    let now = gaps(&report)?;
    ensure!(now == before, "{now:?}, before: {before:?}");
    Ok(())
}

/// Gaps of the inotify collector, without the number of processes, which changes.
fn gaps(report: &Report) -> anyhow::Result<Vec<String>> {
    let found = report.collectors.iter().find(|one| one.name == "inotify");
    let gaps = &found.context("no inotify collector")?.gaps;
    let without = |gap: &String| match gap.split_once(" of ") {
        Some((denied, _)) => format!("{denied} could not be inspected"),
        None => gap.clone(),
    };
    Ok(gaps.iter().map(without).collect())
}

/// One process with 100,000 descriptors, one of which is an instance.
pub fn many_descriptors(options: &str) -> anyhow::Result<()> {
    let holder = Holder::start(&["--descriptors=100000", "--watches=7"])?;
    let open = holder.ready.descriptors;
    if open < 100_000 {
        eprintln!(
            "with {open} descriptors only: the hard limit cannot be raised without CAP_SYS_RESOURCE"
        );
    }
    let report = report(&mut check(options))?;
    let seen = report.processes.iter().find(|one| one.pid == holder.pid());
    ensure!(seen.is_some_and(|one| one.watches == 7), "{seen:?}");
    let files = report
        .resources
        .iter()
        .find(|one| {
            one.cause == Cause::ProcessFiles
                && one.subject.to_string().contains(&holder.pid().to_string())
        })
        .with_context(|| {
            let (inotify, pid) = (report.collectors.first(), holder.pid());
            format!("process {pid} is not said to be near its limit of descriptors: {inotify:?}")
        })?;
    ensure!(files.used > open && files.percent() >= 99, "{files:?}");
    Ok(())
}

/// A process's name is whatever it likes.
pub fn comm(options: &str) -> anyhow::Result<()> {
    let comm = [b"--comm=", HOSTILE].concat();
    let plan = [OsStr::new("--watches=900"), OsStr::from_bytes(&comm)];
    let holder = Holder::start(&plan)?;
    let pid = holder.pid();
    let options = format!("{options} --pid {pid}");
    let report = report(&mut check(&options))?;
    ensure!(report.processes.len() == 1, "{:?}", report.processes);
    drawn_safely(&options)
}

/// And so is a cgroup's, which names a unit and a budget of processes.
pub fn cgroup(options: &str) -> anyhow::Result<()> {
    let mut holder = Holder::start(&["--watches=900"])?;
    let Some(cgroup) = Cgroup::with_pids(OsStr::new("\x1b[31mx.service"))? else {
        return Ok(());
    };
    cgroup.limit_pids(1)?;
    cgroup.add(holder.pid())?;
    let answer = drawn_safely(&format!("{options} --verbose"));
    holder.end();
    answer
}

/// The report for people has the escaped name, and nothing that a terminal obeys but colours.
fn drawn_safely(options: &str) -> anyhow::Result<()> {
    let mut command = Command::new(NOSPACE);
    let output = command
        .env("COLUMNS", "200")
        .args(["check", "--color=always"])
        .args(options.split_whitespace())
        .output()?;
    let text = String::from_utf8(output.stdout).context("not UTF-8 on the terminal")?;
    ensure!(
        text.contains(r"\x1b[31m") || text.contains(r"\u{1b}[31m"),
        "{text}"
    );
    let colours = text.split('\x1b').skip(1);
    for sequence in colours {
        let end = sequence
            .find(|letter: char| !matches!(letter, '[' | ';' | '0'..='9'))
            .map(|at| &sequence[at..=at]);
        ensure!(
            sequence.starts_with('[') && end == Some("m"),
            "{sequence:?}"
        );
    }
    let raw = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\x1b');
    ensure!(!text.contains(raw), "{text:?}");
    ensure!(output.stderr.is_empty());
    Ok(())
}
