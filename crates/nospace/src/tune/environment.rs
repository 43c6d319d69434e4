//! Where tune runs: on the node itself, in a container, or with an image.

use nospace_core::model::INITIAL_USER_NAMESPACE;

use crate::host::{Host, proc};

/// `PROC_PID_INIT_INO` (include/linux/proc_ns.h): the pid namespace that the machine booted with.
const INITIAL_PID_NAMESPACE: u64 = 0xeff_ffffc;

/// Names of a process 1 that boots a system; a container may be one, as those of kind and LXC are.
const INITS: [&str; 6] = [
    "systemd",
    "init",
    "openrc-init",
    "runit",
    "s6-svscan",
    "dinit",
];

/// nospace's own root directory is that of no system that boots: nothing ever reads its sysctl.d.
pub fn is_container(host: &dyn Host) -> bool {
    let roots = (root_mount(host, "self"), root_mount(host, "1"));
    if matches!(roots, (Some(own), Some(first)) if own != first) {
        return true;
    }
    let first = bytes(host, "1/comm").unwrap_or_default();
    let boots = INITS.contains(&first.trim());
    namespace(host, "self/ns/pid").is_some_and(|own| own != INITIAL_PID_NAMESPACE) && !boots
}

/// nospace's user namespace is not the machine's: it is root of nothing outside.
fn in_user_namespace(host: &dyn Host) -> bool {
    namespace(host, "self/ns/user").is_some_and(|own| own != INITIAL_USER_NAMESPACE)
}

/// What would help, by who asks.
pub fn way(host: &dyn Host) -> String {
    if host.look().uid != 0 && !in_user_namespace(host) && !is_container(host) {
        return "run it as root".to_owned();
    }
    THE_OTHER_WAY.to_owned()
}

/// The inode number in `pid:[4026531836]`.
fn namespace(host: &dyn Host, path: &str) -> Option<u64> {
    let link = host.link(proc(path)).ok()?;
    link.split_once(":[")?.1.strip_suffix(']')?.parse().ok()
}

/// Device and root of what is mounted on `/` for a process.
fn root_mount(host: &dyn Host, pid: &str) -> Option<(String, String)> {
    let text = bytes(host, &format!("{pid}/mountinfo"))?;
    let of_root = |line: &str| {
        let mut fields = line.split(' ').skip(2);
        let (device, root, on) = (fields.next()?, fields.next()?, fields.next()?);
        (on == "/").then(|| (device.to_owned(), root.to_owned()))
    };
    text.lines().rev().find_map(of_root)
}

fn bytes(host: &dyn Host, path: &str) -> Option<String> {
    let bytes = crate::collect::read::bytes(host, proc(path)).ok()?;
    Some(nospace_core::parse::lossy(&bytes))
}

/// The way to do it from within Kubernetes.
const THE_OTHER_WAY: &str = "run nospace on the node itself as root, or in a privileged pod with hostPID and \
     the host's root directory mounted on /host: `nospace --procfs /host/proc --sysfs /host/sys --rootfs /host tune --apply`; \
     `nospace tune --daemonset` prints a DaemonSet that does it on every node";
