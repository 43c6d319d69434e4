//! /proc/PID/mountinfo.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = nospace_core::parse::mountinfo::mounts(data);
});
