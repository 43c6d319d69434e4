use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nospace_core::signatures::Table;

use super::super::measure::{Measured, discard, run};
use super::dialect;

/// A program that has not ended by then is stopped, and its figure is a lower bound.
pub const PATIENCE_SECONDS: u64 = 60;
/// How timeout(1) says that it stopped something.
const STOPPED: i32 = 124;

/// Something that reads logs, and counts the lines that match.
pub struct Program {
    pub name: &'static str,
    command: Vec<String>,
    /// Once is enough for what takes a minute.
    once: bool,
    /// Its output is the log itself.
    copies: bool,
}

/// What the runs of one program gave.
pub struct Played {
    pub name: &'static str,
    pub runs: Vec<Measured>,
    pub matches: Option<u64>,
    /// It counts lines, and was stopped before it had.
    pub stopped: bool,
}

/// Files of patterns, as the programs read them.
pub struct Patterns {
    rust: String,
    posix: String,
    fixed: String,
    alternation: String,
}

impl Patterns {
    /// Those of the table of signatures, in files in `work`.
    pub fn write(work: &Path) -> Result<Self> {
        let table = Table::builtin()?;
        let file = |name: &str, lines: &[String]| -> Result<String> {
            let path = work.join(name);
            fs::write(&path, lines.join("\n") + "\n")?;
            Ok(path.display().to_string())
        };
        let signatures = table.signatures();
        let patterns = |dialect: fn(&str) -> String| -> Vec<String> {
            signatures.iter().map(|s| dialect(&s.pattern)).collect()
        };
        let mut fixed: Vec<String> = signatures.iter().map(|s| s.literal.clone()).collect();
        fixed.sort();
        fixed.dedup();
        let literals: Vec<String> = fixed.iter().map(|l| dialect::quoted(l)).collect();
        Ok(Self {
            rust: file("rust", &patterns(dialect::rust))?,
            posix: file("posix", &patterns(dialect::posix))?,
            fixed: file("fixed", &fixed)?,
            alternation: literals.join("|"),
        })
    }

    /// ripgrep with the patterns of all signatures.
    fn ripgrep(&self) -> Vec<String> {
        let words =
            "rg --no-config -c -i --no-unicode --regex-size-limit=1G --dfa-size-limit=1G -f";
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        words.push(self.rust.clone());
        words
    }
}

impl Program {
    fn new(name: &'static str, command: &[&str]) -> Self {
        Self {
            name,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            once: false,
            copies: false,
        }
    }

    /// nospace, which is also what the others are compared with.
    pub fn nospace(nospace: &str) -> Self {
        let words = [
            nospace,
            "explain",
            "--no-node",
            "-o",
            "json",
            "--max-lines",
            "0",
        ];
        Self::new("`nospace explain --no-node`", &words)
    }

    fn ripgrep(patterns: &Patterns) -> Self {
        Self {
            command: patterns.ripgrep(),
            ..Self::new("`rg -c`, the same patterns", &[])
        }
    }

    /// All that read a log as it is.
    pub fn plain(nospace: &str, patterns: &Patterns) -> Vec<Self> {
        let fixed = patterns.fixed.as_str();
        let patience = PATIENCE_SECONDS.to_string();
        let grep = ["timeout", &patience, "grep", "-ciE", "-f", &patterns.posix];
        vec![
            Self::nospace(nospace),
            Self {
                copies: true,
                ..Self::new("`cat`", &["cat"])
            },
            Self::ripgrep(patterns),
            Self::new(
                "`rg -cF`, only the fixed strings",
                &[
                    "rg",
                    "--no-config",
                    "-c",
                    "-i",
                    "--no-unicode",
                    "-F",
                    "-f",
                    fixed,
                ],
            ),
            Self::new(
                "`grep -cF`, only the fixed strings",
                &["grep", "-ciF", "-f", fixed],
            ),
            Self::new(
                "`grep -cE`, only the fixed strings as one pattern",
                &["grep", "-ciE", &patterns.alternation],
            ),
            Self {
                once: true,
                ..Self::new("`grep -cE`, the same patterns", &grep)
            },
        ]
    }

    /// nospace, and ripgrep behind `unpack`, which writes what is in a compressed log.
    pub fn unpacking(
        nospace: &str,
        patterns: &Patterns,
        name: &'static str,
        unpack: &str,
    ) -> Vec<Self> {
        let ripgrep = patterns.ripgrep().join(" ");
        let pipe = format!("{unpack} \"$1\" | {ripgrep}");
        vec![
            Self::nospace(nospace),
            Self::new(name, &["sh", "-c", &pipe, "sh"]),
        ]
    }

    /// Runs it on `logs`.
    pub fn run(&self, logs: &[&Path]) -> Result<(Measured, Option<u64>)> {
        let (first, rest) = self.command.split_first().context("no command")?;
        let mut command = Command::new(first);
        command.args(rest).args(logs).env("LC_ALL", "C");
        if self.copies {
            let (measured, _) = discard(&mut command)?;
            return Ok((measured, None));
        }
        let (measured, answer) = run(&mut command)?;
        let said = answer.errors.trim_end();
        if answer.status.code() == Some(STOPPED) {
            return Ok((measured, None));
        }
        let matches = matches(&answer.output);
        ensure!(
            matches.is_some(),
            "{}: {}: {said}",
            self.name,
            answer.status
        );
        Ok((measured, matches))
    }
}

/// Rounds of all programs in turn on one log, after one read that brings it into the page cache.
pub fn play(programs: &[Program], rounds: usize, log: &Path) -> Result<Vec<Played>> {
    std::io::copy(&mut fs::File::open(log)?, &mut std::io::sink())?;
    let mut all: Vec<Played> = programs
        .iter()
        .map(|program| Played {
            name: program.name,
            runs: Vec::new(),
            matches: None,
            stopped: false,
        })
        .collect();
    for round in 1..=rounds {
        for (program, played) in programs.iter().zip(&mut all) {
            if program.once && round > 1 {
                continue;
            }
            eprintln!("bench: round {round} of {rounds}: {}", program.name);
            let (measured, matches) = program.run(&[log])?;
            played.runs.push(measured);
            played.matches = matches;
            played.stopped = matches.is_none() && !program.copies;
        }
    }
    Ok(all)
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
