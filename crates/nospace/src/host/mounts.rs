//! Mounts that are read once, until they change.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nospace_core::watches::MountTable;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::ReadResult;

/// They are read again after this time even if nothing says that they have changed. The kernel does not report that an option of a file
/// system has changed elsewhere, by an error or in another namespace; gVisor reports nothing.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The mounts of one namespace.
#[derive(Default)]
pub struct MountCache(Mutex<Option<Known>>);

struct Known {
    /// The mountinfo: poll(2) says when mounts have changed since it was opened (proc(5)).
    file: OwnedFd,
    read_at: Instant,
    table: Arc<MountTable>,
}

impl MountCache {
    /// What `read` has read of the mountinfo that `open` opens. Others that ask meanwhile wait for it.
    pub fn get(
        &self,
        open: impl FnOnce() -> ReadResult<OwnedFd>,
        read: &dyn Fn() -> anyhow::Result<MountTable>,
    ) -> anyhow::Result<Arc<MountTable>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known
            && known.read_at.elapsed() < MAX_AGE
            && !has_changed(&known.file)
        {
            return Ok(Arc::clone(&known.table));
        }
        // Its change has been seen; where reading fails, nothing would tell of it again.
        *known = None;
        // Opened first: what changes while they are read is a change since then.
        let (file, read_at) = (open(), Instant::now());
        let table = Arc::new(read()?);
        *known = file.ok().map(|file| Known {
            file,
            read_at,
            table: Arc::clone(&table),
        });
        Ok(table)
    }
}

fn has_changed(file: &OwnedFd) -> bool {
    let mut asked = [PollFd::new(file, PollFlags::PRI)];
    match poll(&mut asked, Some(&Timespec::default())) {
        Ok(_) => asked[0]
            .revents()
            .intersects(PollFlags::PRI | PollFlags::ERR),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs::{self, File};
    use std::path::Path;

    use nospace_bpf::namespaces::unshare;
    use nospace_core::parse::mountinfo::mounts;
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

    use rustix::thread::UnshareFlags;

    use super::*;

    const MOUNTINFO: &str = "/proc/thread-self/mountinfo";

    /// In a mount namespace of this thread's own.
    #[test]
    fn mounts_are_read_again_when_they_have_changed() {
        if unshare(UnshareFlags::NEWNS).is_err() {
            eprintln!("skipped: only root can have a mount namespace");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().to_str().unwrap();
        let reads = Cell::new(0);
        let fails = Cell::new(false);
        let cache = MountCache::default();
        let is_there = || {
            let read = || {
                reads.set(reads.get() + 1);
                anyhow::ensure!(!fails.get(), "unreadable");
                Ok(MountTable::new(mounts(&fs::read(MOUNTINFO)?)?))
            };
            let open = || Ok(File::open(Path::new(MOUNTINFO)).unwrap().into());
            Some(cache.get(open, &read).ok()?.at(place).is_some())
        };
        assert_eq!([is_there(), is_there()], [Some(false); 2]);
        assert_eq!(reads.get(), 1);
        mount("tmpfs", place, "tmpfs", MountFlags::empty(), None).unwrap();
        assert_eq!([is_there(), is_there()], [Some(true); 2]);
        assert_eq!(reads.get(), 2);
        unmount(place, UnmountFlags::empty()).unwrap();
        // What was read before is not taken for the answer.
        fails.set(true);
        assert_eq!([is_there(), is_there()], [None; 2]);
        fails.set(false);
        assert_eq!([is_there(), is_there()], [Some(false); 2]);
        assert_eq!(reads.get(), 5);
    }
}
