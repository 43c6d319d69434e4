//! What the agent remembers, over restarts of every kind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nospace_core::history::{GapReason, HistoryDocument};
use nospace_holder::Holder;
use rustix::process::Signal;

use crate::agent::{Agent, command};
use crate::support::NOSPACE;

const USER: &str = "870100";
const FILE: &str = "history.log";
const DAMAGED: &str = "history.log.damaged";

fn history(agent: &Agent, query: &str) -> anyhow::Result<HistoryDocument> {
    let answer = agent.get(&format!("/api/v1/history{query}"))?;
    ensure!(answer.status == 200, "{query}: {answer:?}");
    serde_json::from_slice(&answer.body).context(query.to_owned())
}

pub fn served() -> anyhow::Result<()> {
    let agent = Agent::start(&["--interval=100ms", "--history=10m", "--trace=off"])?;
    agent.until("two points", || {
        Ok((history(&agent, "")?.samples.len() >= 2).then_some(()))
    })?;
    let map = format!("--user-namespace={USER}");
    let mut holder = Holder::start(&[&map, "--instances=2", "--watches=700"])?;
    // The fullest budgets are kept, and other tests hold instances too.
    holder.tell("limit watches 750")?;
    let watches = holder.ready.watches as u64;
    // A slot lasts 1.7 s.
    let whole = agent.until("two points of the holder", || {
        let whole = history(&agent, "")?;
        let of_holder = whole.budgets.iter().find(|budget| {
            budget.cause.code() == "inotify-watches" && budget.subject.to_string().contains(USER)
        });
        let seen = of_holder.map_or(0, |budget| budget.used.iter().flatten().count());
        Ok((seen >= 2).then_some(whole))
    })?;
    let schema = include_str!("../../../../docs/schema/history.schema.json");
    let schema = serde_json::from_str(schema)?;
    let text: serde_json::Value = serde_json::from_slice(&agent.get("/api/v1/history")?.body)?;
    jsonschema::validate(&schema, &text).map_err(|error| anyhow::anyhow!("{error}"))?;
    let (steps, budget) = (
        whole.samples.len(),
        whole
            .budgets
            .iter()
            .find(|budget| {
                budget.cause.code() == "inotify-watches"
                    && budget.subject.to_string().contains(USER)
            })
            .context("no budget")?,
    );
    ensure!(budget.used.len() == steps && budget.limit.len() == steps);
    // It was not there at first, and unknown is not zero.
    ensure!(budget.used.first() == Some(&None), "{budget:?}");
    ensure!(budget.used.last() == Some(&Some(watches)), "{budget:?}");
    let workloads = whole.workloads.iter();
    let held = workloads.flat_map(|workload| workload.watches.iter().flatten());
    ensure!(held.max() >= Some(&watches), "{:?}", whole.workloads);
    // Without a trace refused calls are unknown, not none.
    ensure!(whole.samples.iter().all(|sample| sample.refusals.is_none()));
    ensure!(
        whole.starts.len() == 1 && whole.gaps.len() == 1,
        "{whole:?}"
    );
    ensure!(whole.gaps[0].reason == GapReason::NotKept);
    let coarse = history(&agent, "?step=10m&budget=inotify-instances")?;
    ensure!(coarse.samples.len() <= 2 && coarse.step_seconds == 600.0);
    ensure!(
        coarse
            .budgets
            .iter()
            .all(|b| b.cause.code() == "inotify-instances")
    );
    let recent = history(&agent, "?since=2s")?;
    ensure!(recent.samples.len() <= 4, "{:?}", recent.samples);
    for (query, says) in [
        ("?since=soon", "since: \"soon\""),
        ("?step=1ms", "ask for 1.666s or more"),
        ("?budget=inotify", "budget: \"inotify\""),
        ("?%3Cb%3E=1", "unknown parameter"),
    ] {
        let answer = agent.get(&format!("/api/v1/history{query}"))?;
        let is_plain = answer.header("content-type").starts_with("text/plain");
        ensure!(
            answer.status == 400 && answer.text().contains(says) && is_plain,
            "{query}: {answer:?}"
        );
    }
    let page = agent.get("/")?;
    let page = page.text();
    for part in [
        "<h2>History</h2>",
        "role=img aria-label=\"Plot of inotify",
        "the agent started",
    ] {
        ensure!(page.contains(part), "{part}: {page}");
    }
    ensure!(!page.contains("<script"));
    drop(holder);
    Ok(())
}

