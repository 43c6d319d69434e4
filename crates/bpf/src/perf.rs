//! perf_event_open(2) for a tracepoint, to attach a BPF program to.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The first version of `struct perf_event_attr` (include/uapi/linux/perf_event.h), which suffices for tracepoints.
#[repr(C)]
#[derive(Default)]
struct PerfEventAttr {
    kind: u32,
    size: u32,
    config: u64,
    rest: [u64; 6],
}

const PERF_TYPE_TRACEPOINT: u32 = 2;
const PERF_FLAG_FD_CLOEXEC: u64 = 1 << 3;

/// Opens an event for the tracepoint `id`. A BPF program attached to it runs for every process and CPU, whichever the event
/// was opened for.
pub fn tracepoint(id: u64) -> io::Result<OwnedFd> {
    let attr = PerfEventAttr {
        kind: PERF_TYPE_TRACEPOINT,
        size: u32::try_from(size_of::<PerfEventAttr>()).unwrap_or_default(),
        config: id,
        ..PerfEventAttr::default()
    };
    let (every_process, cpu, no_group) = (-1, 0, -1);
    // SAFETY: `attr` has the size that it states and outlives the call; nobody else owns the new descriptor.
    unsafe {
        let fd = libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attr,
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
