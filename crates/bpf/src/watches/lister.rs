use std::io::{self, ErrorKind, Read};

use libbpf_rs::{Iter, Link, MapCore, MapFlags, RingBuffer, RingBufferBuilder};

use super::model::{Place, Watch};
use crate::accounting::Holder;
use crate::object;
use crate::records::take;
use crate::skeleton::watches::types::{record_kind, watch_record};
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

    /// Passes each watch of the instances with these identities to `each`, in the order of the watch descriptors. Skips
    /// an instance that its holder no longer has at this descriptor.
    ///
    /// # Errors
    /// Those of reading the iterator; `InvalidData` for malformed records.
    pub fn list(
        &mut self,
        instances: impl IntoIterator<Item = (u64, Holder)>,
        mut each: impl FnMut(Watch),
    ) -> io::Result<()> {
        let instances: Vec<(u64, Holder)> = instances.into_iter().collect();
        let mut malformed = 0_u64;
        for batch in instances.chunks(BATCH) {
            self.list_batch(batch, |record| match decode(record) {
                Some(watch) => each(watch),
                None => malformed += 1,
            })?;
        }
        if malformed > 0 {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!(
                    "{malformed} malformed watch records from nospace's BPF program: please report this bug"
                ),
            ));
        }
        Ok(())
    }

    fn list_batch(&self, instances: &[(u64, Holder)], each: impl FnMut(&[u8])) -> io::Result<()> {
        let requests = &self.programs.maps.requests;
        for (identity, holder) in instances {
            let request = [holder.pid, holder.fd, 0].map(u32::to_ne_bytes).concat();
            let key = identity.to_ne_bytes();
            requests
                .update(&key, &request, MapFlags::ANY)
                .map_err(io::Error::other)?;
        }
        let outcome = self.read(each);
        for (identity, _) in instances {
            let key = identity.to_ne_bytes();
            requests.delete(&key).map_err(io::Error::other)?;
        }
        outcome
    }

    /// Reads the iterator to its end, and the ring buffer after each read.
    fn read(&self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut builder = RingBufferBuilder::new();
        builder
            .add(&self.programs.maps.ring, |record| {
                each(record);
                0
            })
            .map_err(io::Error::other)?;
        let ring: RingBuffer<'_> = builder.build().map_err(io::Error::other)?;
        let mut iter = Iter::new(&self.watches).map_err(io::Error::other)?;
        loop {
            let got = iter.read(&mut [0; 64]);
            ring.consume().map_err(io::Error::other)?;
            match got {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(e) => return Err(e),
            }
        }
    }
}

fn decode(mut record: &[u8]) -> Option<Watch> {
    let head: watch_record = take(&mut record)?;
    if head.kind != record_kind::RECORD_WATCH {
        return None;
    }
    let names = record.get(..head.names_length as usize)?;
    Some(Watch {
        identity: head.group,
        wd: head.wd,
        inode: head.inode,
        file: head.address,
        // The kernel's own dev_t (include/linux/kdev_t.h).
        device: (head.device >> 20, head.device & 0xf_ffff),
        file_system: head.file_system,
        mask: head.mask & IN_ALL_EVENTS,
        place: Place::from_names(head.flags.0, names),
    })
}
