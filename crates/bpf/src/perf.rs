//! perf_event_open(2) for a tracepoint: what a BPF program on it hangs on.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The first version of `struct perf_event_attr` (include/uapi/linux/perf_event.h), which is all that is needed.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    rest: [u64; 6],
}

const PERF_TYPE_TRACEPOINT: u32 = 2;
const PERF_FLAG_FD_CLOEXEC: u64 = 1 << 3;

/// An event for tracepoint `id`. A BPF program on it sees every process and CPU, whichever it was opened for.
pub fn tracepoint(id: u64) -> io::Result<OwnedFd> {
    let attributes = Attributes {
        kind: PERF_TYPE_TRACEPOINT,
        size: u32::try_from(size_of::<Attributes>()).unwrap_or_default(),
        config: id,
        ..Attributes::default()
    };
    let (every_process, cpu, no_group) = (-1, 0, -1);
    // SAFETY: the attributes are as long as they say and outlive the call; the descriptor is nobody else's.
    unsafe {
        let fd = libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            every_process,
            cpu,
            no_group,
            PERF_FLAG_FD_CLOEXEC,
        );
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        RawFd::try_from(fd)
            .map(|fd| OwnedFd::from_raw_fd(fd))
            .map_err(io::Error::other)
    }
}
