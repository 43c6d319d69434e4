//! sysctl.d files: a winner is one of the lines that set the key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::sysctl::{Boot, Reader, assignments};

fuzz_target!(|data: &[u8]| {
    for reader in [Reader::Systemd, Reader::Procps] {
        let files = vec![("f".to_owned(), assignments(data, reader))];
        let boot = Boot { reader, files };
        let key = "fs.inotify.max_user_watches";
        let won = boot.winner(key, |_| true);
        assert!(won.is_none_or(|won| boot.setters(key).contains(&won)));
    }
});
