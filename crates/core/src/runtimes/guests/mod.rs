//! Guests: containers, machines and tasks that a program other than an OCI runtime starts, by the names of their cgroups.
//!
//! What runs in a guest is the guest's. A systemd in it has units of the host's names, so none of them may be taken for the
//! host's. To add a kind of guest: a function here with the source of its layout, a line in [`GUESTS`], a variant of [`Runtime`],
//! and lines in `layouts.tsv`, which the tests read.

#[cfg(test)]
mod tests;

use super::Role;
use crate::model::Runtime;

/// A kind of guest.
#[derive(Debug)]
pub struct Guests {
    /// What starts them.
    pub runtime: Runtime,
    /// As its makers write it.
    pub title: &'static str,
    /// What its users call one.
    pub noun: &'static str,
    /// The guest whose cgroup has the last of these names, the others being those above it.
    find: fn(above: &[&str], name: &str) -> Option<Guest>,
}

/// A guest, as the name of its cgroup tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// What it is known by on the host.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// Whether it is its own processes or those that keep it.
    pub role: Role,
}

impl Guest {
    fn named(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        (!id.is_empty()).then(|| Self {
            name: id.clone(),
            id,
            role: Role::Payload,
        })
    }

    fn monitored(id: &str) -> Option<Self> {
        Some(Self {
            role: Role::Monitor,
            ..Self::named(id)?
        })
    }
}

/// Every kind of guest that is known.
pub static GUESTS: [Guests; 10] = [
    Guests {
        runtime: Runtime::Lxc,
        title: "LXC",
        noun: "container",
        find: lxc,
    },
    Guests {
        runtime: Runtime::Libvirt,
        title: "libvirt",
        noun: "machine",
        find: libvirt,
    },
    Guests {
        runtime: Runtime::Machined,
        title: "systemd-machined",
        noun: "machine",
        find: machined,
    },
    Guests {
        runtime: Runtime::Nomad,
        title: "Nomad",
        noun: "task",
        find: nomad,
    },
    Guests {
        runtime: Runtime::Garden,
        title: "Garden",
        noun: "container",
        find: garden,
    },
    Guests {
        runtime: Runtime::Ecs,
        title: "Amazon ECS",
        noun: "task container",
        find: ecs,
    },
    Guests {
        runtime: Runtime::Buildkit,
        title: "BuildKit",
        noun: "build step",
        find: buildkit,
    },
    Guests {
        runtime: Runtime::Firecracker,
        title: "Firecracker",
        noun: "machine",
        find: firecracker,
    },
    Guests {
        runtime: Runtime::Talos,
        title: "Talos",
        noun: "service",
        find: talos,
    },
    Guests {
        runtime: Runtime::Batch,
        title: "batch system",
        noun: "job",
        find: batch,
    },
];

/// The guest whose cgroup has this name below the others, and who starts it.
#[must_use]
pub fn guest(above: &[&str], name: &str) -> Option<(Runtime, Guest)> {
    GUESTS
        .iter()
        .find_map(|kind| Some((kind.runtime, (kind.find)(above, name)?)))
}

/// What is known of guests that `runtime` starts; `None` for an OCI runtime.
#[must_use]
pub fn of(runtime: Runtime) -> Option<&'static Guests> {
    GUESTS.iter().find(|kind| kind.runtime == runtime)
}

/// LXC, and Incus, LXD and Proxmox VE on it: `lxc.payload.NAME` and `lxc.monitor.NAME` from 4.0 on, in 3.x directories of these
/// names, before that `lxc/NAME`, which Proxmox keeps (lxc.container.conf(5), `lxc.cgroup.dir`; cgroups/cgfsng.c).
fn lxc(above: &[&str], name: &str) -> Option<Guest> {
    if let Some(name) = name.strip_prefix("lxc.payload.") {
        return Guest::named(name);
    }
    if let Some(name) = name.strip_prefix("lxc.monitor.") {
        return Guest::monitored(name);
    }
    match *above.last()? {
        "lxc.payload" | "lxc" => Guest::named(name),
        "lxc.monitor" => Guest::monitored(name),
        _ => None,
    }
}

/// `machine-qemu\x2d1\x2dvm1.scope` with systemd, `qemu-1-vm1.libvirt-qemu` without (libvirt.org/cgroups.html),
/// `libvirt/qemu/vm1` before 1.0.5; `lxc` in place of `qemu` for libvirt's own containers.
fn libvirt(above: &[&str], name: &str) -> Option<Guest> {
    if let [.., "libvirt", "qemu" | "lxc"] = above {
        return Guest::named(name);
    }
    if let Some((stem, "qemu" | "lxc")) = name.rsplit_once(".libvirt-") {
        return Guest::named(domain(stem).unwrap_or(stem));
    }
    let machine = machine(name)?;
    Guest::named(domain(&machine)?)
}

