//! The mounts of the host, and of every mount namespace that a holder lives in.

use std::collections::HashMap;

use nospace_core::watches::{Device, MountTable};

use crate::collect::mount_table::{self, Table, is_local};
use crate::host::{Host, proc};

/// File systems of the kernel's own, which answer at once.
const KERNEL: [&str; 12] = [
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "mqueue",
    "proc",
    "pstore",
    "securityfs",
    "sysfs",
    "tracefs",
];

/// Whether a file system of this type answers whatever happens to networks and other processes.
pub fn never_hangs(fstype: &str) -> bool {
    is_local(fstype) || KERNEL.contains(&fstype)
}

/// Mount tables, each read once.
pub struct MountTables<'h> {
    host: &'h dyn Host,
    own: Option<Table>,
    own_namespace: Option<String>,
    /// The first holder that was met of each mount namespace represents it.
    representatives: HashMap<String, u32>,
    represented_by: HashMap<u32, Option<u32>>,
    tables: HashMap<u32, Option<MountTable>>,
}

impl<'h> MountTables<'h> {
    /// Reads the host's mounts.
    pub fn new(host: &'h dyn Host) -> Self {
        let own = format!("{}/ns/mnt", host.look().mounts_of);
        Self {
            host,
            own: mount_table::read(host).ok(),
            own_namespace: host.link(proc(&own)).ok(),
            representatives: HashMap::new(),
            represented_by: HashMap::new(),
            tables: HashMap::new(),
        }
    }

    /// The process that represents the mount namespace of `pid`; `None` where that is the host's own, or unknown.
    pub fn representative(&mut self, pid: u32) -> Option<u32> {
        if let Some(&known) = self.represented_by.get(&pid) {
            return known;
        }
        let namespace = self.host.link(proc(&format!("{pid}/ns/mnt"))).ok();
        let other = namespace.filter(|namespace| self.own_namespace.as_ref() != Some(namespace));
        let representative = other.map(|other| *self.representatives.entry(other).or_insert(pid));
        self.represented_by.insert(pid, representative);
        representative
    }

    /// MountTables of the host.
    pub fn own(&self) -> Option<&MountTable> {
        self.own.as_deref()
    }

    /// MountTables of the namespace that this process represents.
    pub fn of(&mut self, representative: u32) -> Option<&MountTable> {
        let host = self.host;
        let read = || {
            let mounts = mount_table::of(host, &representative.to_string()).ok()?;
            Some(MountTable::new(mounts))
        };
        let table = self.tables.entry(representative).or_insert_with(read);
        table.as_ref()
    }

    /// Type of a file system, and where the host has it mounted.
    pub fn device(&mut self, device: Device, holder: u32) -> (Option<String>, Option<String>) {
        let number = (device.major, device.minor);
        if let Some(mount) = self.own().and_then(|table| table.of(number).next()) {
            return (Some(mount.fstype.clone()), Some(mount.mountpoint.clone()));
        }
        let representative = self.representative(holder);
        let table = representative.and_then(|pid| self.of(pid));
        let mount = table.and_then(|table| table.of(number).next());
        (mount.map(|mount| mount.fstype.clone()), None)
    }
}
