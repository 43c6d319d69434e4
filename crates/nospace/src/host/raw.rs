//! Plain reads of files and directories, without an allocation for each.

use std::ffi::CStr;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

/// Room for directory entries: one call for most directories.
const DIRECTORY_BUFFER: usize = 32 * 1024;
/// Room for one piece of a file.
pub const PIECE: usize = 64 * 1024;

/// `PID/what` or `PID/what/FD`, built without allocating: there may be a hundred thousand of them.
pub struct ProcPath {
    bytes: [u8; 48],
    length: usize,
}

impl ProcPath {
    pub fn new(pid: u32, rest: std::fmt::Arguments<'_>) -> Self {
        let mut bytes = [0; 48];
        let mut room = &mut bytes[..47];
        // 10 digits, a slash, "fdinfo", a slash, 10 digits: 28 bytes at most.
        let _fits = write!(room, "{pid}{rest}");
        let length = 47 - room.len();
        Self { bytes, length }
    }

    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_with_nul(&self.bytes[..=self.length]).unwrap_or(c"")
    }
}

/// `false` when there is more than `bound` bytes.
pub fn read_whole(fd: &OwnedFd, bound: usize, buffer: &mut Vec<u8>) -> Result<bool, Errno> {
    buffer.clear();
    loop {
        if buffer.len() >= bound {
            let mut more = [0_u8; 1];
            return Ok(retry(|| rustix::io::read(fd, &mut more))? == 0);
        }
        let start = buffer.len();
        let want = (bound - start).min(PIECE.min(4096.max(start)));
        buffer.resize(start + want, 0);
        let read = retry(|| rustix::io::read(fd, &mut buffer[start..]));
        buffer.truncate(start + read.unwrap_or(0));
        if read? == 0 {
            return Ok(true);
        }
    }
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

pub fn each_entry(fd: &OwnedFd, mut each: impl FnMut(&CStr, FileType)) -> Result<(), Errno> {
    let mut room = [const { MaybeUninit::uninit() }; DIRECTORY_BUFFER];
    let mut directory = RawDir::new(fd, &mut room);
    while let Some(entry) = directory.next() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            each(entry.file_name(), entry.file_type());
        }
    }
    Ok(())
}

/// A number as procfs names its entries: digits only.
pub fn number(name: &CStr) -> Option<u32> {
    let bytes = name.to_bytes();
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u32, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

pub fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
