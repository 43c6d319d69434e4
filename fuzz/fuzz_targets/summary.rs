//! What an agent answers to `nospace cluster`: whatever a node says, reading it ends, and what was read can be read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::fleet::Summary;

fuzz_target!(|data: &[u8]| {
    if let Ok(summary) = Summary::read(data) {
        let text = summary.json();
        let again = Summary::read(text.as_bytes()).unwrap();
        assert_eq!(again.json(), text);
    }
});
