//! Namespaces of nospace's own.

use std::io;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Moves the calling thread, and what it starts from now on, into new namespaces. What is made in them goes with their last process; of mounts nothing is
/// seen outside.
///
/// # Errors
///
/// `EPERM` without CAP_SYS_ADMIN, unless a user namespace is asked for; `ENOSPC` at a limit of user.max_*_namespaces; `EINVAL` for a user namespace in
/// a program with several threads, and for what is no namespace.
pub fn unshare(kinds: UnshareFlags) -> io::Result<()> {
    if kinds.contains(UnshareFlags::FILES) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: only CLONE_FILES is unsafe, as it takes descriptors away from threads.
    unsafe { unshare_unsafe(kinds) }?;
    if kinds.contains(UnshareFlags::NEWNS) {
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )?;
    }
    Ok(())
}
