//! Watches counted in two pieces are those of the whole.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::fdinfo::{LineCounter, watches};

fuzz_target!(|data: &[u8]| {
    let cut = data
        .first()
        .map_or(0, |first| usize::from(*first))
        .min(data.len());
    let mut counter = LineCounter::inotify();
    counter.piece(&data[..cut]);
    counter.piece(&data[cut..]);
    assert_eq!(counter.count() as usize, watches(data));
});
