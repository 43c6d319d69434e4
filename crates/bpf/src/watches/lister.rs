use std::io::{self, ErrorKind};

use libbpf_rs::{Iter, Link, MapCore, MapFlags};

use super::entries::Entries;
use super::model::{Listed, Place, Watch, WatchedFile};
use crate::accounting::Holder;
use crate::object;
use crate::output;
use crate::records::take;
use crate::skeleton::watches::types::{
    entry_record, file_flags, file_record, record_kind, watch_record,
};
use crate::skeleton::watches::{WatchesSkel, WatchesSkelBuilder};
use crate::support::Unsupported;

/// The events of include/uapi/linux/inotify.h; the kernel uses other bits of the mask itself.
const IN_ALL_EVENTS: u32 = 0xfff;

/// Instances to request at once: the capacity of the map.
const BATCH: usize = 1 << 14;

/// Lists watches: the program is loaded once and can be read many times.
pub struct Lister {
    watches: Link,
    programs: WatchesSkel<'static>,
}

impl Lister {
    /// Loads the program into the kernel, which unloads it when this is dropped or the process ends.
    ///
    /// # Errors
    /// Why this kernel or this process cannot load it, and what to do.
    pub fn load() -> Result<Self, Unsupported> {
        let (programs, _) = object::load::<WatchesSkelBuilder>(|_| Ok(()))?;
        Ok(Self {
            watches: object::attach(&programs.progs.watches)?,
            programs,
        })
    }

    /// Passes each watch of the instances with these identities to `each`, in the order of the watch descriptors, and before the first one of
    /// a file that file. Skips an instance that its holder no longer has at this descriptor.
    ///
    /// # Errors
    /// Those of reading the iterator; `InvalidData` for malformed records.
    pub fn list(
        &mut self,
        instances: impl IntoIterator<Item = (u64, Holder)>,
        mut each: impl FnMut(Listed),
    ) -> io::Result<()> {
        let instances: Vec<(u64, Holder)> = instances.into_iter().collect();
        for batch in instances.chunks(BATCH) {
            self.list_batch(batch, &mut each)?;
        }
        Ok(())
    }

    fn list_batch(
        &mut self,
        instances: &[(u64, Holder)],
        each: &mut impl FnMut(Listed),
    ) -> io::Result<()> {
        let requests = &self.programs.maps.requests;
        for (identity, holder) in instances {
            let request = [holder.pid, holder.fd, 0].map(u32::to_ne_bytes).concat();
            let key = identity.to_ne_bytes();
            requests
                .update(&key, &request, MapFlags::ANY)
                .map_err(io::Error::other)?;
        }
        let outcome = self.read(each);
        let requests = &self.programs.maps.requests;
        for (identity, _) in instances {
            let key = identity.to_ne_bytes();
            requests.delete(&key).map_err(io::Error::other)?;
        }
        outcome
    }

    fn read(&mut self, each: &mut impl FnMut(Listed)) -> io::Result<()> {
        let mut entries = Entries::default();
        let iter = Iter::new(&self.watches).map_err(io::Error::other)?;
        output::read(
            iter,
            &mut self.programs,
            |programs| output::output!(programs),
            |records| decode(records, &mut entries, each),
        )
    }
}

fn decode(
    mut records: &[u8],
    entries: &mut Entries,
    each: &mut impl FnMut(Listed),
) -> io::Result<()> {
    while !records.is_empty() {
        let kind = records.first_chunk().copied().map(u32::from_ne_bytes);
        let listed = match kind.map(record_kind) {
            Some(record_kind::RECORD_WATCH) => take(&mut records).map(watch).map(Listed::Watch),
            Some(record_kind::RECORD_FILE) => {
                let record = take(&mut records);
                record.map(|record| Listed::File(file(record, entries)))
            }
            Some(record_kind::RECORD_ENTRY) => {
                if entry(&mut records, entries).is_some() {
                    continue;
                }
                None
            }
            _ => None,
        };
        let malformed =
            "a malformed record of watches from nospace's BPF program: please report this bug";
        each(listed.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, malformed))?);
    }
    Ok(())
}

fn watch(record: watch_record) -> Watch {
    Watch {
        identity: record.group,
        wd: record.wd,
        mask: record.mask & IN_ALL_EVENTS,
        file: record.file,
    }
}

fn file(record: file_record, entries: &mut Entries) -> WatchedFile {
    let is_removed = record.flags.0 & file_flags::FILE_REMOVED.0 != 0;
    WatchedFile {
        address: record.address,
        inode: record.inode,
        // The kernel's own dev_t (include/linux/kdev_t.h).
        device: (record.device >> 20, record.device & 0xf_ffff),
        file_system: record.file_system,
        place: match record.entry {
            0 => Place::Forgotten,
            entry => entries.place(entry, is_removed),
        },
    }
}

/// Takes an entry with its name.
fn entry(records: &mut &[u8], entries: &mut Entries) -> Option<()> {
    let record: entry_record = take(records)?;
    let length = record.name_length as usize;
    let (name, rest) = records.split_at_checked(length.next_multiple_of(8))?;
    *records = rest;
    entries.insert(&record, &name[..length]);
    Some(())
}
