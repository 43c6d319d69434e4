//! Sysctls of other network namespaces: procfs shows those of the process that reads it.

use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{ReadError, ReadResult};

/// None of them is longer.
const BOUND: u64 = 64 << 10;

/// Reads `path` below procfs in a thread that enters the network namespace of `pid` first, and ends with the answer.
pub fn sysctl(procfs: &OwnedFd, pid: u32, path: &str) -> ReadResult<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let namespace = openat(procfs, format!("{pid}/ns/net"), flags, Mode::empty())?;
    std::thread::scope(|scope| {
        let read = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            let file = openat(procfs, path, flags, Mode::empty())?;
            let mut bytes = Vec::new();
            std::fs::File::from(file)
                .take(BOUND)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let thread = std::thread::Builder::new().spawn_scoped(scope, read)?;
        let failed = |_| ReadError::Failed("the thread that reads it failed".into());
        thread.join().map_err(failed)?
    })
}
