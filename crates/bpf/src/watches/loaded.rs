use std::io::{self, ErrorKind, Read};

use libbpf_rs::{Iter, Link, MapCore, MapFlags, RingBuffer, RingBufferBuilder};

use super::{Place, Watch};
use crate::object;
use crate::records::take;
use crate::skeleton::watches::types::{record_kind, watch_record};
use crate::skeleton::watches::{WatchesSkel, WatchesSkelBuilder};
use crate::support::Unsupported;
use crate::tally::Holder;

/// What a caller can ask for (include/uapi/linux/inotify.h); the kernel sets other bits for itself.
const IN_ALL_EVENTS: u32 = 0xfff;

/// Instances asked for in one go; as many as the map has room for.
const AT_ONCE: usize = 1 << 14;

/// Lists watches: a program loaded once, asked as often as wanted.
pub struct Lister {
    watches: Link,
    programs: WatchesSkel<'static>,
}

impl Lister {
    /// Loads the program into the kernel; it goes when this is dropped, or the process dies.
    ///
    /// # Errors
    /// [`Unsupported`] says in words why this kernel or this caller cannot, and what to do.
    pub fn load() -> Result<Self, Unsupported> {
        let (programs, _) = object::load::<WatchesSkelBuilder>(|_| Ok(()))?;
        Ok(Self {
            watches: object::attach(&programs.progs.watches)?,
            programs,
        })
    }

    /// Gives every watch of the instances with these identities to `each`, in the order of their numbers. An instance
    /// is told only if it is still where this holder had it.
    ///
    /// # Errors
    /// What the kernel answered to the request.
    pub fn list(
        &mut self,
        instances: impl IntoIterator<Item = (u64, Holder)>,
        mut each: impl FnMut(Watch),
    ) -> io::Result<()> {
        let instances: Vec<(u64, Holder)> = instances.into_iter().collect();
        let mut malformed = 0_u64;
        for some in instances.chunks(AT_ONCE) {
            self.list_some(some, |record| match decode(record) {
                Some(watch) => each(watch),
                None => malformed += 1,
            })?;
        }
        if malformed > 0 {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!(
                    "{malformed} watches came in a form that makes no sense: report this, it is a fault of nospace"
                ),
            ));
        }
        Ok(())
    }

    fn list_some(&self, instances: &[(u64, Holder)], each: impl FnMut(&[u8])) -> io::Result<()> {
        let wanted = &self.programs.maps.wanted;
        for (identity, holder) in instances {
            let request = [holder.pid, holder.fd, 0].map(u32::to_ne_bytes).concat();
            let key = identity.to_ne_bytes();
            wanted
                .update(&key, &request, MapFlags::ANY)
                .map_err(io::Error::other)?;
        }
        let outcome = self.read(each);
        for (identity, _) in instances {
            let key = identity.to_ne_bytes();
            wanted.delete(&key).map_err(io::Error::other)?;
        }
        outcome
    }

    /// Reads the iterator to its end, and the ring whenever it is full.
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
        place: Place::read(head.flags.0, names),
    })
}
