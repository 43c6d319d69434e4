//! An agent on a node where nothing stays: pods come and go, instances are opened and closed by the thousand, and the API server
//! accepts connections but never answers. `NOSPACE_CHAOS=600` makes it ten minutes.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nospace_holder::Holder;
use serde_json::json;

use crate::agent::{Agent, command};
use crate::pods::Pod;
use crate::support::NOSPACE;

/// Pods at a time; each lives as long as the others of its group.
const PODS: u32 = 25;
/// What the agent may keep of all that it saw: arenas of the allocator, series of pods that are within `top`.
const MEMORY: u64 = 6 << 20;
/// Descriptors that one moment of collecting, scraping and publishing may have open, and another not.
const DESCRIPTORS: usize = 16;
/// Held from the start to the end; the figures for it must be right at any moment.
const STEADY: (u32, u32) = (3, 500);

fn duration() -> anyhow::Result<Duration> {
    let seconds = match std::env::var("NOSPACE_CHAOS") {
        Ok(text) => text.parse().context("NOSPACE_CHAOS: expected seconds")?,
        Err(_) => 12,
    };
    Ok(Duration::from_secs(seconds))
}

/// One group of pods: made, filled, and gone. Returns how many there were: other tests may hold what root may have.
fn pods_come_and_go(group: u32) -> anyhow::Result<u32> {
    let mut pods = Vec::new();
    // Dropped before the pods, which wait until they are empty.
    let mut holders = Vec::new();
    for number in 0..PODS {
        let uid = 840_000 + number * 10;
        let Ok(holder) = Holder::start(&[
            &format!("--user-namespace={uid}"),
            "--instances=1",
            &format!("--watches={number}"),
        ]) else {
            continue;
        };
        let pod = Pod::make(10_000 + group * PODS + number)?;
        pod.take(&holder)?;
        holders.push(holder);
        pods.push(pod);
    }
    Ok(u32::try_from(pods.len())?)
}

/// A few instances, by a process that ends at once: an ancestor's limit is often 128. Returns how many.
fn instances_come_and_go() -> anyhow::Result<u64> {
    let options = ["--user-namespace=850000", "--instances=1", "--watches=1"];
    match Holder::start(&options) {
        Ok(mut holder) => Ok(1 + holder.tell("open 20")?.done),
        Err(_) => Ok(0),
    }
}

/// The figures of the user that holds [`STEADY`].
fn steady(agent: &Agent) -> anyhow::Result<(f64, f64)> {
    let samples = agent.metrics()?;
    let of = |family| {
        let rows = samples.with(family, &["uid=\"860000\""]);
        rows.first().map(|(_, value)| *value).context(family)
    };
    Ok((
        of("nospace_inotify_instances")?,
        of("nospace_inotify_watches")?,
    ))
}

pub fn churn() -> anyhow::Result<()> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let directory = tempfile::tempdir()?;
    let kubeconfig = directory.path().join("kubeconfig");
    let url = format!("http://{}", server.local_addr()?);
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "c", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    std::fs::write(&kubeconfig, text.to_string())?;
    let (instances, watches) = STEADY;
    let holder = Holder::start(&[
        "--user-namespace=860000",
        &format!("--instances={instances}"),
        &format!("--watches={watches}"),
    ])?;
    let mut command = command(&[
        NOSPACE,
        "agent",
        "--listen=0",
        "--interval=100ms",
        "--top=10",
    ]);
    command.env("KUBECONFIG", &kubeconfig);
    let agent = Agent::run(command)?;
    let held = (holder.ready.instances, holder.ready.watches);
    let exact = agent.metrics()?.one("nospace_trace_active")? == 1.0;

    let stop = AtomicBool::new(false);
    let until = Instant::now() + duration()?;
    let (mut rounds, mut made) = (0, 0);
    // The first groups fill what the agent keeps for good.
    let mut before = None;
    let opened = std::thread::scope(|scope| {
        let opener = scope.spawn(|| {
            let mut opened = 0;
            while !stop.load(Ordering::Relaxed) {
                opened += instances_come_and_go()?;
            }
            anyhow::Ok(opened)
        });
        let mut churn = || {
            while Instant::now() < until || rounds < 4 {
                made += pods_come_and_go(rounds)?;
                rounds += 1;
                if exact {
                    let (instances, watches) = steady(&agent)?;
                    #[expect(clippy::cast_precision_loss, reason = "they are few")]
                    let wanted = (held.0 as f64, held.1 as f64);
                    ensure!(
                        (instances, watches) == wanted,
                        "{instances} {watches} of {held:?}"
                    );
                }
                if rounds == 2 {
                    before = Some((agent.anonymous_memory()?, agent.descriptors()?.len()));
                }
            }
            anyhow::Ok(())
        };
        let churned = churn();
        stop.store(true, Ordering::Relaxed);
        let opened = opener
            .join()
            .map_err(|_| anyhow::anyhow!("the opener failed"))?;
        churned?;
        opened
    })?;
    ensure!(
        made >= PODS && opened >= 100,
        "only {made} pods and {opened} instances in {rounds} rounds"
    );
    eprintln!("{rounds} rounds: {made} pods, {opened} instances");
    let after = agent.anonymous_memory()?;
    let (before, open_before) = before.context("too few rounds")?;
    ensure!(
        after < before + MEMORY,
        "{before} bytes after two rounds, {after} after {rounds}"
    );
    let open = agent.descriptors()?;
    ensure!(
        open.len() < open_before + DESCRIPTORS,
        "{open_before} descriptors after two rounds, now {open:#?}"
    );
    // Nothing of what is gone is left in the figures.
    agent.until("right", || {
        let samples = agent.metrics()?;
        let gone = ["uid=\"850000\"", "uid=\"840010\"", "pod=\"0000271"];
        let left = gone.iter().any(|label| {
            let of = |family| samples.with(family, &[label]).iter().any(|(_, n)| *n > 0.0);
            of("nospace_inotify_instances") || of("nospace_pod_inotify_instances")
        });
        Ok((!left).then_some(()))
    })?;
    let answered = agent
        .metrics()?
        .with("nospace_kubernetes_requests_total", &[])
        .len();
    ensure!(answered > 0, "the API server was never asked");
    Ok(())
}
