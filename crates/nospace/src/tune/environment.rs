//! Where tune runs: on the node itself, in a container, or with an image.

use nospace_core::model::INITIAL_USER_NAMESPACE;

use crate::host::{Host, proc};

/// `PROC_PID_INIT_INO` (include/linux/proc_ns.h): the pid namespace that the machine booted with.
const INITIAL_PID_NAMESPACE: u64 = 0xeff_ffffc;

/// What nospace's own surroundings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Its user namespace is not the machine's: it is root of nothing outside.
    pub user_namespace: bool,
    /// Its root directory is not that of the node.
    pub container: bool,
}

/// Looks around, by the namespaces of nospace and of process 1.
pub fn look(host: &dyn Host) -> Surroundings {
    let own = |kind: &str| namespace(host, &format!("self/ns/{kind}"));
    let is = |kind, initial| own(kind).is_none_or(|own| own == initial);
    let other_mounts = match (own("mnt"), namespace(host, "1/ns/mnt")) {
        (Some(own), Some(first)) => own != first,
        _ => false,
    };
    Surroundings {
        user_namespace: !is("user", INITIAL_USER_NAMESPACE),
        container: !is("pid", INITIAL_PID_NAMESPACE)
            || (other_mounts && root_mount(host, "self") != root_mount(host, "1")),
    }
}

/// The inode number in `pid:[4026531836]`.
fn namespace(host: &dyn Host, path: &str) -> Option<u64> {
    let link = host.link(proc(path)).ok()?;
    link.split_once(":[")?.1.strip_suffix(']')?.parse().ok()
}

/// Device and root of what is mounted on `/` for a process.
fn root_mount(host: &dyn Host, pid: &str) -> Option<(String, String)> {
    let bytes = crate::collect::read::bytes(host, proc(&format!("{pid}/mountinfo"))).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let of_root = |line: &str| {
        let mut fields = line.split(' ').skip(2);
        let (device, root, on) = (fields.next()?, fields.next()?, fields.next()?);
        (on == "/").then(|| (device.to_owned(), root.to_owned()))
    };
    text.lines().rev().find_map(of_root)
}

/// The way to do it from within Kubernetes.
pub const THE_OTHER_WAY: &str = "run nospace on the node itself as root, or in a privileged pod with hostPID and \
     the host's root directory mounted on /host: `nospace --procfs /host/proc --sysfs /host/sys --rootfs /host tune --apply`; \
     `nospace tune --daemonset` prints a DaemonSet that does it on every node";
