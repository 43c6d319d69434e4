use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::io::Errno;

use super::{answer, last_error};

const FAN_CLOEXEC: u32 = 1;
/// Without it fanotify is for root of the initial user namespace.
const FAN_REPORT_FID: u32 = 0x200;
const FAN_MARK_ADD: u32 = 1;
const FAN_MARK_REMOVE: u32 = 2;
const FAN_MODIFY: u64 = 2;

/// A fanotify group, with its marks.
#[derive(Debug)]
pub struct Group(OwnedFd);

impl Group {
    /// One without marks.
    ///
    /// # Errors
    ///
    /// `EMFILE` where user.max_fanotify_groups leaves none, or this process can open no file.
    pub fn new() -> Result<Self, Errno> {
        let flags = FAN_CLOEXEC | FAN_REPORT_FID;
        // SAFETY: both arguments are numbers.
        let fd = answer(unsafe { libc::syscall(libc::SYS_fanotify_init, flags, 0) })?;
        let fd = i32::try_from(fd).map_err(|_| Errno::BADF)?;
        // SAFETY: the kernel has just made it, for this caller alone.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Marks the inode that `of` refers to.
    ///
    /// # Errors
    ///
    /// `ENOSPC` where user.max_fanotify_marks leaves none.
    pub fn mark(&self, of: BorrowedFd<'_>) -> Result<(), Errno> {
        self.change(FAN_MARK_ADD, of)
    }

    /// Removes that mark.
    ///
    /// # Errors
    ///
    /// `ENOENT` where there is none.
    pub fn unmark(&self, of: BorrowedFd<'_>) -> Result<(), Errno> {
        self.change(FAN_MARK_REMOVE, of)
    }

    fn change(&self, how: u32, of: BorrowedFd<'_>) -> Result<(), Errno> {
        let (group, of) = (self.0.as_raw_fd(), of.as_raw_fd());
        let itself = std::ptr::null();
        // SAFETY: without a path the kernel takes the inode of the descriptor.
        match unsafe { libc::fanotify_mark(group, how, FAN_MODIFY, of, itself) } {
            0 => Ok(()),
            _ => Err(last_error()),
        }
    }
}

impl AsFd for Group {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
