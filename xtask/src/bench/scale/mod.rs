//! `cargo xtask bench scale`: what check, watches, agent and top cost where there is very much of one thing, and how that grows; the
//! figures go to docs/benchmarks.md.

mod axis;
mod growth;
mod live;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nospace_core::report::Report;

use super::figures::Figures;
use super::measure::{Measured, discard, megabytes, run as measure};
use super::record::Record;
use super::{build, keep, must_be_root, root};
pub use axis::mounts;
use axis::{AXES, Axis};
use growth::{Growth, LINEAR};
use live::Running;

/// Runs of check at each size.
const ROUNDS: usize = 5;
/// `watches` takes seconds at the largest size.
const WATCHES_ROUNDS: usize = 2;

/// Measures along each axis, or along the one of that name.
///
/// # Errors
/// Something could not be made or measured, or a cost grows faster than its cause; the figures are written all the same then.
pub fn run(rounds: Option<&str>, only: Option<&str>) -> Result<()> {
    let rounds = rounds.map_or(Ok(ROUNDS), str::parse).context("rounds")?;
    must_be_root()?;
    let nospace = build(&root())?;
    let axes = match only {
        Some(name) => vec![named(name)?],
        None => AXES.to_vec(),
    };
    let mut record = Record::begin("scale", &rounds.to_string())?;
    let mut text = String::new();
    let mut too_fast = Vec::new();
    for axis in axes {
        let part = Part::measure(axis, &nospace, rounds)?;
        text += &part.tables();
        part.record(&mut record);
        too_fast.extend(part.too_fast());
    }
    if only.is_some() {
        print!("{text}");
    } else {
        record.finish(&text)?;
    }
    ensure!(
        too_fast.is_empty(),
        "these grow faster than with the power {LINEAR}: {}",
        too_fast.join(", ")
    );
    Ok(())
}

/// `cargo xtask bench load AXIS COUNT`: makes it and keeps it until standard input ends.
///
/// # Errors
/// There is no such axis, or it cannot be made.
pub fn load(axis: &str, count: &str) -> Result<()> {
    keep(named(axis)?.make(count.parse().context("count")?)?)
}

fn named(name: &str) -> Result<Axis> {
    let axis = AXES.into_iter().find(|axis| axis.name() == name);
    axis.with_context(|| {
        let names = AXES.map(Axis::name).join(", ");
        format!("no axis {name}; there are: {names}")
    })
}

/// What nospace costs at one size.
struct Cost {
    check: Runs,
    collectors: BTreeMap<String, f64>,
    watches: Runs,
    agent: Running,
    top: Running,
}

/// The least of some runs: what keeps the machine busy otherwise only adds to it.
struct Runs {
    milliseconds: f64,
    cpu: f64,
    memory: f64,
}

impl Runs {
    fn of(runs: &[Measured]) -> Self {
        let least =
            |what: fn(&Measured) -> f64| Figures::new(runs.iter().map(what).collect()).min();
        Self {
            milliseconds: least(|run| run.time.as_secs_f64() * 1e3),
            cpu: least(|run| run.cpu.as_secs_f64() * 1e3),
            memory: least(|run| megabytes(run.memory)),
        }
    }
}

impl Cost {
    fn of(nospace: &Path, axis: Axis, count: u32, rounds: usize) -> Result<Self> {
        let made = axis.make(count)?;
        let enter = made.enter()?;
        let command = || {
            let mut words = enter.iter().map(String::as_str).collect::<Vec<_>>();
            let program = nospace.to_string_lossy();
            words.push(&program);
            let mut command = Command::new(words[0]);
            command.args(&words[1..]);
            command
        };
        let mut runs = Vec::new();
        let mut collectors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        // The first warms caches up, and is not counted.
        for round in 0..=rounds {
            let (measured, answer) = measure(command().args(["check", "-o", "json"]))?;
            let report: Report = serde_json::from_str(&answer.output)
                .with_context(|| format!("check: {} {}", answer.status, answer.errors))?;
            if round == 0 {
                continue;
            }
            runs.push(measured);
            for one in report.collectors {
                collectors
                    .entry(one.name)
                    .or_default()
                    .push(one.duration_ms);
            }
        }
        let least = |(name, times)| (name, Figures::new(times).min());
        let mut named = Vec::new();
        for _ in 0..WATCHES_ROUNDS {
            let (measured, status) = discard(command().arg("watches"))?;
            ensure!(status.code().is_some(), "watches was killed: {status}");
            named.push(measured);
        }
        Ok(Self {
            check: Runs::of(&runs),
            collectors: collectors.into_iter().map(least).collect(),
            watches: Runs::of(&named),
            agent: live::agent(command())?,
            top: live::top(&command())?,
        })
    }
}

