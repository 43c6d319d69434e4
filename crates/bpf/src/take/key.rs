use std::ffi::CString;

use rustix::io::Errno;

use super::answer;

const KEYCTL_INVALIDATE: i32 = 21;
const PROCESS_KEYRING: i32 = -2;

/// A key in this process's keyring, charged to the effective user that made it. It goes with the process.
#[derive(Debug)]
pub struct Key(i64);

impl Key {
    /// One that is called `nospace-NUMBER` in /proc/keys, with this payload.
    ///
    /// # Errors
    ///
    /// `EDQUOT` where kernel.keys.maxkeys leaves none, or kernel.keys.maxbytes not as much.
    pub fn new(number: u64, payload: &[u8]) -> Result<Self, Errno> {
        let description = CString::new(format!("nospace-{number}")).map_err(|_| Errno::INVAL)?;
        // SAFETY: the strings end with a NUL, the payload has the length that is said; all outlive the call.
        answer(unsafe {
            libc::syscall(
                libc::SYS_add_key,
                c"user".as_ptr(),
                description.as_ptr(),
                payload.as_ptr(),
                payload.len(),
                PROCESS_KEYRING,
            )
        })
        .map(Self)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: all arguments are numbers.
        unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_INVALIDATE, self.0, 0, 0, 0) };
    }
}
