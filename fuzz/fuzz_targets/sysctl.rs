//! sysctl.d files: an explicit winner is one of the assignments.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::sysctl::{assignments, winner};

fuzz_target!(|data: &[u8]| {
    let files = [("f".to_owned(), assignments(data))];
    let _ = winner(&files, "fs.inotify.max_user_watches");
});
