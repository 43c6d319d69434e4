//! /proc/key-users.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = nospace_core::parse::keys::key_user(data);
});
