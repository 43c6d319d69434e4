//! CRI-O started while instances or watches are short: it exits, or runs without noticing that containers end. nospace names the cause
//! in its lines, and what to restart.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::model::Runtime;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::limits::Limit;
use super::pods;
use crate::Stage;
use crate::node::{Node, patience, runtime, text, wait};
use crate::nospace::Look;

/// No start needs more free ones than that.
const MOST: u64 = 12;
/// So often it is started without the last watch until it runs: a service of systemd is started again every 10 s.
const ATTEMPTS: u32 = 12;
/// The remedy.
const RESTART: &str = "systemctl restart crio";
/// The pod whose container ends meanwhile.
const POD: &str = "web";
/// So long a kubelet takes at most to see that a container has ended: it asks every second.
const NOTICED: Duration = Duration::from_secs(20);

/// Fewer instances and watches than it needs, down to none.
pub fn starts(stage: &mut Stage) -> anyhow::Result<()> {
    if runtime() != Runtime::CriO {
        println!("  this is about CRI-O: not played");
        return Ok(());
    }
    stage.node.apply(&pods::plain(&stage.node, POD))?;
    stage.node.wait_ready(POD)?;
    short(stage, "instances", Cause::InotifyInstances)?;
    short(stage, "watches", Cause::InotifyWatches)?;
    stage.node.delete(POD)
}

/// How a start ended.
struct Start {
    free: u64,
    runs: bool,
    /// Its warnings and errors.
    said: Vec<String>,
    /// The causes that explain finds in them.
    causes: Vec<String>,
    /// The restarts among its remedies.
    restarts: Vec<String>,
}

fn short(stage: &mut Stage, word: &str, cause: Cause) -> anyhow::Result<()> {
    let look = stage.nospace.check()?;
    let used = of(word, look.root()?);
    let held = of(word, held_by_crio(&look));
    ensure!(held > 0, "CRI-O is not seen to hold {word}");
    stage.node.control("stop", "crio")?;
    let limit = Limit::of(&format!("max_user_{word}"))?;
    let mut starts = Vec::new();
    let mut unseen = None;
    for free in 0..=MOST {
        limit.set(used - held + free)?;
        let mut start = start_with(stage, free)?;
        // Without the last watch it depends on which of its parts asks first whether CRI-O exits.
        for _ in 1..ATTEMPTS {
            if start.runs || word == "instances" || free + 1 != held {
                break;
            }
            start = start_with(stage, free)?;
        }
        println!(
            "  {free} free {word}: runs {}, {:?}, {:?}, {:?}",
            start.runs, start.causes, start.restarts, start.said
        );
        let enough = start.runs && start.causes.is_empty();
        if start.runs && !enough {
            unseen = Some(unnoticed(stage)?);
        }
        starts.push(start);
        stage.node.control("stop", "crio")?;
        if enough {
            break;
        }
    }
    drop(limit);
    stage.node.control("start", "crio")?;
    ensure!(answers(&stage.node)?, "CRI-O does not start any more");
    if let Some(before) = unseen {
        wait(120, "the ended container, once CRI-O is restarted", || {
            Ok(restarts_of_pod(&stage.node)? > before)
        })?;
    }

    let none = starts.first().context("no start")?;
    tell(stage, word, none, cause);
    let last = starts.last().context("no start")?;
    for start in &starts[1..starts.len() - 1] {
        tell(stage, word, start, cause);
    }
    stage.table.row(
        &format!("fewest free {word} with which CRI-O starts without an error"),
        &format!("{}", last.free),
        &format!("it holds {held}"),
        last.runs && last.free == held,
    );
    Ok(())
}

/// What CRI-O holds: instances and watches.
fn held_by_crio(look: &Look) -> (u64, u64) {
    let processes = look.report.processes.iter();
    let own = processes.filter(|process| process.comm == "crio");
    own.fold((0, 0), |(instances, watches), process| {
        (instances + process.instances, watches + process.watches)
    })
}

fn of(word: &str, (instances, watches): (u64, u64)) -> u64 {
    if word == "instances" {
        instances
    } else {
        watches
    }
}

