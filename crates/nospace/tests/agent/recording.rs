//! `/api/v1/recording`: a timeline of the last hours, as the reading commands take it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nospace::host::archive::Sample;
use nospace::host::replay::Replay;
use rustix::process::Signal;

use crate::agent::Agent;
use crate::support::NOSPACE;

const PATH: &str = "/api/v1/recording";

fn with_state(state: &Path) -> anyhow::Result<Agent> {
    let state = format!("--state-dir={}", state.display());
    Agent::start(&["--interval=20ms", "--trace=off", "--recording=20ms", &state])
}

/// Saves the recording, once it has so many samples.
fn saved(agent: &Agent, file: &Path, samples: usize) -> anyhow::Result<Replay> {
    agent.until("recorded", || {
        let answer = agent.get(PATH)?;
        if answer.status == 503 {
            return Ok(None);
        }
        ensure!(answer.status == 200, "{}", answer.text());
        fs::write(file, &answer.body)?;
        let replay = Replay::open(file)?;
        ensure!(replay.gap().is_none(), "{:?}", replay.gap());
        Ok((replay.samples().len() >= samples).then_some(replay))
    })
}

fn chunks(state: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(state)? {
        let path = entry?.path();
        let name = path.file_name().context("no name")?.to_string_lossy();
        if name.starts_with("recording-") {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

/// What the commands say of it, and whether they complain.
fn reads(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(NOSPACE).args(arguments).output()?;
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.stdout.is_empty() && complaints.is_empty(),
        "{arguments:?}: {complaints}"
    );
    Ok(String::from_utf8(output.stdout)?)
}

pub fn served() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let state = directory.path().join("state");
    let file = directory.path().join("node.tar.zst");
    let agent = with_state(&state)?;
    // Times of day are given in seconds.
    let replay = agent.until("recorded for two seconds", || {
        let replay = saved(&agent, &file, 5)?;
        let span = |samples: &[Sample]| Some(samples.last()?.seconds - samples.first()?.seconds);
        Ok(span(replay.samples())
            .is_some_and(|span| span > 2.0)
            .then_some(replay))
    })?;
    drop(agent);
    ensure!(replay.interval() == Some(0.02));
    let name = file.to_str().context("not UTF-8")?;
    let checked = reads(&["check", "-o", "json", "--from", name])?;
    ensure!(checked.contains("\"takenAt\""));
    let earlier = reads(&["check", "-o", "json", "--from", name, "--at", "-1s"])?;
    ensure!(earlier != checked);
    reads(&["diff", name])?;
    reads(&["plan", "--from", name])?;
    let told = reads(&["report", "--from", name, "-o", "text"])?;
    ensure!(told.contains("an agent records none"), "{told}");
    let listed = Command::new("tar").args(["--zstd", "-tf", name]).output()?;
    ensure!(
        listed.status.success() && listed.stderr.is_empty(),
        "{listed:?}"
    );
    // What has no place is not kept.
    let without = Agent::start(&["--interval=20ms", "--trace=off"])?;
    let answer = without.get(PATH)?;
    ensure!(answer.status == 404 && answer.text().contains("--state-dir"));
    let off = Agent::start(&[
        "--interval=20ms",
        "--trace=off",
        "--recording=off",
        &format!("--state-dir={}", directory.path().join("off").display()),
    ])?;
    off.looks(2)?;
    ensure!(off.get(PATH)?.status == 404);
    Ok(())
}

/// kill -9 at any moment: every complete sample is there, and the recording goes on.
pub fn killed() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let state = directory.path().join("state");
    let file = directory.path().join("node.tar.zst");
    let mut samples = Vec::new();
    for round in 0..5 {
        let agent = with_state(&state)?;
        let replay = saved(&agent, &file, samples.len() + 3)?;
        let now = replay.samples();
        ensure!(now[..samples.len()] == samples[..], "round {round}");
        std::thread::sleep(Duration::from_millis(37 * round));
        samples = saved(&agent, &file, 1)?.samples().to_vec();
        agent.signal(Signal::KILL)?;
    }
    // Half of the oldest chunk, and what is none.
    let all = chunks(&state)?;
    ensure!(all.len() >= 5, "{all:?}");
    let bytes = fs::read(&all[1])?;
    fs::write(&all[1], &bytes[..bytes.len() / 2])?;
    fs::write(state.join("recording-999999999999.zst"), "none")?;
    let agent = with_state(&state)?;
    let replay = saved(&agent, &file, 3)?;
    ensure!(replay.samples().len() < samples.len());
    let said = agent.messages();
    ensure!(said.contains("the recording begins there"), "{said}");
    ensure!(
        said.contains("has no complete sample and is removed"),
        "{said}"
    );
    ensure!(!chunks(&state)?.contains(&all[0]));
    Ok(())
}
