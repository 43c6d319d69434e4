//! `cargo xtask bench collectors`: what each collector of `check` costs, and together those of limits
//! other than inotify's; the figures go to docs/benchmarks.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result};
use nospace_core::report::Report;

use super::figures::Figures;
use super::load::{Load, Size};
use super::record::Record;
use super::{build, measure, must_be_root, root, table};

const ROUNDS: usize = 15;
/// The collectors that `check` had before: what they cost is its price anyway.
const FIRST: [&str; 12] = [
    "cgroups",
    "containers",
    "epoll",
    "files",
    "filesystems",
    "inotify",
    "keys",
    "limits",
    "mounts",
    "namespaces",
    "pids",
    "sysv",
];
/// What the others may cost together, in milliseconds.
const BUDGET: f64 = 5.0;

/// Runs `check` on the load of the other benchmarks, and writes a table.
pub fn run(rounds: Option<&str>) -> Result<()> {
    let rounds = rounds.map_or(Ok(ROUNDS), str::parse).context("rounds")?;
    must_be_root()?;
    let nospace = build(&root())?;
    let mut record = Record::begin("collectors", &rounds.to_string())?;
    let size = Size::times(1);
    eprintln!("bench: creating {}", size.name());
    let load = Load::make(&size)?;
    let mut whole = Vec::new();
    let mut added = Vec::new();
    let mut by_name: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    // The first warms caches up, and is not counted.
    for round in 0..=rounds {
        eprint!("\rbench: round {round} of {rounds}");
        let (measured, answer) =
            measure::run(Command::new(&nospace).args(["check", "-o", "json"]))?;
        let report: Report = serde_json::from_str(&answer.output)?;
        if round == 0 {
            continue;
        }
        whole.push(measured.time.as_secs_f64() * 1e3);
        let later = report.collectors.iter();
        let later = later.filter(|one| !FIRST.contains(&one.name.as_str()));
        added.push(later.map(|one| one.duration_ms).sum());
        for one in report.collectors {
            by_name.entry(one.name).or_default().push(one.duration_ms);
        }
    }
    eprintln!();
    drop(load);
    let mut text = "| | median ms | min–max ms |\n|---|---:|---:|\n".to_owned();
    let mut row = |name: &str, times: Vec<f64>| {
        let figures = Figures::new(times);
        let _ = writeln!(
            text,
            "| {name} | {:.2} | {} |",
            figures.median(),
            table::range(&figures)
        );
        figures.median()
    };
    let whole = row("`nospace check`, whole", whole);
    for (name, times) in by_name {
        let mark = if FIRST.contains(&name.as_str()) {
            ""
        } else {
            " (added)"
        };
        row(&format!("`{name}`{mark}"), times);
    }
    let added = row("all that were added, one after the other", added);
    let verdict = if added <= BUDGET { "within" } else { "beyond" };
    let _ = writeln!(
        text,
        "\nCollectors run side by side, so the sum is more than `check` waits for: {added:.2} ms, {verdict} the {BUDGET} ms that they may cost."
    );
    record.figure("whole check", whole, "ms");
    record.figure("collectors of other limits", added, "ms");
    record.finish(&text)
}
