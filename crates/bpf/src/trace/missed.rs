//! Runs of a program that the kernel left out.

use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::libbpf_sys::{
    bpf_link_get_info_by_fd, bpf_link_info, bpf_prog_get_info_by_fd, bpf_prog_info,
};

/// Because it was already at work on that CPU (counted since 5.12).
pub fn by_program(program: impl AsFd) -> u64 {
    // SAFETY: it is numbers; all zeroes are some.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    let Ok(mut length) = u32::try_from(size_of::<bpf_prog_info>()) else {
        return 0;
    };
    let program = program.as_fd().as_raw_fd();
    // SAFETY: both pointers lead to what is as long as the kernel is told, and outlive the call. The zeroes say that no
    // lists are wanted. What it does not know it leaves at zero.
    unsafe { bpf_prog_get_info_by_fd(program, &raw mut info, &raw mut length) };
    info.recursion_misses
}

/// What no kernel has counted up to.
const UNTOUCHED: u64 = u64::MAX;

/// Because more calls were under way at once than the kernel had room for; `None` where it does not count them.
pub fn by_link(link: impl AsFd) -> Option<u64> {
    // SAFETY: it is numbers and pointers; all zeroes are some.
    let mut info: bpf_link_info = unsafe { std::mem::zeroed() };
    let mut length = u32::try_from(size_of::<bpf_link_info>()).ok()?;
    info.__bindgen_anon_1.kprobe_multi.missed = UNTOUCHED;
    // SAFETY: both pointers lead to what is as long as the kernel is told, and outlive the call. The zeroes say that no
    // lists are wanted.
    let result = unsafe {
        bpf_link_get_info_by_fd(link.as_fd().as_raw_fd(), &raw mut info, &raw mut length)
    };
    // SAFETY: a number, whatever is there.
    let missed = unsafe { info.__bindgen_anon_1.kprobe_multi.missed };
    (result == 0 && missed != UNTOUCHED).then_some(missed)
}
