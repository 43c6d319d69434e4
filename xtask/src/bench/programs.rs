//! What is compared, and what each says that it counted.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::measure::{Measured, run};

/// What people paste into a terminal today.
pub const FIND: &str =
    "find /proc/*/fd -lname anon_inode:inotify -printf '%hinfo/%f\\n' | xargs grep -c ^inotify";

/// Something that counts inotify instances.
pub struct Program {
    /// As the table calls it.
    pub name: &'static str,
    command: Vec<String>,
    counts: fn(&str) -> Result<Counts>,
}

/// What a program says.
#[derive(Clone, Copy)]
pub struct Counts {
    /// Instances.
    pub instances: u64,
    /// Watches.
    pub watches: u64,
    /// Time that the program says its inotify collector took, where it says so.
    pub collector: Option<Duration>,
}

/// One run with its answer.
pub struct Run {
    /// What it took.
    pub measured: Measured,
    /// What it said.
    pub counts: Counts,
}

/// nospace first, then the others, in the order in which they take turns.
pub fn all(nospace: PathBuf, inotify_info: Vec<String>) -> Vec<Program> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut ours = vec![nospace.display().to_string()];
    ours.extend(["check", "--no-ebpf", "-o", "json"].map(str::to_owned));
    vec![
        Program {
            name: "`nospace check --no-ebpf`",
            command: ours,
            counts: of_nospace,
        },
        Program {
            name: "`find` and `grep`",
            command: words(&["sh", "-c", FIND]),
            counts: of_find,
        },
        Program {
            name: "inotify-info",
            command: inotify_info,
            counts: of_inotify_info,
        },
    ]
}

impl Program {
    /// Runs it once.
    pub fn run(&self) -> Result<Run> {
        let (first, rest) = self.command.split_first().context("no command")?;
        let (measured, answer) = run(Command::new(first).args(rest))?;
        ensure!(
            answer.status.code().is_some(),
            "{} was killed: {}",
            self.name,
            answer.status
        );
        let counts = (self.counts)(&answer.output)
            .with_context(|| format!("{}, {}", self.name, answer.status))?;
        Ok(Run { measured, counts })
    }
}

/// Of nospace's document no more than is needed: what this program has in memory is the least
/// that it can measure.
#[derive(Deserialize)]
struct Document {
    users: Vec<User>,
    collectors: Vec<Collector>,
}

#[derive(Deserialize)]
struct User {
    instances: Used,
    watches: Used,
}

#[derive(Deserialize)]
struct Used {
    used: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Collector {
    name: String,
    duration_ms: f64,
}

fn of_nospace(output: &str) -> Result<Counts> {
    let document: Document = serde_json::from_str(output)?;
    let mut collectors = document.collectors.iter();
    let inotify = collectors.find(|one| one.name == "inotify");
    let users = &document.users;
    Ok(Counts {
        instances: users.iter().map(|user| user.instances.used).sum(),
        watches: users.iter().map(|user| user.watches.used).sum(),
        collector: inotify.map(|one| Duration::from_secs_f64(one.duration_ms / 1e3)),
    })
}

/// `/proc/1/fdinfo/5:83` a line.
fn of_find(output: &str) -> Result<Counts> {
    let mut counts = Counts {
        instances: 0,
        watches: 0,
        collector: None,
    };
    for line in output.lines() {
        let (_, watches) = line.rsplit_once(':').context("no colon")?;
        counts.instances += 1;
        counts.watches += watches.parse::<u64>()?;
    }
    Ok(counts)
}

/// `Total inotify Watches:   100,000`, with colours around the number.
fn of_inotify_info(output: &str) -> Result<Counts> {
    let total = |what: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(what));
        let line = line.with_context(|| format!("no line «{what}»"))?;
        let plain = line
            .split('\x1b')
            .map(|part| part.split_once('m').map_or(part, |(_, text)| text));
        let digits: String = plain
            .flat_map(str::chars)
            .filter(char::is_ascii_digit)
            .collect();
        digits.parse::<u64>().context(digits)
    };
    Ok(Counts {
        instances: total("Total inotify Instances:")?,
        watches: total("Total inotify Watches:")?,
        collector: None,
    })
}