/// The name of a domain in `qemu-1-NAME`, or `qemu-NAME` of old versions.
fn domain(machine: &str) -> Option<&str> {
    let rest = ["qemu-", "lxc-"]
        .iter()
        .find_map(|driver| machine.strip_prefix(driver))?;
    let numbered = rest
        .split_once('-')
        .filter(|(id, _)| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
    Some(numbered.map_or(rest, |(_, name)| name))
}

/// The machine of `machine-NAME.scope` (`machine_start_scope`, src/machine/machine-dbus.c of systemd).
fn machine(name: &str) -> Option<String> {
    let escaped = name.strip_prefix("machine-")?.strip_suffix(".scope")?;
    Some(unescape_unit(escaped))
}

/// Machines of systemd-nspawn and systemd-vmspawn, by their own units or by scopes that systemd-machined makes. Below nspawn's,
/// `payload` is the machine and `supervisor` is nspawn itself (systemd-nspawn(1), `--keep-unit`; docs/CGROUP_DELEGATION).
fn machined(_: &[&str], name: &str) -> Option<Guest> {
    let unit = || {
        let name = name.strip_suffix(".service")?;
        ["systemd-nspawn@", "systemd-vmspawn@"]
            .iter()
            .find_map(|template| name.strip_prefix(template))
            .map(unescape_unit)
    };
    Guest::named(machine(name).or_else(unit)?)
}

/// `ALLOCATION.TASK.scope` in a slice of Nomad's, from 1.7 on in `share.slice` or `reserve.slice`; without the suffix on
/// cgroup v1 (client/lib/cgroupslib).
fn nomad(above: &[&str], name: &str) -> Option<Guest> {
    above.iter().find(|name| name.starts_with("nomad"))?;
    let id = name.strip_suffix(".scope").unwrap_or(name);
    let (allocation, task) = id.split_once('.')?;
    is_uuid(allocation).then_some(())?;
    Some(Guest {
        name: format!("{task} of allocation {}", &allocation[..8]),
        ..Guest::named(id)?
    })
}

/// `garden/HANDLE`, of Cloud Foundry; `good` and `bad` stand between them where CPU entitlement is on (guardian, `gardener`).
fn garden(above: &[&str], name: &str) -> Option<Guest> {
    match above {
        [.., "garden"] if !matches!(name, "good" | "bad") => Guest::named(name),
        [.., "garden", "good" | "bad"] => Guest::named(name),
        _ => None,
    }
}

/// `ecs/TASK/TASK-NUMBER` on Fargate; below `ecs/TASK` on EC2 the container has its runtime's id.
fn ecs(above: &[&str], name: &str) -> Option<Guest> {
    let [.., "ecs", task] = above else {
        return None;
    };
    let number = name.strip_prefix(task)?.strip_prefix('-')?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    Guest::named(name)
}

/// `buildkit/ID` below the parent that the daemon is given, which is `docker` in dockerd.
fn buildkit(above: &[&str], name: &str) -> Option<Guest> {
    (above.last() == Some(&"buildkit")).then_some(())?;
    Guest::named(name)
}

/// The jailer names the parent by the program that it starts (docs/jailer.md of Firecracker).
fn firecracker(above: &[&str], name: &str) -> Option<Guest> {
    above.last()?.starts_with("firecracker").then_some(())?;
    Guest::named(name)
}

/// The services of Talos (pkg/machinery/constants, `Cgroup…`); it has no systemd.
fn talos(above: &[&str], name: &str) -> Option<Guest> {
    let known = match above {
        ["podruntime"] | ["system", "extensions"] => true,
        ["system"] => ["apid", "dashboard", "runtime", "trustd", "udevd"].contains(&name),
        _ => false,
    };
    known.then(|| Guest::named(name))?
}

/// Jobs of Slurm (`slurmstepd.scope/job_N`; `slurm/uid_N/job_N` on cgroup v1) and containers of YARN (`yarn/container_…`).
fn batch(above: &[&str], name: &str) -> Option<Guest> {
    let number = name.strip_prefix("job_");
    if let Some(job) = number.filter(|n| n.bytes().all(|b| b.is_ascii_digit())) {
        let slurm = |name: &&str| name.starts_with("slurm") || name.ends_with("slurmstepd.scope");
        return above.iter().any(slurm).then(|| Guest::named(job))?;
    }
    let yarn = matches!(above, [.., "yarn" | "hadoop-yarn"]) && name.starts_with("container_");
    yarn.then(|| Guest::named(name))?
}

fn is_uuid(text: &str) -> bool {
    let parts = text.split('-').map(str::len);
    parts.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// A name that systemd escaped (`-` as `\x2d`, systemd-escape(1)).
fn unescape_unit(escaped: &str) -> String {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend(before.bytes());
        match after.get(..2).map(|hex| u8::from_str_radix(hex, 16)) {
            Some(Ok(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.extend(b"\\x");
                rest = after;
            }
        }
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
