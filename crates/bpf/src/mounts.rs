//! A private mount namespace.

use std::io;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Moves the calling thread, and what it starts from now on, into a new mount namespace. Its mounts are invisible to others,
/// and are removed with its last process.
///
/// # Errors
///
/// `EPERM` without CAP_SYS_ADMIN; `ENOSPC` at the limit user.max_mnt_namespaces.
pub fn unshare() -> io::Result<()> {
    // SAFETY: only CLONE_FILES is unsafe, as it takes descriptors away from threads.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    Ok(mount_change("/", private)?)
}
