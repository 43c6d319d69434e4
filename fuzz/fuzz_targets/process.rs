//! /proc/PID: stat, cgroup, limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::process::{cgroup, descriptor_limits, stat};

fuzz_target!(|data: &[u8]| {
    let _ = (stat(data), cgroup(data), descriptor_limits(data));
});
