//! Loop devices: loop(4).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::succeeded;

/// Answers with the number of a free device, and makes one where there is none (include/uapi/linux/loop.h).
const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4c82;
const LOOP_CONFIGURE: libc::c_ulong = 0x4c0a;
const LO_FLAGS_AUTOCLEAR: u32 = 4;
const CONTROL: &str = "/dev/loop-control";
/// Another process may configure the free device first.
const TRIES: u32 = 16;

/// `struct loop_info64`.
#[repr(C)]
struct Info {
    numbers: [u64; 5],
    number: u32,
    encryption: u32,
    key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    cipher: [u8; 64],
    key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config`.
#[repr(C)]
struct Config {
    fd: u32,
    block_size: u32,
    info: Info,
    reserved: [u64; 8],
}

// As the kernel has them.
const _: () = assert!(size_of::<Info>() == 232 && size_of::<Config>() == 304);

/// A block device whose data is a file. The kernel detaches it when it is neither open nor mounted any more, however that comes about.
#[derive(Debug)]
pub struct LoopDevice {
    path: PathBuf,
    _open: File,
}

impl LoopDevice {
    /// A free device, or a new one, with the data of `file`. Devices in use are left alone.
    ///
    /// # Errors
    ///
    /// What could not be opened: without root, without the module loop or where /dev has no loop devices; `EINVAL` before Linux 5.8.
    pub fn new(file: impl AsFd) -> io::Result<Self> {
        let named = |path: &Path, error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        };
        let control = Path::new(CONTROL);
        let control = open(control).map_err(|error| named(control, error))?;
        let mut busy = Errno::BUSY.into();
        for _ in 0..TRIES {
            // SAFETY: LOOP_CTL_GET_FREE takes no argument.
            let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
            if number < 0 {
                return Err(io::Error::last_os_error());
            }
            let path = PathBuf::from(format!("/dev/loop{number}"));
            let device = open(&path).map_err(|error| named(&path, error))?;
            match configure(&device, &file) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        _open: device,
                    });
                }
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => busy = error,
                Err(error) => return Err(named(&path, error)),
            }
        }
        Err(busy)
    }

    /// Its path in /dev.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// In one call, so that no device stays behind where nospace is killed between two.
fn configure(device: &File, file: &impl AsFd) -> io::Result<()> {
    let fd = u32::try_from(file.as_fd().as_raw_fd()).map_err(|_| Errno::BADF)?;
    let config = Config {
        fd,
        block_size: 0,
        info: Info {
            numbers: [0; 5],
            number: 0,
            encryption: 0,
            key_size: 0,
            flags: LO_FLAGS_AUTOCLEAR,
            file_name: [0; 64],
            cipher: [0; 64],
            key: [0; 32],
            init: [0; 2],
        },
        reserved: [0; 8],
    };
    // SAFETY: LOOP_CONFIGURE reads one `struct loop_config`, which `config` is.
    succeeded(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) })
}
