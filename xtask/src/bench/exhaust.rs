//! `cargo xtask bench exhaust`: how fast watches are used up, and with how many inodes.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::record::Record;

/// The limit that the kernel sets on a node with 16 GiB of memory.
const LIMIT: u64 = 192_536;
/// Rounds unless the command line says otherwise.
const ROUNDS: usize = 5;
/// Where the programs' own limit is: a user namespace has one, and the host's stays.
const NAMESPACE: &str = r#"echo "$0" >/proc/sys/user/max_inotify_watches; exec "$@""#;

/// A way to use watches up.
struct Way {
    name: &'static str,
    command: Vec<String>,
    directory: Option<&'static str>,
}

/// What a program says of itself.
#[derive(Deserialize)]
struct Said {
    held: u64,
    inodes: u64,
    refused: Option<String>,
}

/// Until ENOSPC.
struct Run {
    time: Duration,
    cpu: Duration,
    inodes: u64,
}

/// Runs it all; `rounds` as given on the command line.
pub fn run(rounds: Option<&str>) -> Result<()> {
    let rounds = rounds.map_or(Ok(ROUNDS), str::parse).context("rounds")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let nospace = super::build(&root)?.display().to_string();
    let python = python(&root)?;
    let script = root
        .join("xtask/src/bench/exhaust.py")
        .display()
        .to_string();
    let ways = [
        Way {
            name: "`nospace exhaust watches --leave 0`",
            command: [
                "exhaust", "watches", "--leave", "0", "-o", "json", "--", "sleep", "0.5",
            ]
            .iter()
            .fold(vec![nospace], |mut all, word| {
                all.push((*word).to_owned());
                all
            }),
            directory: None,
        },
        Way {
            name: "Python, files on disk",
            command: vec![python.clone(), script.clone()],
            directory: Some("/var/tmp"),
        },
        Way {
            name: "Python, files in memory",
            command: vec![python, script],
            directory: Some("/dev/shm"),
        },
    ];
    let mut record = Record::begin("exhaust", &rounds.to_string())?;
    let mut played: Vec<Vec<Run>> = Vec::new();
    for round in 1..=rounds {
        eprintln!("bench: round {round} of {rounds}");
        played.push(ways.iter().map(one).collect::<Result<_>>()?);
    }
    let text = table(&ways, &played, &mut record);
    record.finish(&text)
}

/// A Python that has inotify_simple.
fn python(root: &Path) -> Result<String> {
    let place = root.join(".cache/seed");
    let python = place.join("bin/python").display().to_string();
    if !Path::new(&python).exists() {
        let made = Command::new("python3")
            .args(["-m", "venv"])
            .arg(&place)
            .status()?;
        ensure!(made.success(), "python3 -m venv failed");
        let pip = ["-m", "pip", "--quiet", "install", "inotify_simple==2.0.1"];
        ensure!(
            Command::new(&python).args(pip).status()?.success(),
            "pip failed"
        );
    }
    Ok(python)
}

fn one(way: &Way) -> Result<Run> {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "sh", "-c", NAMESPACE])
        .arg(LIMIT.to_string())
        .args(&way.command)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(directory) = way.directory {
        command.env("TMPDIR", directory);
    }
    let begin = Instant::now();
    let mut child = command.spawn().context("unshare")?;
    let out = child.stdout.take().context("no pipe")?;
    let errors = child.stderr.take().context("no pipe")?;
    let (first, rest) = match way.directory {
        // nospace says on standard error that it holds all.
        None => (holding(errors)?, Some(out)),
        Some(_) => (line(out)?, None),
    };
    let (time, cpu) = (begin.elapsed(), cpu(child.id())?);
    let mut text = first;
    if let Some(mut out) = rest {
        text.clear();
        out.read_to_string(&mut text)?;
    }
    ensure!(child.wait()?.success(), "{} failed: {text}", way.name);
    let said: Said = serde_json::from_str(&text).with_context(|| text.clone())?;
    ensure!(
        said.held == LIMIT && said.refused.as_deref() == Some("ENOSPC"),
        "{} took {} of {LIMIT}",
        way.name,
        said.held
    );
    Ok(Run {
        time,
        cpu,
        inodes: said.inodes,
    })
}

fn line(out: ChildStdout) -> Result<String> {
    let mut text = String::new();
    BufReader::new(out).read_line(&mut text)?;
    Ok(text)
}

/// Waits for the line; whatever comes after it is read and left.
fn holding(errors: ChildStderr) -> Result<String> {
    let mut lines = BufReader::new(errors).lines();
    let words = "holding ";
    let found = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(words)));
    std::thread::spawn(move || lines.for_each(drop));
    found
        .context("it never held all")?
        .context("standard error")
}

/// Of all threads, and what was waited for: utime to cstime of /proc/PID/stat (proc_pid_stat(5)).
fn cpu(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = stat.rsplit_once(')').context("stat")?.1;
    let ticks: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(
        ticks * 1000 / rustix::param::clock_ticks_per_second(),
    ))
}

fn table(ways: &[Way], played: &[Vec<Run>], record: &mut Record) -> String {
    let mut text = format!(
        "Time from program start until inotify_add_watch fails with ENOSPC at {LIMIT} watches:\n\n\
         | | median s | min–max s | CPU s | inodes | time ratio | CPU ratio | inode ratio |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for (place, way) in ways.iter().enumerate() {
        let sorted = |what: &dyn Fn(&Vec<Run>) -> f64| {
            let mut all: Vec<f64> = played.iter().map(what).collect();
            all.sort_unstable_by(f64::total_cmp);
            all
        };
        let of = |what: &dyn Fn(&Run) -> f64| sorted(&|round| what(&round[place]));
        // Of runs that followed each other.
        let ratio = |what: &dyn Fn(&Run) -> f64| {
            let all = sorted(&|round| what(&round[place]) / what(&round[0]).max(1e-3));
            format!("{:.0}×", all[all.len() / 2])
        };
        let (time, cpu) = (
            of(&|run| run.time.as_secs_f64()),
            of(&|run| run.cpu.as_secs_f64()),
        );
        let _ = write!(
            text,
            "| {} | {:.2} | {:.2}–{:.2} | {:.2} | {} |",
            way.name,
            time[time.len() / 2],
            time[0],
            time[time.len() - 1],
            cpu[cpu.len() / 2],
            played[0][place].inodes,
        );
        if place == 0 {
            record.figure("all watches", time[time.len() / 2], "s");
        }
        let ratios = match place {
            0 => [const { String::new() }; 3],
            _ => [
                ratio(&|run| run.time.as_secs_f64()),
                ratio(&|run| run.cpu.as_secs_f64()),
                ratio(&|run| run.inodes as f64),
            ],
        };
        let _ = writeln!(text, " {} | {} | {} |", ratios[0], ratios[1], ratios[2]);
    }
    text
}
