//! `cargo xtask bench recording [MINUTES]`: how large the agent's recording of a busy node is, and what it costs the agent. The figures go to
//! docs/benchmarks.md.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::agent::Server;
use super::measure::{Usage, megabytes, peak};
use super::node::{EVERY, Node};
use super::record::Record;
use super::{build, must_be_root, root};

/// Between two samples; the node goes through [`STEPS`] meanwhile.
const SAMPLE: Duration = Duration::from_secs(2);
/// How long the agent waits between two samples by default.
const MINUTE: Duration = Duration::from_mins(1);
/// So many steps of the node's life are a minute.
#[expect(clippy::cast_possible_truncation, reason = "twelve")]
const STEPS: u32 = (MINUTE.as_secs() / EVERY.as_secs()) as u32;
/// What the agent keeps, in bytes: docs/agent.md.
const KEPT: u64 = 16 << 20;
/// Samples of six hours.
const SAMPLES: u64 = 360;

/// Measures and writes.
pub fn run(minutes: Option<&str>) -> Result<()> {
    let minutes: u32 = minutes.map_or(Ok(10), str::parse).context("minutes")?;
    ensure!(minutes > 0, "a recording takes a minute or more");
    must_be_root()?;
    let root = root();
    let nospace = build(&root)?;
    let mut record = Record::begin("recording", &minutes.to_string())?;
    let mut node = Node::make()?;
    let directory = tempfile::tempdir()?;
    let state = format!("--state-dir={}", directory.path().display());
    let every = format!("{}s", SAMPLE.as_secs());
    let common = [
        format!("--interval={every}"),
        format!("--recording={every}"),
    ];
    let with: Vec<&str> = common.iter().chain([&state]).map(String::as_str).collect();
    let agents = [
        ("with the recording", Server::agent(&nospace, &with)?),
        ("without", Server::agent(&nospace, &with[..1])?),
    ];
    let before = usage(&agents)?;
    let begin = Instant::now();
    let steps = live(&mut node, Duration::from_mins(minutes.into()))?;
    let took = begin.elapsed();
    let after = usage(&agents)?;
    let stored = stored(directory.path())?;
    let timeline = directory.path().join("timeline.tar.zst");
    save(&agents[0].1, &timeline)?;
    let samples = samples(&nospace, &timeline)?;

    let each = f64::from(steps) / samples as f64;
    ensure!(
        (each / f64::from(STEPS) - 1.0).abs() < 0.5,
        "the machine is too busy: the node went through {each:.1} steps between two samples, and a minute has {STEPS}"
    );
    let bytes = std::fs::metadata(&timeline)?.len();
    let hours = KEPT as f64 / bytes as f64 * samples as f64 / 60.0;
    let mut text = format!(
        "{}\n\nA sample every {} s, between two of which the node went through {each:.1} of these steps; a minute has {STEPS}. {minutes} min.\n\n\
         | | |\n|---|---:|\n\
         | samples | {samples} |\n\
         | bytes of the recording | {bytes} |\n\
         | bytes of its pieces in the state directory | {stored} |\n\
         | MB of six hours at one a minute | {:.2} |\n\
         | hours at one a minute that fit into 16 MiB | {hours:.0} |\n",
        node.describe(),
        SAMPLE.as_secs(),
        megabytes(bytes * SAMPLES / samples),
    );
    let six_hours = megabytes(bytes * SAMPLES / samples);
    record.figure("six hours at one a minute", six_hours, "MB");
    for (at, (name, agent)) in agents.iter().enumerate() {
        let cpu = (after[at].cpu - before[at].cpu).as_secs_f64();
        let _ = write!(
            text,
            "| resident MB of the agent {name} | {:.1} |\n\
             | its peak MB | {:.1} |\n\
             | CPU ms of a check | {:.1} |\n",
            megabytes(after[at].resident),
            megabytes(peak(agent.pid())?),
            cpu * 1e3 / (took.as_secs_f64() / SAMPLE.as_secs_f64()),
        );
    }
    record.finish(&text)
}

fn usage(agents: &[(&str, Server)]) -> Result<Vec<Usage>> {
    let each = agents.iter().map(|(_, agent)| Usage::of(agent.pid()));
    each.collect()
}

/// Lets the node live, a minute for each sample, until `time` is up; says how many steps that were.
fn live(node: &mut Node, time: Duration) -> Result<u32> {
    let begin = Instant::now();
    let mut steps = 0;
    while begin.elapsed() < time {
        node.step()?;
        steps += 1;
        std::thread::sleep((SAMPLE * steps / STEPS).saturating_sub(begin.elapsed()));
        eprint!(
            "\rbench: {} of {} s",
            begin.elapsed().as_secs(),
            time.as_secs()
        );
    }
    eprintln!();
    Ok(steps)
}

/// Bytes of the pieces of a recording.
fn stored(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("recording-")
        {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

fn save(agent: &Server, timeline: &Path) -> Result<()> {
    let status = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--output"])
        .arg(timeline)
        .arg(format!("http://{}/api/v1/recording", agent.address()))
        .status()
        .context("curl")?;
    ensure!(status.success(), "the agent gives no recording");
    Ok(())
}

/// How many samples there are, as tar lists them.
fn samples(nospace: &Path, timeline: &Path) -> Result<u64> {
    let read = Command::new(nospace)
        .args(["check", "-o", "line", "--from"])
        .arg(timeline)
        .output()?;
    ensure!(read.stderr.is_empty(), "it cannot be read: {read:?}");
    let listed = Command::new("tar")
        .args(["--zstd", "-tf"])
        .arg(timeline)
        .output()
        .context("tar")?;
    let names = String::from_utf8(listed.stdout)?;
    let is_end = |name: &&str| name.ends_with("/sample.json");
    let samples = names.lines().filter(is_end).count() as u64;
    ensure!(samples > 0, "the agent has recorded nothing");
    Ok(samples)
}
