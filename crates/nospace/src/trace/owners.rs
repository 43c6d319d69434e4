use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use nospace_bpf::trace::{Event, File};
use nospace_core::attribute;
use nospace_core::limits::Place;
use nospace_core::model::Snapshot;
use nospace_core::report::Owner;

use super::file_system::FileSystem;
use crate::collect::{self, cmdlines, mount_table::Table, vantage::shows_initial_pids};
use crate::host::{Host, proc};

/// Processes and cgroups that are remembered at most.
const CAPACITY: usize = 4096;
/// A process may move to another cgroup, and its number be given to another one.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The disk is asked again for a container's name this long after it gave none.
const REREAD_AFTER: Duration = Duration::from_secs(2);
/// Id of the root cgroup, and of every cgroup where v2 is not in use.
const NO_CGROUP: u64 = 1;

/// What a call was about, as far as it matters for its error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Where; `None` where that is a path relative to a directory that cannot be resolved any more, or not known.
    pub place: Option<Place>,
    /// The kind of file system, where that is known.
    pub file_system: Option<FileSystem>,
}

/// Owners of processes, remembered: a process may be gone at its next call.
pub struct OwnerCache<'h> {
    host: &'h dyn Host,
    /// Containers of the node, and the one process that is asked about.
    node: Snapshot,
    read: Option<Duration>,
    processes: HashMap<u32, CachedOwner>,
    cgroups: HashMap<u64, Owner>,
    /// Mounts of the process that was last asked about, and when they were read.
    mounts: RefCell<Option<(u32, Duration, Table)>>,
    /// What will be missing, and why.
    pub gaps: Vec<String>,
    blind: bool,
}

struct CachedOwner {
    owner: Owner,
    program: String,
    cgroup: u64,
    at: Duration,
}

impl<'h> OwnerCache<'h> {
    /// Of the processes of `host`.
    pub fn new(host: &'h dyn Host) -> Self {
        let blind = !shows_initial_pids(host);
        let mut owners = Self {
            host,
            node: Snapshot::default(),
            read: None,
            processes: HashMap::new(),
            cgroups: HashMap::new(),
            mounts: RefCell::default(),
            gaps: Vec::new(),
            blind,
        };
        if blind {
            owners.gaps.push(
                "owners are not shown: this procfs belongs to another pid namespace than the traced calls; run on the \
                 host, or in a pod with hostPID: true, or pass the host's procfs with --procfs"
                    .to_owned(),
            );
        } else {
            owners.gaps = owners.read(Duration::ZERO);
        }
        owners
    }

    /// Owner of the process that made the call; `None` where it has exited and was never seen before.
    pub fn of(&mut self, event: &Event) -> Option<Owner> {
        if self.blind {
            return None;
        }
        let known = self.processes.get(&event.pid);
        let known = known.filter(|known| known.cgroup == event.cgroup);
        if let Some(known) = known.filter(|known| event.time.saturating_sub(known.at) < MAX_AGE) {
            return Some(known.owner.clone());
        }
        match collect::process(self.host, event.pid, event.uid) {
            Some(process) => {
                self.node.processes = vec![process];
                Some(self.learn(event))
            }
            None => known
                .map(|known| known.owner.clone())
                .or_else(|| self.cgroups.get(&event.cgroup).cloned()),
        }
    }

    /// Name of the program that made the call, after [`OwnerCache::of`]. The event has the name of a thread.
    pub fn program<'a>(&'a self, event: &'a Event) -> Option<Cow<'a, str>> {
        if event.tid == event.pid {
            return Some(String::from_utf8_lossy(&event.comm));
        }
        let known = self.processes.get(&event.pid);
        let known = known.filter(|known| known.cgroup == event.cgroup)?;
        Some((&*known.program).into())
    }

    /// Its command line, as it is now: a program that was started meanwhile has another.
    pub fn cmdline(&self, pid: u32) -> Option<Vec<String>> {
        if self.blind {
            return None;
        }
        cmdlines::of(self.host, pid)
    }

    fn learn(&mut self, event: &Event) -> Owner {
        let mut owner = self.attribute(event.pid);
        let read = self.read.unwrap_or_default();
        if is_unnamed(&owner) && event.time.saturating_sub(read) > REREAD_AFTER {
            self.read(event.time);
            owner = self.attribute(event.pid);
        }
        if self.processes.len() >= CAPACITY {
            self.processes.clear();
        }
        if self.cgroups.len() >= CAPACITY {
            self.cgroups.clear();
        }
        let known = CachedOwner {
            owner: owner.clone(),
            program: self
                .node
                .processes
                .first()
                .map_or_else(String::new, |one| one.comm.clone()),
            cgroup: event.cgroup,
            at: event.time,
        };
        self.processes.insert(event.pid, known);
        if event.cgroup > NO_CGROUP {
            self.cgroups.insert(event.cgroup, owner.clone());
        }
        owner
    }

    fn attribute(&self, pid: u32) -> Owner {
        attribute::owners(&self.node)
            .remove(&pid)
            .unwrap_or_default()
    }

    /// Reads the containers of the node's disk; what could not be read.
    fn read(&mut self, now: Duration) -> Vec<String> {
        self.read = Some(now);
        match collect::containers(self.host) {
            Ok((containers, gaps)) => {
                self.node.containers = containers;
                gaps
            }
            Err(error) => vec![format!("containers are shown without names: {error:#}")],
        }
    }

