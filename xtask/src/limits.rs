//! docs/limits.md, from the table of limits.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use nospace_core::cause::Cause;
use nospace_core::limits::{LIMITS, Limit, Place, Refusal, errno, reading};
use nospace_core::model::Provenance;

const INTRODUCTION: &str = "# Limits that answer with a misleading error

Made by `cargo xtask limits` from crates/core/src/limits: do not edit. Each page says how the kernel counts, how exact the figure is, and what
to change.

- Calls: those that fail when the limit is reached, with their error. `any` is every call that can fail so.
- Sysctls: in *italics* those that nospace reads and does not raise.
- Collector: what reads it for `nospace check`; `nospace check -v` shows it with its accuracy. Without one only log lines tell of the limit.
- Figures: `exact` is the kernel's own number, `estimated` is counted from outside and may miss something. `with eBPF` says that it is worse or not there
  without.
- Since: the kernel that has the limit, with the manual page or commit that says so, and in brackets the one that nospace needs to read it, where that is newer than
  eBPF's 5.8.

| cause | what it means | calls | sysctls | collector | figures | since |
|---|---|---|---|---|---|---|
";

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limits.md");

pub fn write() -> Result<()> {
    fs::write(PAGE, page()).context(PAGE)
}

fn page() -> String {
    let rows: String = LIMITS.iter().map(|limit| row(limit)).collect();
    format!("{INTRODUCTION}{rows}")
}

fn row(limit: &Limit) -> String {
    let sysctls: Vec<String> = limit
        .sysctls
        .iter()
        .map(|sysctl| match sysctl.tunable {
            true => format!("`{}`", sysctl.key),
            false => format!("*{}*", sysctl.key),
        })
        .collect();
    format!(
        "| [{0}](causes/{0}.md) | {1} | {2} | {3} | {4} | {5} | {6} |\n",
        limit.cause,
        limit.meaning,
        refusals(limit.refusals),
        sysctls.join(", "),
        limit.collector.unwrap_or("none"),
        figures(limit.cause),
        since(limit.cause),
    )
}

/// `exact with eBPF, else estimated`
fn figures(cause: Cause) -> String {
    let Some(read) = reading(cause) else {
        return String::new();
    };
    let (best, other) = (read.with_ebpf.name(), read.without.name());
    match read.without {
        same if same == read.with_ebpf => best.to_owned(),
        Provenance::Unavailable => format!("{best} with eBPF, else none"),
        _ => format!("{best} with eBPF, else {other}"),
    }
}

/// `2.6.6, mq_overview(7) (bytes of users 5.14)`
fn since(cause: Cause) -> String {
    let Some(read) = reading(cause) else {
        return String::new();
    };
    let written = read
        .since
        .map(|(version, source)| format!("{version}, {source}"));
    let needs = read.needs.map(|version| format!("({version})"));
    let parts: Vec<String> = written.into_iter().chain(needs).collect();
    parts.join(" ")
}

/// `ENOSPC (cgroupfs): mkdir, mkdirat`.
fn refusals(all: &[Refusal]) -> String {
    let mut by_error: BTreeMap<(i32, &str), Vec<&str>> = BTreeMap::new();
    for refusal in all {
        let place = match refusal.place {
            Place::Anywhere => "",
            Place::Cgroupfs => " (cgroupfs)",
            Place::OtherFilesystem => " (not cgroupfs)",
            Place::Ptmx => " (/dev/ptmx)",
            Place::NoFile => " (no file)",
        };
        let calls = by_error.entry((refusal.errno, place)).or_default();
        calls.push(refusal.call.unwrap_or("any"));
    }
    let errors = by_error.into_iter().map(|((number, place), calls)| {
        let name = match number {
            errno::E2BIG => "E2BIG",
            errno::EAGAIN => "EAGAIN",
            errno::ENOMEM => "ENOMEM",
            errno::ENFILE => "ENFILE",
            errno::EMFILE => "EMFILE",
            errno::ENOSPC => "ENOSPC",
            errno::EXFULL => "EXFULL",
            errno::EADDRNOTAVAIL => "EADDRNOTAVAIL",
            errno::ENOBUFS => "ENOBUFS",
            errno::ETOOMANYREFS => "ETOOMANYREFS",
            errno::EDQUOT => "EDQUOT",
            errno::ENOTSUPP => "ENOTSUPP (524)",
            _ => return format!("errno {number}{place}: {}", calls.join(", ")),
        };
        format!("{name}{place}: {}", calls.join(", "))
    });
    errors.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_that_of_the_table() -> Result<()> {
        anyhow::ensure!(
            page() == fs::read_to_string(PAGE)?,
            "docs/limits.md is old; run cargo xtask limits"
        );
        Ok(())
    }
}
