//! Opening files by handle: open_by_handle_at(2).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `MAX_HANDLE_SZ` of include/linux/exportfs.h.
const MAX: usize = 128;

/// `struct file_handle` of include/linux/fs.h, with room for the longest one.
#[repr(C)]
struct FileHandle {
    length: u32,
    kind: i32,
    bytes: [u8; MAX],
}

/// Opens the file with this handle, for its name and attributes only (`O_PATH`). `mount` is any open file of the
/// same mount that was not opened with `O_PATH`.
///
/// # Errors
///
/// `ESTALE` if the file no longer exists or the file system does not support it, `EPERM` without CAP_DAC_READ_SEARCH,
/// `InvalidInput` for more than 128 bytes.
pub fn open(mount: BorrowedFd<'_>, kind: i32, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut handle = FileHandle {
        length: 0,
        kind,
        bytes: [0; MAX],
    };
    let room = handle.bytes.get_mut(..bytes.len());
    room.ok_or(io::ErrorKind::InvalidInput)?
        .copy_from_slice(bytes);
    handle.length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel reads a file_handle and as many bytes after it as its length says, all of them in `handle`.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            mount.as_raw_fd(),
            &raw const handle,
            libc::O_PATH | libc::O_CLOEXEC,
        )
    };
    match i32::try_from(fd) {
        // SAFETY: the kernel has just created this descriptor, and nobody else owns it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn an_overlong_handle_is_refused_here() {
        let root = File::open("/").unwrap();
        let error = open(root.as_fd(), 1, &[0; MAX + 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_handle_of_nothing_is_stale_or_not_allowed() {
        let root = File::open("/").unwrap();
        let error = open(root.as_fd(), 1, &[0xff; 8]).unwrap_err();
        let code = error.raw_os_error().unwrap();
        assert!(
            [libc::ESTALE, libc::EPERM, libc::EOPNOTSUPP].contains(&code),
            "{error}"
        );
    }
}
