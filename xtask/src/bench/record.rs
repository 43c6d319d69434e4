//! A run of a benchmark: begun on a quiet machine, its tables put into docs/benchmarks.md, its main figures into a history.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::{root, table};

/// The highest load average at which a run begins.
const QUIET: f64 = 1.0;
/// How long it waits for that: building the program keeps the machine busy.
const PATIENCE: Duration = Duration::from_mins(5);
/// Runs on a busy machine, too.
const FORCE: &str = "NOSPACE_BENCH_FORCE";
/// A row for each figure of each run: date, commit, benchmark, figure, value, unit.
const HISTORY: &str = "docs/benchmarks-history.tsv";
const HEADING: &str = "date\tcommit\tbenchmark\tfigure\tvalue\tunit\n";
/// A figure that is this much above an earlier one is pointed out.
const WORSE: f64 = 1.15;

/// A run that has begun.
pub struct Record {
    benchmark: &'static str,
    command: String,
    load: f64,
    figures: Vec<Figure>,
}

struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
}

impl Record {
    /// Begins `bench BENCHMARK ARGUMENTS` once the machine is quiet.
    ///
    /// # Errors
    /// It stays busy, and nobody forces it.
    pub fn begin(benchmark: &'static str, arguments: &str) -> Result<Self> {
        let begin = Instant::now();
        let mut load = load_average()?;
        let forced = std::env::var_os(FORCE).is_some();
        while load > QUIET && !forced {
            ensure!(
                begin.elapsed() < PATIENCE,
                "the load average stays at {load}: figures of a busy machine mislead. Stop what keeps it busy, or set {FORCE}=1"
            );
            eprint!("\rbench: waiting for the load average to fall below {QUIET}: {load}  ");
            std::thread::sleep(Duration::from_secs(5));
            load = load_average()?;
        }
        eprintln!();
        Ok(Self {
            benchmark,
            command: format!("cargo xtask bench {benchmark} {arguments}")
                .trim_end()
                .to_owned(),
            load,
            figures: Vec::new(),
        })
    }

    /// Keeps a figure, of which less is better.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure {
            name: name.into(),
            value,
            unit,
        });
    }

    /// Writes the tables to the page and the figures to the history; prints both, with what the figures were before.
    ///
    /// # Errors
    /// The page or the history cannot be written.
    pub fn finish(self, tables: &str) -> Result<()> {
        let root = root();
        let where_and_when = table::circumstances(&self.command, self.load, load_average()?)?;
        let text = format!("{where_and_when}\n{}\n", tables.trim_matches('\n'));
        let name = format!("bench {}", self.benchmark);
        super::write(&root.join("docs/benchmarks.md"), &name, &text)?;
        let history = root.join(HISTORY);
        let earlier = match fs::read_to_string(&history) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => HEADING.to_owned(),
            Err(error) => return Err(error).with_context(|| HISTORY.to_owned()),
        };
        print!("{text}\n{}", self.compared(&earlier));
        if !history.exists() {
            fs::write(&history, HEADING)?;
        }
        let mut file = OpenOptions::new().append(true).open(&history)?;
        file.write_all(self.rows(&commit(&root)?).as_bytes())?;
        Ok(())
    }

    fn rows(&self, commit: &str) -> String {
        let date = jiff::Timestamp::now().strftime("%F").to_string();
        let mut rows = String::new();
        for Figure { name, value, unit } in &self.figures {
            let _ = writeln!(
                rows,
                "{date}\t{commit}\t{}\t{name}\t{}\t{unit}",
                self.benchmark,
                significant(*value)
            );
        }
        rows
    }

    /// Each figure beside its last and its oldest.
    fn compared(&self, earlier: &str) -> String {
        let mut text = String::new();
        for Figure { name, value, unit } in &self.figures {
            let known: Vec<(&str, f64)> = earlier
                .lines()
                .filter_map(|row| {
                    let [date, _, benchmark, figure, value, of] =
                        row.split('\t').collect::<Vec<_>>()[..]
                    else {
                        return None;
                    };
                    let same = benchmark == self.benchmark && figure == name && of == *unit;
                    same.then(|| Some((date, value.parse().ok()?)))?
                })
                .collect();
            let _ = write!(text, "{name}: {} {unit}", significant(*value));
            for (what, row) in [("last", known.last()), ("first", known.first())] {
                if let Some((date, before)) = row {
                    let mark = if *value > before * WORSE {
                        ", now worse"
                    } else {
                        ""
                    };
                    let _ = write!(text, "; {what} ({date}): {}{mark}", significant(*before));
                }
            }
            text.push('\n');
        }
        text
    }
}

/// Three significant digits.
fn significant(value: f64) -> String {
    let whole_digits = value.abs().max(1e-9).log10().floor();
    let decimals = (2.0 - whole_digits).clamp(0.0, 6.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 6"
    )]
    let decimals = decimals as usize;
    format!("{value:.decimals$}")
}

/// Of the last minute.
fn load_average() -> Result<f64> {
    let load = fs::read_to_string("/proc/loadavg")?;
    let minute = load.split(' ').next().unwrap_or_default();
    minute.parse().context("/proc/loadavg")
}

/// The commit that was measured; with a plus where files differ from it.
fn commit(root: &Path) -> Result<String> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(root)
            .output()
            .context("git")?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--", "crates"])?;
    let plus = if changed.is_empty() { "" } else { "+" };
    Ok(git(&["rev-parse", "--short", "HEAD"])? + plus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_compared_with_the_last_and_the_first() {
        let mut record = Record {
            benchmark: "check",
            command: String::new(),
            load: 0.0,
            figures: Vec::new(),
        };
        record.figure("whole", 34.66, "ms");
        record.figure("new", 0.1234, "×");
        let earlier = format!(
            "{HEADING}2026-11-21\taaaaaaa\tcheck\twhole\t25\tms\n2026-11-22\tbbbbbbb\twatches\twhole\t1\tms\n\
             2026-11-23\tccccccc\tcheck\twhole\t34\tms\n2026-11-23\tccccccc\tcheck\twhole\t0.07\tof the peer\n"
        );
        assert_eq!(
            record.compared(&earlier),
            "whole: 34.7 ms; last (2026-11-23): 34.0; first (2026-11-21): 25.0, now worse\nnew: 0.123 ×\n"
        );
    }

    #[test]
    fn three_digits_are_kept() {
        for (value, text) in [
            (0.0, "0.000000"),
            (0.01234, "0.0123"),
            (1.0, "1.00"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234.5, "1234"),
        ] {
            assert_eq!(significant(value), text);
        }
    }
}
