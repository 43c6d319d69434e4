//! Runs of programs that the kernel skipped.

use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::libbpf_sys::{
    bpf_link_get_info_by_fd, bpf_link_info, bpf_prog_get_info_by_fd, bpf_prog_info,
};

/// Runs skipped because the program was already running on that CPU; `None` on kernels that do not count them (before 5.12).
pub fn recursion_misses(program: impl AsFd) -> Option<u64> {
    // SAFETY: it has only integers, for which all zeroes are valid.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    let mut length = u32::try_from(size_of::<bpf_prog_info>()).ok()?;
    let program = program.as_fd().as_raw_fd();
    // SAFETY: both pointers are valid for the length that the kernel gets, and outlive the call. The zeroes request no
    // arrays.
    let result = unsafe { bpf_prog_get_info_by_fd(program, &raw mut info, &raw mut length) };
    let end = offset_of!(bpf_prog_info, recursion_misses) + size_of::<u64>();
    // The kernel sets the length to what it has filled in.
    (result == 0 && length as usize >= end).then_some(info.recursion_misses)
}

/// Marks a count that the kernel did not set.
const NOT_SET: u64 = u64::MAX;

/// Runs of a kprobe.multi link skipped because too many calls were in progress at once; `None` on kernels that do not count
/// them.
pub fn kprobe_multi_misses(link: impl AsFd) -> Option<u64> {
    // SAFETY: it has only integers and pointers, for which all zeroes are valid.
    let mut info: bpf_link_info = unsafe { std::mem::zeroed() };
    let mut length = u32::try_from(size_of::<bpf_link_info>()).ok()?;
    info.__bindgen_anon_1.kprobe_multi.missed = NOT_SET;
    // SAFETY: both pointers are valid for the length that the kernel gets, and outlive the call. The zeroes request no
    // arrays.
    let result = unsafe {
        bpf_link_get_info_by_fd(link.as_fd().as_raw_fd(), &raw mut info, &raw mut length)
    };
    // SAFETY: an integer, valid whatever the kernel wrote.
    let missed = unsafe { info.__bindgen_anon_1.kprobe_multi.missed };
    (result == 0 && missed != NOT_SET).then_some(missed)
}
