use std::fs;
use std::time::Duration;

use anyhow::ensure;

use crate::agent::Agent;
#[cfg(feature = "ebpf")]
use crate::agent::until;

/// What a thousand looks may leave: arenas of the allocator, no more.
const MEMORY: u64 = 1 << 20;
/// Other tests make pods meanwhile; a row a look would be a thousand.
const ROWS: usize = 500;

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
    ensure!(traced || std::env::var_os("NOSPACE_NEEDS_EBPF").is_none());
    #[cfg(feature = "ebpf")]
    {
        let loaded = nospace_bpf::program_ids();
        ensure!(
            programs.iter().all(|id| loaded.contains(id)),
            "{programs:?} of {loaded:?}"
        );
    }
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

/// What it has open between two looks: the fewest of many moments.
fn at_rest(agent: &Agent) -> anyhow::Result<Vec<String>> {
    let mut fewest = agent.descriptors()?;
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(3));
        let open = agent.descriptors()?;
        ensure!(
            open.iter().all(|target| !target.ends_with(":inotify")),
            "{open:?}"
        );
        if open.len() < fewest.len() {
            fewest = open;
        }
    }
    Ok(fewest)
}

pub fn thousand_looks() -> anyhow::Result<()> {
    let agent = Agent::start(&["--interval=10ms"])?;
    agent.looks(150)?;
    let (memory, open, rows) = (
        agent.anonymous_memory()?,
        at_rest(&agent)?,
        agent.metrics()?.len(),
    );
    // What other tests make meanwhile is kept once; a leak grows in every thousand.
    let mut resident = vec![memory];
    let mut grows = true;
    while grows && resident.len() <= 3 {
        agent.looks(1000)?;
        resident.push(agent.anonymous_memory()?);
        grows = resident[resident.len() - 1] >= resident[resident.len() - 2] + MEMORY;
    }
    let left = at_rest(&agent)?;
    ensure!(
        left.len() <= open.len(),
        "descriptors before: {open:?}, after: {left:?}"
    );
    ensure!(!grows, "bytes after each thousand: {resident:?}");
    let told = agent.metrics()?.len();
    ensure!(told < rows + ROWS, "{rows} rows before, {told} after");
    Ok(())
}
