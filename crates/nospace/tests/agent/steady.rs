use std::fs;
use std::time::Duration;

use anyhow::ensure;

use crate::agent::{Agent, until};

/// What a thousand looks may leave: arenas of the allocator, no more.
const ROOM: u64 = 1 << 20;

/// Numbers of the BPF programs that it has open.
fn programs(agent: &Agent) -> anyhow::Result<Vec<u32>> {
    let all = fs::read_dir(format!("/proc/{}/fdinfo", agent.pid()))?;
    let texts = all.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    let id = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("prog_id:"));
        line.and_then(|id| id.trim().parse().ok())
    };
    Ok(texts.filter_map(id).collect())
}

pub fn sigterm() -> anyhow::Result<()> {
    let mut agent = Agent::start(&["--interval=10ms"])?;
    let traced = agent.metrics()?.one("nospace_trace_active")? == 1.0;
    let programs = programs(&agent)?;
    ensure!(!traced || !programs.is_empty());
    let (took, status) = agent.terminate()?;
    ensure!(
        status.success() && took < Duration::from_secs(1),
        "{took:?} {status}"
    );
    #[cfg(feature = "ebpf")]
    until("freed", || {
        let loaded = nospace_bpf::program_ids();
        Ok(programs.iter().all(|id| !loaded.contains(id)).then_some(()))
    })?;
    Ok(())
}

pub fn thousand_looks() -> anyhow::Result<()> {
    let agent = Agent::start(&["--interval=10ms"])?;
    agent.looks(150)?;
    let (memory, descriptors) = (agent.resident()?, agent.descriptors()?.len());
    agent.looks(1000)?;
    let open = agent.descriptors()?;
    ensure!(
        open.iter().all(|target| !target.ends_with(":inotify")),
        "{open:?}"
    );
    let now = until("between two looks", || {
        let now = agent.descriptors()?.len();
        Ok((now <= descriptors + 3).then_some(now))
    })?;
    ensure!(
        now <= descriptors + 3,
        "{descriptors} descriptors before, {now} after"
    );
    let after = agent.resident()?;
    ensure!(
        after < memory + ROOM,
        "{memory} bytes before, {after} after"
    );
    ensure!(agent.metrics()?.len() < 2000);
    Ok(())
}
