//! From a place on a file system to the paths that people know it by: the host's, and the holder's own.

use std::collections::HashMap;

use nospace_core::model::{Descriptor, Place};
use nospace_core::watches::{Device, Event, MountTable, NamedWatch, State};

use super::list::Found;
use crate::collect::mount_table;
use crate::host::{Host, proc};

/// The mounts of the host, and of every mount namespace that a holder lives in.
pub struct Names<'h> {
    host: &'h dyn Host,
    mounts: Option<MountTable>,
    namespace: Option<String>,
    /// The first holder that was met of each namespace stands for all in it.
    speakers: HashMap<String, u32>,
    speaker_of: HashMap<u32, u32>,
    tables: HashMap<u32, Option<MountTable>>,
}

impl<'h> Names<'h> {
    /// Reads the host's mounts.
    pub fn new(host: &'h dyn Host) -> Self {
        let own = format!("{}/ns/mnt", host.look().mounts_of);
        Self {
            host,
            mounts: mount_table::read(host).ok().map(MountTable::new),
            namespace: host.link(proc(&own)).ok(),
            speakers: HashMap::new(),
            speaker_of: HashMap::new(),
            tables: HashMap::new(),
        }
    }

    /// Whose mounts `pid` sees: the first process that was met of its mount namespace; 0 is the host itself, also
    /// where nothing better is known.
    pub fn namespace_of(&mut self, pid: u32) -> u32 {
        if let Some(&speaker) = self.speaker_of.get(&pid) {
            return speaker;
        }
        let namespace = self.host.link(proc(&format!("{pid}/ns/mnt"))).ok();
        let speaker = match namespace {
            Some(namespace) if self.namespace.as_ref() != Some(&namespace) => {
                *self.speakers.entry(namespace).or_insert(pid)
            }
            _ => 0,
        };
        self.speaker_of.insert(pid, speaker);
        speaker
    }

    /// Mounts of the host, or of the namespace that this process speaks for.
    pub fn table(&mut self, speaker: Option<u32>) -> Option<&MountTable> {
        match speaker {
            None => self.mounts.as_ref(),
            Some(0) => None,
            Some(pid) => {
                let host = self.host;
                let table = self.tables.entry(pid).or_insert_with(|| {
                    mount_table::of(host, &pid.to_string())
                        .ok()
                        .map(MountTable::new)
                });
                table.as_ref()
            }
        }
    }

    /// Type of a file system, and where the host has it mounted.
    pub fn device(&mut self, device: Device, holder: u32) -> (Option<String>, Option<String>) {
        let number = (device.major, device.minor);
        if let Some(mount) = self.table(None).and_then(|table| table.of(number).next()) {
            return (Some(mount.fstype.clone()), Some(mount.mountpoint.clone()));
        }
        let speaker = self.namespace_of(holder);
        let table = self.table(Some(speaker));
        let mount = table.and_then(|table| table.of(number).next());
        (mount.map(|mount| mount.fstype.clone()), None)
    }

    /// Names a watch as the host and as its holder sees it.
    pub fn watch(&mut self, found: Found, asked: &[Descriptor]) -> NamedWatch {
        let Found {
            instance,
            watch,
            naming,
            denied: _,
        } = found;
        let speaker = self.namespace_of(asked[instance].pid);
        let (path, state) = match watch.place {
            Place::Path(path) => (Some(path), State::Present),
            Place::Deleted(path) => (Some(path), State::Deleted),
            Place::Unreachable(path) => (Some(path), State::Unreachable),
            Place::Forgotten => (None, State::Unnamed),
        };
        let mut seen = |speaker| {
            let path = path.as_deref().filter(|_| state != State::Unreachable)?;
            self.table(speaker)?.locate(watch.device, path)
        };
        let container_path = seen(Some(speaker));
        let host_path = seen(None).or_else(|| {
            let path = container_path.as_ref()?;
            Some(format!("/proc/{speaker}/root{path}"))
        });
        NamedWatch {
            instance: u32::try_from(instance).unwrap_or(u32::MAX),
            wd: watch.wd,
            host_path,
            container_path,
            path,
            state,
            naming,
            device: Device {
                major: watch.device.0,
                minor: watch.device.1,
            },
            inode: watch.inode,
            mask: Event::of_mask(watch.mask),
        }
    }
}