/// A container ends while CRI-O runs with an error in its log; how often it had been started again before.
fn unnoticed(stage: &mut Stage) -> anyhow::Result<u64> {
    let before = restarts_of_pod(&stage.node)?;
    kill_server()?;
    let later = Instant::now() + NOTICED * u32::try_from(patience())?;
    let mut noticed = false;
    while !noticed && Instant::now() < later {
        sleep(Duration::from_secs(1));
        noticed = restarts_of_pod(&stage.node)? > before;
    }
    let look = stage.nospace.check()?;
    let mut remedies = look.report.findings.iter().flat_map(|f| &f.remedies);
    let restart = remedies.find(|remedy| remedy.command == RESTART);
    stage.table.row(
        "a container ends while CRI-O runs so",
        if noticed {
            "it is started again"
        } else {
            "the kubelet takes it for running"
        },
        &restart.map_or_else(
            || look.titles(),
            |remedy| format!("{}: {}", remedy.command, remedy.why),
        ),
        !noticed && restart.is_some(),
    );
    Ok(before)
}

/// How often the pod's container was started again.
fn restarts_of_pod(node: &Node) -> anyhow::Result<u64> {
    let path = "jsonpath={.status.containerStatuses[0].restartCount}";
    let count = node.kubectl(&["get", "pod", POD, "-o", path])?;
    count.trim().parse().context("restartCount")
}

/// Kills the pod's process.
fn kill_server() -> anyhow::Result<()> {
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if command.starts_with(b"/bin/busybox\0httpd\0") {
            let pid = Pid::from_raw(pid).context("a pid")?;
            kill_process(pid, Signal::KILL)?;
            return Ok(());
        }
    }
    anyhow::bail!("no web server runs")
}

/// A row of a start that was refused something.
fn tell(stage: &mut Stage, word: &str, start: &Start, cause: Cause) {
    let ended = if start.runs { "runs" } else { "exits" };
    let named = start.causes.iter().all(|c| c == cause.code()) && !start.causes.is_empty();
    let restarts = start.restarts.iter().any(|command| command == RESTART);
    stage.table.row(
        &format!("CRI-O started with {} free {word}", start.free),
        &format!("{ended}: {}", start.said.join(" / ")),
        &format!(
            "explain: {}; {}",
            start.causes.join(", "),
            start.restarts.join(", ")
        ),
        named && restarts,
    );
}

/// Starts it, whatever becomes of it.
fn start_with(stage: &Stage, free: u64) -> anyhow::Result<Start> {
    let before = stage.node.log("crio")?.lines().count();
    stage.node.control("start", "crio")?;
    let runs = answers(&stage.node)?;
    let log = stage.node.log("crio")?;
    let lines: Vec<&str> = log.lines().skip(before).collect();
    let path = std::env::temp_dir().join("nospace-story-crio");
    std::fs::write(&path, journal(&stage.node.name, &lines))?;
    let (_, document) = stage.nospace.explain(&path)?;
    let all = document["lines"].as_array().context("lines")?;
    let causes = all.iter().filter_map(|line| line["cause"].as_str());
    let said = (lines.iter())
        .filter(|line| {
            line.contains("too many open files") || line.contains("no space left on device")
        })
        .map(|line| line.split_once("level=").map_or(*line, |(_, rest)| rest));
    let mut restarts = Vec::new();
    commands(&document, &mut restarts);
    Ok(Start {
        free,
        runs,
        said: said.map(str::to_owned).collect(),
        causes: causes.map(str::to_owned).collect(),
        restarts,
    })
}

/// Lines of CRI-O as `journalctl -u crio -o short-iso` prints them: one alone does not say whose it is.
fn journal(host: &str, lines: &[&str]) -> String {
    let tagged = lines.iter().map(|line| {
        let time = line.split('"').nth(1).and_then(|time| time.get(11..19));
        let date = line.split('"').nth(1).and_then(|time| time.get(..10));
        format!(
            "{}T{}+00:00 {host} crio[1]: {line}\n",
            date.unwrap_or("2026-01-01"),
            time.unwrap_or("00:00:00")
        )
    });
    tagged.collect()
}

/// Every command with a restart in a document.
fn commands(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| commands(one, found)),
        Value::Object(all) => {
            for (key, one) in all {
                match one.as_str() {
                    Some(command) if key == "command" && command.contains("restart") => {
                        found.push(command.to_owned());
                    }
                    _ => commands(one, found),
                }
            }
        }
        _ => {}
    }
}

/// Whether it runs, and answers; or has ended.
fn answers(node: &Node) -> anyhow::Result<bool> {
    let until = Instant::now() + Duration::from_secs(30 * patience());
    let asks = || text(Command::new("crio").args(["status", "info"]), "crio status");
    while Instant::now() < until {
        if !node.runs("crio") {
            return Ok(false);
        }
        if asks().is_ok() {
            // Its monitors start after it answers.
            sleep(Duration::from_secs(2 * patience()));
            return Ok(node.runs("crio"));
        }
        sleep(Duration::from_millis(300));
    }
    anyhow::bail!("CRI-O neither ended nor answered")
}
