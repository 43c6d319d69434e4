//! Which line wins at boot: nospace's answer against what `sysctl --system` and systemd-sysctl leave live.
//!
//! Both programs run in a chroot of a mount namespace, as root of a user namespace who is nobody outside: of the
//! host's sysctls they can change none.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

mod files;
mod oracle;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod support;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, ensure};
use nospace_core::parse::sysctl::number;
use nospace_core::tune::Tuning;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use files::{Tree, trees};
use oracle::Oracle;
use support::{NOSPACE, test};

/// Limits of a user namespace.
pub const KEYS: [&str; 3] = [
    "user.max_uts_namespaces",
    "user.max_ipc_namespaces",
    "user.max_cgroup_namespaces",
];
/// Their value when nothing sets them.
pub const UNSET: u64 = 424_242;

/// Sets of files that each reader is tried with, unless `NOSPACE_CASES` says otherwise.
const CASES: u32 = 150;

fn main() -> ExitCode {
    support::run(vec![
        test("sysctl --system", || agrees("sysctl", false)),
        test("systemd-sysctl", || {
            agrees("/lib/systemd/systemd-sysctl", true)
        }),
    ])
}

fn agrees(program: &str, systemd: bool) -> anyhow::Result<()> {
    let Some(oracle) = Oracle::start(program)? else {
        eprintln!("skipped: {program} is not installed (scripts/prepare test)");
        return Ok(());
    };
    let cases = std::env::var("NOSPACE_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(CASES),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let (oracle, won) = (RefCell::new(oracle), Cell::new(0));
    let done = runner.run(&trees(), |tree| {
        let held = hold(&mut oracle.borrow_mut(), &tree, systemd);
        let set = held.map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        won.set(won.get() + set);
        Ok(())
    });
    done.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    // Files that set nothing would prove nothing.
    ensure!(won.get() > 0, "no file of any case set a key");
    Ok(())
}

/// One set of files, and how many keys they set.
fn hold(oracle: &mut Oracle, tree: &Tree, systemd: bool) -> anyhow::Result<usize> {
    let directory = oracle.case()?;
    tree.write(&directory, systemd)?;
    let live = oracle.ask(&directory)?;
    let ours = ours(&directory)?;
    for (key, live) in KEYS.iter().zip(live) {
        let said = ours.get(*key).copied().unwrap_or(UNSET);
        ensure!(
            said == live,
            "{key} is {live}, nospace says {said} of\n{tree}"
        );
    }
    std::fs::remove_dir_all(&directory)?;
    Ok(ours.len())
}

/// What nospace says that the next boot sets.
fn ours(image: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut command = Command::new(NOSPACE);
    command.args(["tune", "-o", "json", "--root"]).arg(image);
    for key in KEYS {
        command.args(["--set", &format!("{key}=2147483647")]);
    }
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let tuning: Tuning =
        serde_json::from_slice(&output.stdout).with_context(|| said.into_owned())?;
    let set = tuning
        .changes
        .into_iter()
        .filter_map(|change| Some((change.key, change.at_boot?)));
    set.map(|(key, boot)| Ok((key, number(&boot.value).context("no number wins")?)))
        .collect()
}