pub fn refused() -> anyhow::Result<()> {
    let agent = Agent::start(&["--interval=100ms", "--history=10m"])?;
    if agent.metrics()?.one("nospace_trace_active")? == 0.0 {
        ensure!(std::env::var_os("NOSPACE_NEEDS_EBPF").is_none());
        return Ok(());
    }
    let mut holder = Holder::start(&["--user-namespace=870200", "--instances=1", "--watches=5"])?;
    holder.tell("limit watches 5")?;
    let refused = 40 - holder.tell("pace 40 2000")?.done;
    ensure!(refused == 40);
    agent.until("refused calls in the history", || {
        let whole = history(&agent, "")?;
        let calls = whole
            .samples
            .iter()
            .filter_map(|sample| sample.refusals.as_ref());
        let calls = calls.filter_map(|refusals| refusals.get("inotify-watches"));
        Ok((calls.sum::<u64>() >= refused).then_some(()))
    })?;
    agent.until("refused calls on the page", || {
        let page = agent.get("/")?;
        let shown = |part| page.text().contains(part);
        let all = [
            "refused: inotify-watches",
            "<path class=tick",
            ", calls refused at 1 point",
        ];
        Ok(all.into_iter().all(shown).then_some(()))
    })
}

fn with_state(directory: &Path) -> anyhow::Result<Agent> {
    let state = format!("--state-dir={}", directory.display());
    Agent::start(&["--interval=20ms", "--history=10m", "--trace=off", &state])
}

/// kill -9 at any moment: everything up to the last complete sample is there.
pub fn killed() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let state = directory.path().join("state");
    let mut starts = Vec::new();
    let mut last = String::new();
    for round in 0_u64..8 {
        let agent = with_state(&state)?;
        let whole = agent.until("collected", || {
            let whole = history(&agent, "")?;
            Ok((whole.starts.len() > starts.len()).then_some(whole))
        })?;
        ensure!(
            whole.starts.len() == starts.len() + 1,
            "round {round}: {:?} after {starts:?}",
            whole.starts
        );
        let down = whole
            .gaps
            .iter()
            .filter(|gap| gap.reason == GapReason::AgentDown);
        ensure!(down.count() == starts.len(), "{:?}", whole.gaps);
        if !last.is_empty() {
            // Not a sample is lost that the agent before had answered with, but those of the last moment.
            let kept = &whole.samples[whole.samples.len() - 2].at;
            let (kept, last): (jiff::Timestamp, jiff::Timestamp) = (kept.parse()?, last.parse()?);
            let lost = last.duration_since(kept).as_millis();
            ensure!(lost < 500, "{lost} ms are lost: {kept}, {last}");
        }
        let said = agent.messages();
        ensure!(!said.contains(FILE), "round {round}: {said}");
        starts = whole.starts;
        std::thread::sleep(Duration::from_millis(37 * round));
        last = history(&agent, "")?.until;
        agent.signal(Signal::KILL)?;
        // Three intervals without a collection are a gap, and where much else runs one takes longer than was asked for.
        std::thread::sleep(Duration::from_millis(500));
    }
    // A line that was cut is left out; nothing else is.
    let path = state.join(FILE);
    let bytes = fs::read(&path)?;
    fs::write(&path, &bytes[..bytes.len() - 7])?;
    let agent = with_state(&state)?;
    let whole = history(&agent, "")?;
    ensure!(whole.starts.len() == starts.len() + 1, "{:?}", whole.starts);
    ensure!(!agent.messages().contains(FILE), "{}", agent.messages());
    // A second agent keeps out.
    let said = first_words(&state)?;
    ensure!(said.contains("is used by another agent"), "{said}");
    Ok(())
}