    /// What the call was about.
    pub fn site(&self, event: &Event) -> Site {
        if let (None, Some(file)) = (&event.path, event.situation.file) {
            return Site {
                place: Some(place_of(file)),
                file_system: FileSystem::of_magic(file.file_system),
            };
        }
        let Some(path) = self.path(event) else {
            return Site::default();
        };
        let place = self.place(event, &path);
        let is_known = place == Place::OtherFilesystem && !event.path_truncated;
        Site {
            place: Some(place),
            file_system: is_known.then(|| self.file_system(event, &path)).flatten(),
        }
    }

    /// The path that was given, or that of the descriptor.
    fn path(&self, event: &Event) -> Option<String> {
        match &event.path {
            Some(path) => self.resolve(event, &String::from_utf8_lossy(path)),
            None if self.blind => None,
            None => self.link(event, &format!("fd/{}", event.fd?)),
        }
    }

    fn place(&self, event: &Event, place: &str) -> Place {
        let is_in = |directory: &str| Path::new(place).starts_with(directory);
        if is_in("/sys/fs/cgroup") {
            Place::Cgroupfs
        } else if is_in("/dev/shm") || is_in("/dev/mqueue") {
            Place::OtherFilesystem
        } else if place.ends_with("/ptmx") && (is_in("/dev") || self.is_in_devpts(event.pid, place))
        {
            Place::Ptmx
        } else if !place.starts_with('/') || ["/dev", "/proc", "/sys"].into_iter().any(is_in) {
            Place::NoFile
        } else {
            Place::OtherFilesystem
        }
    }

    /// The kind that the file is on, or the directory where it was to be.
    fn file_system(&self, event: &Event, path: &str) -> Option<FileSystem> {
        if self.blind {
            return None;
        }
        let (pid, path) = (event.pid, Path::new(path));
        let mut known = self.mounts.borrow_mut();
        let is_fresh = |(of, at, _): &(u32, Duration, Table)| {
            *of == pid && event.time.saturating_sub(*at) < MAX_AGE
        };
        if !known.as_ref().is_some_and(is_fresh) {
            let mounts = collect::mount_table::of(self.host, &pid.to_string()).ok()?;
            *known = Some((pid, event.time, Table::new(mounts)));
        }
        let (.., table) = known.as_ref()?;
        let mount = table.resolve_for(self.host, pid, path);
        let mount = mount.or_else(|| table.resolve_for(self.host, pid, path.parent()?))?;
        FileSystem::named(&mount.fstype)
    }

    /// The path from the caller's root.
    fn resolve(&self, event: &Event, path: &str) -> Option<String> {
        let base = match (path.starts_with('/'), event.fd) {
            (true, _) => String::from("/"),
            (false, _) if self.blind => return None,
            (false, Some(fd)) if i32::try_from(fd).is_ok() => {
                self.link(event, &format!("fd/{fd}"))?
            }
            // AT_FDCWD is negative.
            (false, _) => self.link(event, "cwd")?,
        };
        let whole = Path::new(&base).join(path);
        Some(whole.to_string_lossy().into_owned())
    }

    /// Whether the process has a devpts on the directory of `path`.
    fn is_in_devpts(&self, pid: u32, path: &str) -> bool {
        let Some(directory) = Path::new(path).parent() else {
            return false;
        };
        let mounts = collect::mount_table::of(self.host, &pid.to_string()).unwrap_or_default();
        let mut on_it = mounts
            .iter()
            .filter(|mount| Path::new(&mount.mountpoint) == directory);
        on_it
            .next_back()
            .is_some_and(|mount| mount.fstype == "devpts")
    }

    fn link(&self, event: &Event, what: &str) -> Option<String> {
        let path = format!("{}/{what}", event.pid);
        self.host.link(proc(&path)).ok()
    }
}

/// cgroup and cgroup2; proc, sysfs, tracefs and debugfs (include/uapi/linux/magic.h).
const CGROUPFS: [u32; 2] = [0x0027_e0eb, 0x6367_7270];
const NO_DISKS: [u32; 4] = [0x9fa0, 0x6265_6572, 0x7472_6163, 0x6462_6720];

fn place_of(file: File) -> Place {
    if CGROUPFS.contains(&file.file_system) {
        Place::Cgroupfs
    } else if file.regular && !NO_DISKS.contains(&file.file_system) {
        Place::OtherFilesystem
    } else {
        Place::NoFile
    }
}

/// A container that the disk did not tell of when it was last read.
fn is_unnamed(owner: &Owner) -> bool {
    match owner {
        Owner::Pod {
            name, container, ..
        } => name.is_empty() || container.as_ref().is_some_and(|c| c.name.is_empty()),
        Owner::Container { name, .. } => name.is_none(),
        Owner::Host | Owner::Unit { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_disk_can_find_it_full() {
        let of = |file_system, regular| {
            place_of(File {
                file_system,
                regular,
            })
        };
        assert_eq!(of(0xef53, true), Place::OtherFilesystem);
        assert_eq!(of(0xef53, false), Place::NoFile);
        assert_eq!(of(0x6367_7270, true), Place::Cgroupfs);
        assert_eq!(of(0x9fa0, true), Place::NoFile);
    }
}
