//! Files below a cgroup mount.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::cgroupfs::{flat_keyed, limit, subsystems};

fuzz_target!(|data: &[u8]| {
    let _ = (
        subsystems(data),
        flat_keyed("cgroup.stat", data),
        limit("pids.max", data),
    );
});