/// What an agent says before it listens.
fn first_words(state: &Path) -> anyhow::Result<String> {
    let output = command(&[
        "timeout",
        "-s",
        "KILL",
        "3",
        NOSPACE,
        "agent",
        "--kube=off",
        "--listen=127.0.0.1:0",
    ])
    .args(["--trace=off", &format!("--state-dir={}", state.display())])
    .output()?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What it is, how it is made, and what the agent says.
type Case<'a> = (
    &'static str,
    &'a dyn Fn() -> std::io::Result<()>,
    &'static str,
);

/// What somebody may leave in the directory.
pub fn damaged() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let state = directory.path().join("state");
    let agent = with_state(&state)?;
    agent.looks(20)?;
    drop(agent);
    let path = state.join(FILE);
    let whole = fs::read(&path)?;
    let outside = directory.path().join("outside");
    fs::write(&outside, "of somebody else")?;
    let middle = whole.len() / 2;
    let mut flipped = whole.clone();
    flipped[middle] ^= 1;
    let written = |bytes: &[u8]| fs::write(&path, bytes);
    let cases: [Case<'_>; 7] = [
        (
            "a bit",
            &|| written(&flipped),
            "is damaged; what comes before is used",
        ),
        (
            "garbage",
            &|| written(&[0xff; 5000]),
            "the history begins anew",
        ),
        (
            "zeros",
            &|| written(&vec![0; 1 << 20]),
            "line 1 is too long",
        ),
        (
            "long",
            &|| fs::File::create(&path)?.set_len(1 << 30),
            "is 1024 MiB long",
        ),
        (
            "newer",
            &|| written(b"f50a0386 {\"format\":2}\n"),
            "begins anew",
        ),
        ("a link", &|| symlink(&outside, &path), "cannot be opened"),
        (
            "a directory",
            &|| fs::create_dir(&path),
            "is not a regular file",
        ),
    ];
    for (what, make, says) in cases {
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir_all(state.join(DAMAGED));
        let _ = fs::remove_file(state.join(DAMAGED));
        make().context(what)?;
        let said = first_words(&state)?;
        ensure!(said.contains(says), "{what}: {said}");
        ensure!(
            said.contains("the file is now") && said.matches(FILE).count() == 2,
            "{what}: {said}"
        );
        ensure!(said.contains("Listening on"), "{what}: {said}");
        ensure!(state.join(DAMAGED).symlink_metadata().is_ok(), "{what}");
        ensure!(path.symlink_metadata()?.is_file(), "{what}");
    }
    ensure!(fs::read_to_string(&outside)? == "of somebody else");
    // A pipe that nobody writes into.
    let _ = fs::remove_file(&path);
    let made = Command::new("mkfifo").arg(&path).status()?;
    ensure!(made.success() && first_words(&state)?.contains("is not a regular file"));
    Ok(())
}

/// A disk that is full, one that cannot be written, a directory that cannot be made.
pub fn no_room() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let place = directory.path().display();
    for (options, says) in [
        ("size=40k", "cannot be written: No space left"),
        ("ro", "in memory only"),
    ] {
        let script = format!(
            "mount -t tmpfs -o {options} none {place} && exec {NOSPACE} agent --kube=off --listen=127.0.0.1:0 --interval=20ms --history=10m --trace=off --state-dir={place}/state"
        );
        let output = command(&["unshare", "-m", "sh", "-c", &script]);
        let agent = Agent::run(output)?;
        if options != "ro" {
            agent.until(says, || Ok(agent.messages().contains(says).then_some(())))?;
        }
        agent.looks(10)?;
        ensure!(
            agent.messages().matches("cannot be written").count() <= 1,
            "{}",
            agent.messages()
        );
        let whole = history(&agent, "")?;
        ensure!(whole.samples.iter().map(|s| s.collections).sum::<u32>() > 10);
    }
    ensure!(first_words(Path::new("/proc/nowhere"))?.contains("cannot be made"));
    Ok(())
}
