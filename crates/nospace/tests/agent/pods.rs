//! Processes in cgroups such as a kubelet makes: nothing else shows their owners.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use nospace_core::report::Report;
use nospace_holder::Holder;

use crate::agent::Agent;

/// A cgroup that looks like a container of a pod; removed when it is dropped.
pub struct Pod {
    directory: PathBuf,
    /// uid of the pod, which is its name where the disk gives none.
    pub uid: String,
}

impl Pod {
    pub fn make(number: u32) -> anyhow::Result<Self> {
        let uid = format!("{number:08x}-aaaa-4bbb-8ccc-{:012x}", std::process::id());
        let mounts = [
            "/sys/fs/cgroup/unified",
            "/sys/fs/cgroup/systemd",
            "/sys/fs/cgroup",
        ];
        let mount = mounts
            .iter()
            .find(|mount| fs::exists(format!("{mount}/cgroup.procs")).unwrap_or(false));
        let mount = mount.context("no cgroup file system")?;
        let directory = PathBuf::from(format!(
            "{mount}/kubepods/besteffort/pod{uid}/{number:064x}"
        ));
        fs::create_dir_all(&directory)?;
        Ok(Self { directory, uid })
    }

    pub fn take(&self, holder: &Holder) -> anyhow::Result<()> {
        fs::write(
            self.directory.join("cgroup.procs"),
            holder.pid().to_string(),
        )?;
        Ok(())
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = crate::agent::until("empty", || Ok(fs::remove_dir(&self.directory).ok()));
        // Others may have pods there, too: only what is empty goes.
        for directory in self.directory.ancestors().skip(1).take(3) {
            let _ = fs::remove_dir(directory);
        }
    }
}

pub fn bounded() -> anyhow::Result<()> {
    const PODS: u32 = 30;
    let pods = (0..PODS)
        .map(Pod::make)
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut holders = Vec::new();
    for (number, pod) in (1..).zip(&pods) {
        let holder = Holder::start(&[
            &format!("--user-namespace={}", 810_000 + number * 10),
            "--instances=1",
            &format!("--watches={number}"),
        ])?;
        pod.take(&holder)?;
        holders.push(holder);
    }
    let agent = Agent::start(&["--interval=200ms", "--top=10"])?;
    let samples = agent.metrics()?;
    let watches = samples.with("nospace_pod_inotify_watches", &[]);
    ensure!(watches.len() <= 11, "{watches:#?}");
    let sum: f64 = watches.iter().map(|(_, value)| value).sum();
    let held = f64::from((1..=PODS).sum::<u32>());
    // Somebody else may have pods on this node.
    ensure!(sum >= held, "{sum} of {held}: {watches:#?}");
    let other = samples.with("nospace_pod_inotify_watches", &["pod=\"other\""]);
    ensure!(
        other.len() == 1 && other[0].1 >= f64::from((1..=PODS - 10).sum::<u32>()),
        "{other:?}"
    );
    let largest = format!("pod=\"{}\"", pods[PODS as usize - 1].uid);
    ensure!(samples.with("nospace_pod_inotify_watches", &[&largest])[0].1 == f64::from(PODS));
    drop(holders);
    agent.until("gone", || {
        let samples = agent.metrics()?;
        Ok(samples
            .with("nospace_pod_inotify_watches", &[&largest])
            .is_empty()
            .then_some(()))
    })
}

pub fn growth() -> anyhow::Result<()> {
    let pod = Pod::make(900)?;
    let mut holder = Holder::start(&["--user-namespace=820000", "--instances=1", "--watches=10"])?;
    pod.take(&holder)?;
    holder.tell("limit watches 900")?;
    let agent = Agent::start(&["--interval=300ms"])?;
    if agent.metrics()?.one("nospace_trace_active")? == 0.0 {
        // Only the kernel's accounting knows the limit of a user namespace.
        ensure!(std::env::var_os("NOSPACE_NEEDS_EBPF").is_none());
        return Ok(());
    }
    for _ in 0..30 {
        holder.tell("add 10")?;
        agent.looks(1)?;
    }
    let report: Report = serde_json::from_slice(&agent.get("/api/v1/report")?.body)?;
    let found = report
        .findings
        .iter()
        .find(|f| f.rule.name() == "growth" && f.subject.to_string().contains("uid 820000"));
    let found = found.with_context(|| format!("{:#?}", report.findings))?;
    ensure!(
        found.title.starts_with("inotify watches of uid 820000"),
        "{found:#?}"
    );
    ensure!(found.blame.pods()[0].uid == pod.uid, "{found:#?}");
    let samples = agent.metrics()?;
    let labels = ["cause=\"inotify-watches\"", "uid 820000"];
    let seconds = samples.with("nospace_exhaustion_seconds", &labels);
    ensure!(
        seconds.len() == 1 && (0.1..600.0).contains(&seconds[0].1),
        "{seconds:?}"
    );
    Ok(())
}
