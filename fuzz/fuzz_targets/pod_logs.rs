//! Names below /var/log/pods and /var/log/containers.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(name) = std::str::from_utf8(data) {
        let _ = (
            nospace_core::parse::pod_logs::pod_log(name),
            nospace_core::parse::pod_logs::container_log(name),
        );
    }
});
