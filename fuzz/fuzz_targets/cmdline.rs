//! Command lines: what is kept serves the same container as the whole.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::cmdline::{redact, serves};

fuzz_target!(|data: &[u8]| {
    assert_eq!(serves(&redact(data)), serves(data));
});
