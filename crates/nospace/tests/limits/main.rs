//! Each limit, used up for real: `check` names it, with the right numbers and exit code 2, and is silent once
//! there is room again. `rows` is the table, a file a group of limits.
//!
//! Everything happens in namespaces, cgroups and file systems that end with the test, or as unused uids. No
//! sysctl of the host changes.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/exhaust.rs"]
mod exhaust;

mod cgroup;
mod explain;
mod place;
mod row;
mod rows;

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use nospace::exhaust::scenarios::SCENARIOS;
use nospace_core::cause::Cause;
use nospace_core::limits::{LIMITS, reading};
use nospace_core::model::Provenance;

use row::{How, Row};
use support::test;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    let mut tests = vec![
        test("every limit has a row", every_limit_has_a_row),
        test("every scenario has a row", every_scenario_has_a_row),
    ];
    tests.push(test(
        "figures are as exact as docs/limits.md says",
        figures_are_as_exact,
    ));
    for row in rows::table() {
        tests.push(test(&row.name(), move || row.run()));
    }
    support::run(tests)
}

/// On this machine, by both ways to count.
fn figures_are_as_exact() -> anyhow::Result<()> {
    for way in support::WAYS {
        let report = support::report(&mut support::check(way))?;
        let ebpf = report
            .collectors
            .iter()
            .any(|one| one.name == "inotify" && one.provenance == Provenance::Exact);
        for one in &report.resources {
            let read = reading(one.cause).with_context(|| one.cause.to_string())?;
            let expected = if ebpf { read.with_ebpf } else { read.without };
            // The nesting of user namespaces is the kernel's own figure, the number of namespaces is not.
            let exact = ebpf && one.unit == "levels";
            let expected = if exact { Provenance::Exact } else { expected };
            ensure!(one.provenance == expected, "{way}: {one:?}");
        }
    }
    Ok(())
}

/// What `nospace exhaust` uses up is found.
fn every_scenario_has_a_row() -> anyhow::Result<()> {
    let table = rows::table();
    for scenario in SCENARIOS {
        let row = table
            .iter()
            .find(|row| matches!(row.how, How::Scenario(name, _) if name == scenario.name));
        let row = row.with_context(|| format!("no row uses {scenario:?}"))?;
        ensure!(row.cause == scenario.cause, "{scenario:?}: {}", row.cause);
    }
    Ok(())
}

/// To add a limit, say here how it is used up, or why it cannot be.
fn every_limit_has_a_row() -> anyhow::Result<()> {
    let table = rows::table();
    for limit in LIMITS {
        let rows: Vec<_> = table
            .iter()
            .filter(|row| row.cause == limit.cause)
            .collect();
        let cause = limit.cause;
        ensure!(
            !rows.is_empty(),
            "no row in tests/limits/rows has the cause {cause}"
        );
        // What only a log line knows to be a full disk, check calls disk-blocks or disk-inodes.
        let is_found = limit.collector.is_some() && cause != Cause::DiskSpace;
        let is_checked = rows
            .iter()
            .any(|row| !matches!(row.how, How::OnlyInLogs { .. }));
        ensure!(
            is_found == is_checked,
            "{cause} is read by {:?}",
            limit.collector
        );
    }
    let mut names: Vec<String> = table.iter().map(Row::name).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    ensure!(names.len() == all, "a name stands twice: {names:?}");
    Ok(())
}
