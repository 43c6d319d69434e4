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

/// `nospace check`, in the order in which programs take turns.
pub const CHECK: usize = 0;
/// What people use today.
pub const PEERS: [usize; 2] = [2, 3];
/// Programs loaded once, and looks that follow each other.
pub const LOOKS: usize = 4;

/// nospace first, then the others, in the order in which they take turns.
pub fn all(built: &Built, inotify_info: Vec<String>) -> Vec<Program> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let nospace = built.nospace.display().to_string();
    let account = built.account.display().to_string();
    vec![
        Program {
            name: "`nospace check`",
            command: words(&[&nospace, "check", "-o", "json"]),
            counts: of_nospace,
        },
        Program {
            name: "`nospace check --no-ebpf`",
            command: words(&[&nospace, "check", "--no-ebpf", "-o", "json"]),
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
        Program {
            name: "eBPF loaded once, then 10 measurements",
            command: words(&[&account, "--looks", "9"]),
            counts: of_looks,
        },
    ]
}

/// Programs of this workspace, built for speed.
pub struct Built {
    /// nospace.
    pub nospace: PathBuf,
    /// The example `account`.
    pub account: PathBuf,
}

impl Program {
    /// What names watches: nospace all of them, inotify-info those of programs that are called `name`.
    pub fn naming(built: &Built, mut inotify_info: Vec<String>, name: &str) -> Vec<Self> {
        let nospace = built.nospace.display().to_string();
        let ours = |rest: &[&str]| {
            let words = [&[nospace.as_str(), "watches"], rest].concat();
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        inotify_info.push(name.to_owned());
        vec![
            Self {
                name: "`nospace watches`",
                command: ours(&[]),
                counts: of_headline,
            },
            Self {
                name: "`nospace watches -o json`",
                command: ours(&["-o", "json"]),
                counts: |output| Ok(named(output.matches("\"hostPath\": \"/").count())),
            },
            Self {
                name: "`inotify-info NAME`",
                command: inotify_info,
                counts: |output| Ok(named(output.matches("] /").count())),
            },
        ]
    }

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

/// This many paths.
fn named(paths: usize) -> Counts {
    Counts {
        instances: 0,
        watches: paths as u64,
        collector: None,
    }
}

/// `100,000 watches in 1,000 instances of 201 processes`, the first line.
fn of_headline(output: &str) -> Result<Counts> {
    let first = output.split_whitespace().next().context("no headline")?;
    let number = first.trim_start_matches('~').replace(',', "");
    Ok(named(number.parse().context("no number")?))
}

/// `1000 100000 7012`: instances, watches, microseconds.
fn of_looks(output: &str) -> Result<Counts> {
    let numbers = output.split_whitespace().map(str::parse);
    let numbers: Vec<u64> = numbers.collect::<Result<_, _>>()?;
    let [instances, watches, look] = numbers[..] else {
        anyhow::bail!("not three numbers: {output}");
    };
    Ok(Counts {
        instances,
        watches,
        collector: Some(Duration::from_micros(look)),
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
