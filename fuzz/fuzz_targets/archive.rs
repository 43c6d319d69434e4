//! An unpacked archive: any bytes give its contents or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = nospace::host::archive::parse(data);
});
