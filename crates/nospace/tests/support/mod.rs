//! What tests share that need root: who may run, and nospace's answers.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

use std::process::{Command, ExitCode, Output};

use anyhow::{Context as _, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use nospace_core::cause::Cause;
use nospace_core::report::Report;
use rustix::thread::{CapabilitySet, capabilities};

/// nospace, as Cargo built it for this test.
pub const NOSPACE: &str = env!("CARGO_BIN_EXE_nospace");

/// By the best source there is, and by /proc alone.
#[allow(dead_code, reason = "not every test that shares this has two ways")]
pub const WAYS: [&str; 2] = ["", "--no-ebpf"];

/// A test, by its name.
pub fn test(name: &str, run: impl FnOnce() -> anyhow::Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run().map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// Runs the tests, or says in words why they cannot run and skips them.
pub fn run(tests: Vec<Trial>) -> ExitCode {
    let reason = why_not();
    if let Some(reason) = reason {
        eprintln!("skipped: {reason}");
    }
    let tests = tests
        .into_iter()
        .map(|test| test.with_ignored_flag(reason.is_some()))
        .collect();
    let mut arguments = Arguments::from_args();
    // As the tests of the standard library's harness do.
    if let Ok(text) = std::env::var("RUST_TEST_THREADS") {
        let Some(threads) = text.parse().ok().filter(|threads| *threads > 0) else {
            eprintln!("RUST_TEST_THREADS is `{text}`: set it to a number from 1 on, or unset it");
            return ExitCode::FAILURE;
        };
        arguments.test_threads.get_or_insert(threads);
    }
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// User namespaces with mapped uids, mounts and other users are root's to make.
fn why_not() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("these tests make namespaces and become other users: run them as root");
    }
    let own = capabilities(None).map(|sets| sets.effective);
    match own {
        Ok(sets) if sets.contains(CapabilitySet::SYS_ADMIN) => None,
        _ => Some(
            "these tests make namespaces and mounts: give them CAP_SYS_ADMIN (docker run --privileged)",
        ),
    }
}

/// `nospace check -o json` with these options, separated by spaces.
#[allow(dead_code, reason = "a test of places has its own command")]
pub fn check(options: &str) -> Command {
    let mut command = Command::new(NOSPACE);
    command
        .args(["check", "-o", "json"])
        .args(options.split_whitespace());
    command
}

/// Runs a command that prints a report.
#[allow(dead_code, reason = "not every test that shares this reads reports so")]
pub fn report(command: &mut Command) -> anyhow::Result<Report> {
    report_of(&command.output().context("cannot run it")?)
}

/// Takes away what the report finds of this machine's disks, which may be nearly full; true if that was anything.
#[allow(
    dead_code,
    reason = "not every test that shares this asks for a verdict"
)]
pub fn forget_disks(report: &mut Report) -> bool {
    let before = report.findings.len();
    let of_disk = |cause| matches!(cause, Cause::DiskBlocks | Cause::DiskInodes);
    report.findings.retain(|finding| !of_disk(finding.cause));
    report.findings.len() < before
}

/// The report that was printed, with nothing amiss.
#[allow(dead_code, reason = "not every test that shares this reads reports so")]
pub fn report_of(output: &Output) -> anyhow::Result<Report> {
    let errors = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    ensure!(
        errors.is_empty() && code.is_some_and(|code| code < 4),
        "{}; it says: {errors}",
        output.status
    );
    let report: Report =
        serde_json::from_slice(&output.stdout).context("standard output is no report")?;
    ensure!(
        code == Some(report.status().exit_code().into()),
        "{} for {:?}",
        output.status,
        report.status()
    );
    Ok(report)
}
