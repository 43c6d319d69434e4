//! Paths of cgroups.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(path) = std::str::from_utf8(data) {
        let _ = nospace_core::parse::cgroup_path::identify(path);
    }
});
