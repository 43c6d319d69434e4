//! What machine this is.

use std::path::Path;

use nospace_core::managers::kubelet_roots;
use nospace_core::model::{KubeletConfig, NodeFacts};
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
    let mounts = Table::new(mount_table::read(host).ok()?);
    kubelet_roots().into_iter().find_map(|directory| {
        let path = format!("{directory}/config.yaml");
        let mount = mounts.resolve(host, Path::new(&path))?;
        if !is_local(&mount.fstype) {
            return None;
        }
        let bytes = read::bytes(host, root(&path)).ok()?;
        Some(parse_kubelet::config(&bytes))
    })
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
