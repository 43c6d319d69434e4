//! `cargo xtask bench explain`: nospace against grep and ripgrep, with the same patterns, on a log of the size of a
//! busy node's; the figures go to docs/benchmarks.md.

mod dialect;
mod log;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nospace_core::signatures::Table;

use super::figures::Figures;
use super::measure::{Measured, run};
use super::table::circumstances;

/// Rounds unless the command line says otherwise.
const ROUNDS: usize = 3;
/// Size of the log.
const MIB: u64 = 1024;
/// A program that has not ended by then is stopped, and its figure is a lower bound.
const PATIENCE_SECONDS: u64 = 60;
/// How timeout(1) says that it stopped something.
const STOPPED: i32 = 124;

/// Something that counts the lines of a log that match.
struct Program {
    name: &'static str,
    command: Vec<String>,
    /// Once is enough for what takes a minute.
    once: bool,
}

/// What the runs of one program gave.
struct Played {
    name: &'static str,
    runs: Vec<Measured>,
    matches: Option<u64>,
}

/// Runs it all; `rounds` as given on the command line.
pub fn explain(rounds: Option<&str>) -> Result<()> {
    let rounds = rounds.map_or(Ok(ROUNDS), str::parse).context("rounds")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let nospace = super::build(&root)?;
    let work = tempfile::tempdir()?;
    let path = work.path().join("kubelet.log");
    let lines = log::write(&root.join("tests/logs"), &path, MIB << 20)?;
    let programs = programs(&nospace.display().to_string(), work.path())?;
    let played = play(&programs, rounds, &path)?;
    let text = format!(
        "{}\n{}",
        circumstances(&format!("cargo xtask bench explain {rounds}"))?,
        table(&played, lines)
    );
    super::write(&root.join("docs/benchmarks.md"), "bench explain", &text)?;
    print!("{text}");
    Ok(())
}

fn programs(nospace: &str, work: &Path) -> Result<Vec<Program>> {
    let table = Table::builtin()?;
    let file = |name: &str, lines: Vec<String>| -> Result<String> {
        let path = work.join(name);
        fs::write(&path, lines.join("\n") + "\n")?;
        Ok(path.display().to_string())
    };
    let signatures = table.signatures();
    let mut fixed: Vec<String> = signatures.iter().map(|s| s.literal.clone()).collect();
    fixed.sort();
    fixed.dedup();
    let rust = file(
        "rust",
        signatures
            .iter()
            .map(|s| dialect::rust(&s.pattern))
            .collect(),
    )?;
    let posix = file(
        "posix",
        signatures
            .iter()
            .map(|s| dialect::posix(&s.pattern))
            .collect(),
    )?;
    let literals: Vec<String> = fixed.iter().map(|l| dialect::quoted(l)).collect();
    let alternation = literals.join("|");
    let fixed = file("fixed", fixed)?;
    let program = |name, once, command: &[&str]| Program {
        name,
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        once,
    };
    let rg = ["rg", "--no-config", "-c", "-i", "--no-unicode"];
    let bounds = ["--regex-size-limit=1G", "--dfa-size-limit=1G"];
    let patience = PATIENCE_SECONDS.to_string();
    Ok(vec![
        program(
            "`nospace explain --no-node`",
            false,
            &[
                nospace,
                "explain",
                "--no-node",
                "-o",
                "json",
                "--max-lines",
                "0",
            ],
        ),
        program("`cat`", false, &["cat"]),
        program(
            "`rg -c`, the same patterns",
            false,
            &[&rg[..], &bounds, &["-f", &rust]].concat(),
        ),
        program(
            "`rg -cF`, only the fixed strings",
            false,
            &[&rg[..], &["-F", "-f", &fixed]].concat(),
        ),
        program(
            "`grep -cF`, only the fixed strings",
            false,
            &["grep", "-ciF", "-f", &fixed],
        ),
        program(
            "`grep -cE`, only the fixed strings as one pattern",
            false,
            &["grep", "-ciE", &alternation],
        ),
        program(
            "`grep -cE`, the same patterns",
            true,
            &["timeout", &patience, "grep", "-ciE", "-f", &posix],
        ),
    ])
}

/// Rounds of all programs in turn, after one read that brings the log into the page cache.
fn play(programs: &[Program], rounds: usize, log: &Path) -> Result<Vec<Played>> {
    std::io::copy(&mut fs::File::open(log)?, &mut std::io::sink())?;
    let mut all: Vec<Played> = programs
        .iter()
        .map(|p| Played {
            name: p.name,
            runs: Vec::new(),
            matches: None,
        })
        .collect();
    for round in 1..=rounds {
        for (program, played) in programs.iter().zip(&mut all) {
            if program.once && round > 1 {
                continue;
            }
            eprintln!("bench: round {round} of {rounds}: {}", program.name);
            let (measured, matches) = program.run(log)?;
            played.runs.push(measured);
            played.matches = matches;
        }
    }
    Ok(all)
}

impl Program {
    fn run(&self, log: &Path) -> Result<(Measured, Option<u64>)> {
        let (first, rest) = self.command.split_first().context("no command")?;
        let mut command = Command::new(first);
        command.args(rest).arg(log).env("LC_ALL", "C");
        if self.name == "`cat`" {
            let (measured, _) = super::measure::discard(&mut command)?;
            return Ok((measured, None));
        }
        let (measured, answer) = run(&mut command)?;
        if answer.status.code() == Some(STOPPED) {
            return Ok((measured, None));
        }
        let matches = matches(&answer.output);
        ensure!(matches.is_some(), "{}: {:?}", self.name, answer.status);
        Ok((measured, matches))
    }
}

/// The count that grep prints, or that is in nospace's document.
fn matches(output: &str) -> Option<u64> {
    if let Ok(count) = output.trim().parse() {
        return Some(count);
    }
    let document: serde_json::Value = serde_json::from_str(output).ok()?;
    let causes = document["causes"].as_array()?;
    causes.iter().map(|c| c["lines"].as_u64()).sum()
}

fn table(played: &[Played], lines: u64) -> String {
    let seconds = |p: &Played| Figures::new(p.runs.iter().map(|m| m.time.as_secs_f64()).collect());
    let ours = seconds(&played[0]).median();
    let mut text = format!(
        "{MIB} MiB of real kubelet and containerd lines ({lines} lines), an error in about every 500th; page cache warm; \
         all programs ignore case.\n\n\
         | | median s | min–max s | relative to nospace | CPU s | peak MB | matching lines |\n\
         |---|---:|---:|---:|---:|---:|---:|\n"
    );
    for program in played {
        let time = seconds(program);
        let cpu = Figures::new(program.runs.iter().map(|m| m.cpu.as_secs_f64()).collect());
        let memory = Figures::new(program.runs.iter().map(|m| m.memory as f64 / 1e6).collect());
        let stopped = program.matches.is_none() && program.name != "`cat`";
        let bound = if stopped { "> " } else { "" };
        let matches = match program.matches {
            Some(count) => count.to_string(),
            None if stopped => format!("stopped after {PATIENCE_SECONDS} s"),
            None => String::new(),
        };
        text += &format!(
            "| {} | {bound}{:.2} | {:.2}–{:.2} | {bound}{:.2}× | {bound}{:.2} | {:.1} | {matches} |\n",
            program.name,
            time.median(),
            time.min(),
            time.max(),
            time.median() / ours,
            cpu.median(),
            memory.max(),
        );
    }
    text
}
