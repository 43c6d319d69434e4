//! Each limit, used up for real: `check` names it, with the right numbers and exit code 2, and is silent once
//! there is room again. `rows` is the table, a file a group of limits.
//!
//! Everything happens in namespaces, cgroups and file systems that end with the test, or as users that nobody is. No
//! sysctl of the host changes.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

#[path = "../support/mod.rs"]
mod support;

mod cgroup;
mod explain;
mod place;
mod row;
mod rows;

use std::process::ExitCode;

use anyhow::ensure;
use nospace_core::cause::Cause;

use support::test;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    let mut tests = vec![test("every cause has a row", every_cause_has_a_row)];
    for row in rows::table() {
        tests.push(test(&row.name(), move || row.run()));
    }
    support::run(tests)
}

/// Whoever adds a cause says here how it is used up, or why it cannot be.
fn every_cause_has_a_row() -> anyhow::Result<()> {
    let table = rows::table();
    let has_row = |cause: &&Cause| table.iter().any(|row| row.cause == **cause);
    let missing: Vec<_> = Cause::ALL.iter().filter(|cause| !has_row(cause)).collect();
    ensure!(
        missing.is_empty(),
        "no row in tests/limits/rows: {missing:?}"
    );
    let mut names: Vec<String> = table.iter().map(row::Row::name).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    ensure!(names.len() == all, "a name stands twice: {names:?}");
    Ok(())
}
