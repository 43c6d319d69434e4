use rustix::io::Errno;

use super::answer;

/// A context of asynchronous I/O (io_setup(2)), which reserves requests of fs.aio-max-nr.
#[derive(Debug)]
pub struct AioContext {
    id: libc::c_ulong,
    requests: u32,
}

impl AioContext {
    /// One for `requests` at once.
    ///
    /// # Errors
    ///
    /// `EAGAIN` where fs.aio-max-nr leaves less.
    pub fn new(requests: u32) -> Result<Self, Errno> {
        let mut id: libc::c_ulong = 0;
        // SAFETY: the kernel writes one number to where the second argument points.
        answer(unsafe { libc::syscall(libc::SYS_io_setup, requests, &raw mut id) })?;
        Ok(Self { id, requests })
    }

    /// How many it reserves.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.requests
    }
}

impl Drop for AioContext {
    fn drop(&mut self) {
        // SAFETY: it is the context that was made above, and nobody has used it.
        unsafe { libc::syscall(libc::SYS_io_destroy, self.id) };
    }
}
