//! An agent on a node whose clock is set, back and forth, by libfaketime: time namespaces have no clock of their own for the
//! time of day.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use nospace_holder::Holder;

use crate::agent::{Agent, command};
use crate::support::NOSPACE;

/// To what the clock is set, one after another: a day ahead, before the agent began, the year 2106, and right again.
const SET: [&str; 5] = ["+1d", "-40d", "+80y", "-1h", "+0"];
const HELD: (u32, u32) = (3, 200);

fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let paths = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    paths.into_iter().find(|path| path.exists())
}

pub fn is_set() -> anyhow::Result<()> {
    let Some(library) = library() else {
        eprintln!("skipped: libfaketime is not installed");
        return Ok(());
    };
    let directory = tempfile::tempdir()?;
    let clock = directory.path().join("clock");
    fs::write(&clock, "+0")?;
    let (instances, watches) = HELD;
    let holder = Holder::start(&[
        "--user-namespace=870000",
        &format!("--instances={instances}"),
        &format!("--watches={watches}"),
    ])?;
    let mut command = command(&[
        NOSPACE,
        "agent",
        "--kube=off",
        "--listen=0",
        "--interval=100ms",
    ]);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    let agent = Agent::run(command)?;
    let year = |agent: &Agent| -> anyhow::Result<i32> {
        let report: serde_json::Value = serde_json::from_slice(&agent.get("/api/v1/report")?.body)?;
        let taken = report["takenAt"].as_str().context("no takenAt")?;
        Ok(taken.get(..4).context(taken.to_owned())?.parse()?)
    };
    let now = year(&agent)?;
    let mut seen = Vec::new();
    for to in SET {
        fs::write(&clock, to)?;
        agent.looks(3)?;
        seen.push(year(&agent)? - now);
        let samples = agent.metrics()?;
        for (name, value) in samples.with("nospace_inotify_watches", &["uid=\"870000\""]) {
            ensure!(
                value == f64::from(holder.ready.watches as u32),
                "{to}: {name} {value}"
            );
        }
        // What grows may shrink as well; nothing else is below 0.
        let negative: Vec<_> = samples
            .all()
            .filter(|(name, value)| *value < 0.0 && !name.starts_with("nospace_growth_per_second"))
            .collect();
        ensure!(negative.is_empty(), "{to}: {negative:?}");
        for path in ["/readyz", "/healthz", "/", "/api/v1/summary"] {
            let status = agent.get(path)?.status;
            ensure!(status == 200, "{to}: {path}: {status}");
        }
        let report: serde_json::Value = serde_json::from_slice(&agent.get("/api/v1/report")?.body)?;
        let invented: Vec<&serde_json::Value> = report["findings"]
            .as_array()
            .context("no findings")?
            .iter()
            .filter(|finding| finding["rule"] == "growth" || finding["rule"] == "leak")
            .collect();
        ensure!(invented.is_empty(), "{to}: {invented:?}");
    }
    ensure!(
        seen[2] >= 79 && seen[4] == 0,
        "the clock was not set: {seen:?}"
    );
    let said = agent.messages();
    ensure!(!said.contains("panicked"), "{said}");
    Ok(())
}
