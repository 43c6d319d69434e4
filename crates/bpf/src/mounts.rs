//! A mount namespace of one's own.

use std::io;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Moves the calling thread, and what it starts from now on, into a new mount namespace. What is mounted there
/// nobody else sees, and it goes with the last process in it.
///
/// # Errors
///
/// `EPERM` without CAP_SYS_ADMIN; `ENOSPC` where user.max_mnt_namespaces is reached.
pub fn own() -> io::Result<()> {
    // SAFETY: of the flags only CLONE_FILES can harm, by taking descriptors away from threads.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    Ok(mount_change("/", private)?)
}
