//! User namespaces and their parents: ioctl_ns(2).

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

/// `_IO(NSIO, 0x2)`, include/uapi/linux/nsfs.h.
const NS_GET_PARENT: libc::c_ulong = 0xb702;
/// `_IO(NSIO, 0x4)`.
const NS_GET_OWNER_UID: libc::c_ulong = 0xb704;

/// A user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserNs {
    /// Inode number.
    pub id: u64,
    /// Inode number of the parent, and uid of the creator in the caller's namespace; `None` for the initial namespace, or
    /// if the parent is outside the caller's.
    pub parent: Option<(u64, u32)>,
}

/// The user namespace of `file`, an open `/proc/PID/ns/user`.
///
/// # Errors
///
/// The error of fstat(2), or `EINVAL` if `file` is not a user namespace.
pub fn inspect(file: &File) -> io::Result<UserNs> {
    let id = file.metadata()?.ino();
    let parent = match parent(file) {
        Ok(parent) => Some((parent.metadata()?.ino(), owner(file)?)),
        // The initial namespace, or a parent outside the caller's own.
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => None,
        Err(error) => return Err(error),
    };
    Ok(UserNs { id, parent })
}

fn parent(file: &File) -> io::Result<File> {
    // SAFETY: NS_GET_PARENT takes no argument; a result >= 0 is a new descriptor.
    let fd = unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_PARENT) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just created this descriptor, and nobody else owns it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

fn owner(file: &File) -> io::Result<u32> {
    let mut uid: libc::uid_t = 0;
    // SAFETY: NS_GET_OWNER_UID writes one uid_t to the address given, which is that of `uid`.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_OWNER_UID, &raw mut uid) };
    if done < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_namespace_has_the_inode_of_its_link() {
        let own = inspect(&File::open("/proc/self/ns/user").unwrap()).unwrap();
        let link = std::fs::read_link("/proc/self/ns/user").unwrap();
        assert_eq!(link.to_str().unwrap(), format!("user:[{}]", own.id));
    }

    #[test]
    fn a_mount_namespace_is_refused() {
        assert!(inspect(&File::open("/proc/self/ns/mnt").unwrap()).is_err());
    }
}
