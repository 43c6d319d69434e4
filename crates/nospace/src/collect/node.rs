//! What machine this is.

use std::path::Path;

use nospace_core::attribute::{is_starting, may_be_kubelet_in_container, node_kubelet, owners};
use nospace_core::managers::kubelet_roots;
use nospace_core::model::{KubeletConfig, NodeFacts, Process, Snapshot};
use nospace_core::parse::{kubelet as parse_kubelet, lossy, system};
use nospace_core::report::Owner;

use super::mount_table::{self, Table, is_local};
use super::{cgroups, read};
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

/// Adds what only the node's kubelet can tell: what the command line configures, of one that was started a moment ago and does not show that yet in what
/// it holds; the cgroups that one in a container sees.
pub fn complete(snapshot: &mut Snapshot, host: &dyn Host) {
    let uptime = snapshot.node.uptime_ticks;
    let is_new = |p: &Process| p.comm == "kubelet" && is_starting(p.start_ticks, uptime);
    let asks = |p: &Process| is_new(p) || may_be_kubelet_in_container(p);
    if !snapshot.processes.iter().any(asks) {
        return;
    }
    let owners = owners(snapshot);
    let Some(kubelet) = node_kubelet(snapshot, &owners) else {
        return;
    };
    let (pid, is_new) = (kubelet.pid, is_new(kubelet));
    if let Some(Owner::Container { .. }) = owners.get(&pid) {
        // The machine's files are not its own.
        snapshot.node.kubelet = None;
        of_container(snapshot, host, pid);
    } else if is_new && let Ok(cmdline) = read::bytes(host, proc(&format!("{pid}/cmdline"))) {
        snapshot.node.kubelet = by_flags(host, &parse_kubelet::Flags::parse(&cmdline));
    }
}

fn of_container(snapshot: &mut Snapshot, host: &dyn Host, pid: u32) {
    let Some(cgroups) = &mut snapshot.cgroups else {
        return;
    };
    match cgroups::seen_by(host, pid, cgroups) {
        Ok(seen) => cgroups.of_kubelet = seen,
        Err(error) => {
            let run = snapshot
                .collectors
                .iter_mut()
                .find(|run| run.name == "cgroups");
            if let Some(run) = run {
                run.partial = true;
                run.gaps.push(format!(
                    "which cgroups the kubelet (pid {pid}) sees is not known: {error:#}"
                ));
            }
        }
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

/// What the kernel says until a name is set (CONFIG_DEFAULT_HOSTNAME, init/Kconfig).
const UNSET: &str = "(none)";

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
    let is_set = |name: &String| !name.is_empty() && name != UNSET;
    first.filter(is_set).or(second.filter(is_set))
}

fn text(host: &dyn Host, path: &str) -> Option<String> {
    read::bytes(host, proc(path))
        .ok()
        .map(|bytes| trimmed(&bytes))
}

fn trimmed(bytes: &[u8]) -> String {
    lossy(bytes.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::live::{Live, Roots};

    #[test]
    fn a_name_that_was_never_set_is_none() {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(root.path().join("sys/kernel")).expect("a directory");
        let name_of = |set: &str| {
            std::fs::write(root.path().join("sys/kernel/hostname"), set).expect("a file");
            let roots = Roots {
                proc: root.path().to_owned(),
                ..Roots::default()
            };
            name(&Live::open(&roots, false).expect("a live host"))
        };
        assert_eq!(name_of("node2\n").as_deref(), Some("node2"));
        assert_eq!(name_of("(none)\n"), None);
        assert_eq!(name_of("\n"), None);
    }
}
