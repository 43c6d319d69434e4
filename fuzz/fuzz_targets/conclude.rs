//! Any snapshot that can be written down gives a report.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(snapshot) = serde_json::from_slice(data) {
        let _ = nospace_core::conclude(&snapshot);
    }
});
