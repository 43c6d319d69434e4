//! What machine this is.

use std::path::Path;

use nospace_core::attribute::{is_starting, kubelets, owners};
use nospace_core::managers::kubelet_roots;
use nospace_core::model::{KubeletConfig, NodeFacts, Process, Snapshot};
use nospace_core::parse::{kubelet as parse_kubelet, lossy, system};

use super::mount_table::{self, Table, is_local};
use super::read;
use crate::host::{Host, proc, root};

/// Never fails: an unknown name is better than no report.
pub fn collect(host: &dyn Host) -> NodeFacts {
    NodeFacts {
        name: name(host).unwrap_or_else(|| "unknown".to_owned()),
        kernel: text(host, "sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned()),
        memory_bytes: read::parsed(host, proc("meminfo"), system::memory_bytes).ok(),
        uptime_ticks: read::parsed(host, proc("uptime"), system::uptime_ticks).ok(),
        kubelet: kubelet(host),
    }
}

/// The configuration in a kubelet's directory; `None` where there is none that can be read without the risk to hang.
fn kubelet(host: &dyn Host) -> Option<KubeletConfig> {
    let mounts = mount_table::read(host).ok()?;
    let files = kubelet_roots()
        .into_iter()
        .map(|directory| format!("{directory}/config.yaml"));
    files
        .into_iter()
        .find_map(|path| config(host, &mounts, &path))
}

/// Corrects what the node's kubelet is configured for by the command line of one that was started a moment ago, of which it does
/// not show yet in what it holds.
pub fn complete(snapshot: &mut Snapshot, host: &dyn Host) {
    let uptime = snapshot.node.uptime_ticks;
    let is_one = |p: &&Process| p.comm == "kubelet" && is_starting(p.start_ticks, uptime);
    if !snapshot.processes.iter().any(|process| is_one(&process)) {
        return;
    }
    let owners = owners(snapshot);
    let starting = kubelets(snapshot, &owners).find(is_one).map(|p| p.pid);
    let Some(pid) = starting else {
        return;
    };
    if let Ok(cmdline) = read::bytes(host, proc(&format!("{pid}/cmdline"))) {
        snapshot.node.kubelet = by_flags(host, &parse_kubelet::Flags::parse(&cmdline));
    }
}

/// What these flags, and the file that they name, configure; `None` where not all of it can be read.
fn by_flags(host: &dyn Host, flags: &parse_kubelet::Flags) -> Option<KubeletConfig> {
    if flags.config_dir {
        return None;
    }
    let Some(path) = &flags.config else {
        return Some(flags.apply(None));
    };
    let mounts = mount_table::read(host).ok()?;
    Some(flags.apply(Some(config(host, &mounts, path)?)))
}

fn config(host: &dyn Host, mounts: &Table, path: &str) -> Option<KubeletConfig> {
    let mount = mounts.resolve(host, Path::new(path))?;
    if !is_local(&mount.fstype) || !parse_kubelet::is_config(Path::new(path)) {
        return None;
    }
    parse_kubelet::config(&read::bytes(host, root(path)).ok()?)
}

/// In a container /proc knows only the container's name; the host's is in its /etc/hostname.
fn name(host: &dyn Host) -> Option<String> {
    let file = || {
        read::bytes(host, root("etc/hostname"))
            .ok()
            .map(|bytes| trimmed(&bytes))
    };
    let kernel = || text(host, "sys/kernel/hostname");
    let elsewhere = host.look().mounts_of != "self";
    let (first, second) = if elsewhere {
        (file(), kernel())
    } else {
        (kernel(), None)
    };
    first.or(second).filter(|name| !name.is_empty())
}

fn text(host: &dyn Host, path: &str) -> Option<String> {
    read::bytes(host, proc(path))
        .ok()
        .map(|bytes| trimmed(&bytes))
}

fn trimmed(bytes: &[u8]) -> String {
    lossy(bytes.trim_ascii())
}