/// All that was measured along an axis: with none of it, then at each size.
struct Part {
    axis: Axis,
    base: Cost,
    costs: Vec<(u32, Cost)>,
}

/// A figure of a size.
type Figure = (&'static str, fn(&Cost) -> f64);

/// Of the programs; those that grow are looked at.
const FIGURES: [Figure; 10] = [
    ("check ms", |cost| cost.check.milliseconds),
    ("CPU ms", |cost| cost.check.cpu),
    ("MB", |cost| cost.check.memory),
    ("watches ms", |cost| cost.watches.milliseconds),
    ("CPU ms", |cost| cost.watches.cpu),
    ("MB", |cost| cost.watches.memory),
    ("agent, CPU ms a check", |cost| cost.agent.cpu),
    ("MB", |cost| cost.agent.memory),
    ("top, CPU ms a second", |cost| cost.top.cpu),
    ("MB", |cost| cost.top.memory),
];

impl Part {
    fn measure(axis: Axis, nospace: &Path, rounds: usize) -> Result<Self> {
        let at = |count| {
            eprintln!("bench: {count} {}", axis.name());
            Cost::of(nospace, axis, count, rounds)
        };
        let base = at(0)?;
        let costs = axis.sizes().map(|count| Ok((count, at(count)?)));
        Ok(Self {
            axis,
            base,
            costs: costs.into_iter().collect::<Result<_>>()?,
        })
    }

    /// All of them with their sizes.
    fn rows(&self) -> impl Iterator<Item = (u32, &Cost)> {
        let costs = self.costs.iter().map(|(count, cost)| (*count, cost));
        std::iter::once((0, &self.base)).chain(costs)
    }

    fn growth(&self, of: impl Fn(&Cost) -> f64) -> Growth {
        let costs = self.costs.iter().map(|(count, cost)| (*count, of(cost)));
        Growth::of(of(&self.base), &costs.collect::<Vec<_>>())
    }

    /// Collectors whose time grows, with how.
    fn growing(&self) -> Vec<(&str, Growth)> {
        let Some((_, last)) = self.costs.last() else {
            return Vec::new();
        };
        let names = last.collectors.keys().map(String::as_str);
        let all = names.map(|name| (name, self.growth(|cost| time(cost, name))));
        all.filter(|(_, growth)| *growth != Growth::None).collect()
    }

    fn tables(&self) -> String {
        let name = self.axis.name();
        let mut text = format!("\n### {name}\n\n| {name} |");
        for (figure, _) in FIGURES {
            let _ = write!(text, " {figure} |");
        }
        let _ = writeln!(text, "\n|---:|{}", "---:|".repeat(FIGURES.len()));
        for (count, cost) in self.rows() {
            let _ = write!(text, "| {count} |");
            for (_, figure) in FIGURES {
                let _ = write!(text, " {:.1} |", figure(cost));
            }
            text.push('\n');
        }
        text += "| power |";
        for (_, figure) in FIGURES {
            let _ = write!(text, " {} |", self.growth(figure));
        }
        text.push('\n');
        let growing = self.growing();
        if growing.is_empty() {
            return text + "\nNo collector's time grows.\n";
        }
        text += "\n| collector |";
        for (count, _) in self.rows() {
            let _ = write!(text, " {count} |");
        }
        let _ = writeln!(
            text,
            " power |\n|---|{}---:|",
            "---:|".repeat(self.costs.len() + 1)
        );
        for (name, growth) in growing {
            let _ = write!(text, "| `{name}` |");
            for (_, cost) in self.rows() {
                let _ = write!(text, " {:.1} |", time(cost, name));
            }
            let _ = writeln!(text, " {growth} |");
        }
        text
    }

    fn record(&self, record: &mut Record) {
        if let Some((count, cost)) = self.costs.last() {
            let name = format!("{count} {}", self.axis.name());
            record.figure(format!("check, {name}"), cost.check.milliseconds, "ms");
            record.figure(format!("watches, {name}"), cost.watches.milliseconds, "ms");
            record.figure(format!("agent, {name}"), cost.agent.cpu, "CPU ms a check");
            record.figure(format!("top, {name}"), cost.top.cpu, "CPU ms a second");
        }
    }

    /// What grows faster than what there is.
    fn too_fast(&self) -> Vec<String> {
        let figures = FIGURES
            .into_iter()
            .map(|(name, figure)| (name, self.growth(figure)));
        let all = figures.chain(self.growing());
        all.filter(|(_, growth)| growth.is_too_fast())
            .map(|(what, growth)| format!("{what} with {} ({growth})", self.axis.name()))
            .collect()
    }
}

/// What a collector took; nothing where it did not run.
fn time(cost: &Cost, name: &str) -> f64 {
    cost.collectors.get(name).copied().unwrap_or(0.0)
}
