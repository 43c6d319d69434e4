use std::os::fd::{AsFd, AsRawFd as _};

use rustix::io::Errno;

use super::last_error;

/// The beginning of a file in memory. Two of the same file never become one for the kernel, since the second does not go on
/// where the first ends.
#[derive(Debug)]
pub struct Mapping(*mut libc::c_void);

impl Mapping {
    /// Bytes that are mapped, if the file has as many: a page, or a part of one.
    pub const LENGTH: usize = 4096;

    /// One more.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where vm.max_map_count leaves none.
    pub fn new(file: impl AsFd) -> Result<Self, Errno> {
        let (rights, flags) = (libc::PROT_READ, libc::MAP_SHARED);
        let fd = file.as_fd().as_raw_fd();
        // SAFETY: the kernel chooses a place that nothing else uses.
        let place = unsafe { libc::mmap(std::ptr::null_mut(), Self::LENGTH, rights, flags, fd, 0) };
        match place {
            libc::MAP_FAILED => Err(last_error()),
            place => Ok(Self(place)),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nobody has been given a reference to it.
        unsafe { libc::munmap(self.0, Self::LENGTH) };
    }
}
