//! What the node has of what remedies name.

use nospace_core::managers;
use nospace_core::model::{Environment, HOST_LOCAL, Program};
use nospace_core::parse::os_release;

use super::{mount_table, read};
use crate::host::{Host, ReadError, root};

/// Where programs are on any distribution; K3s and RKE2 keep their own, snap and Talos as well.
const PROGRAMS: [&str; 9] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/bin",
    "/sbin",
    "/snap/bin",
    "/opt/bin",
    // NixOS has nothing in the others.
    "/run/current-system/sw/bin",
];

/// Where systemd.unit(5) looks for units of the system.
const UNITS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Never fails: what cannot be seen is not there, and no remedy names it. `None` for a node that was recorded without it.
pub fn collect(host: &dyn Host) -> Option<Environment> {
    let programs = Program::ALL.into_iter();
    let services = managers::services().into_iter();
    let environment = Environment {
        os: os(host),
        programs: programs
            .filter(|program| is_in(host, &PROGRAMS, program.name()))
            .collect(),
        services: services
            .filter(|service| is_in(host, &UNITS, &format!("{service}.service")))
            .map(str::to_owned)
            .collect(),
        host_local: host.list(root(HOST_LOCAL), 1).is_ok(),
        sysctls_read_only: sysctls_read_only(host),
    };
    (!environment.os.is_empty() || !environment.programs.is_empty()).then_some(environment)
}

fn os(host: &dyn Host) -> Vec<String> {
    // The image of minikube's virtual machine, whose os-release is that of any Buildroot (deploy/iso/minikube-iso/package/automount).
    if is_in(host, &UNITS, "minikube-automount.service") {
        return vec!["minikube".to_owned()];
    }
    let read = |path| read::bytes(host, root(path)).ok();
    let bytes = read("/etc/os-release").or_else(|| read("/usr/lib/os-release"));
    bytes.map_or_else(Vec::new, |bytes| os_release::ids(&bytes))
}

fn is_in(host: &dyn Host, directories: &[&str], name: &str) -> bool {
    let mut directories = directories.iter();
    directories.any(|directory| is_there(host, &format!("{directory}/{name}")))
}

/// A file or a link: readlink(2) of a file fails in another way than of nothing.
fn is_there(host: &dyn Host, path: &str) -> bool {
    !matches!(
        host.link(root(path)),
        Err(ReadError::Gone | ReadError::Denied)
    )
}

/// Container runtimes mount /proc/sys read-only over procfs. Where the host's procfs is somewhere else, that one counts.
fn sysctls_read_only(host: &dyn Host) -> bool {
    if host.look().mounts_of != "self" {
        return false;
    }
    let Ok(mounts) = mount_table::read(host) else {
        return false;
    };
    let places = ["/proc", "/proc/sys"];
    let mut over = mounts.mounts().iter().rev();
    let last = over.find(|mount| places.contains(&mount.mountpoint.as_str()));
    last.is_some_and(|mount| mount.options.split(',').any(|option| option == "ro"))
}
