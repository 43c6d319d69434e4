//! The normal form of a line: its bytes stand for bytes of the line, in their order, and it is its own normal form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::inference::{Surroundings, infer};
use nospace_core::normalise::NormalForm;

fuzz_target!(|line: &[u8]| {
    let normal = NormalForm::of(line);
    let length = normal.text().len();
    let mut last = 0;
    for at in 0..length {
        let range = normal.original(at..at + 1);
        assert!(last <= range.start && range.start < range.end && range.end <= line.len());
        last = range.start;
    }
    for mention in normal.mentions() {
        assert!(mention.span.start < mention.span.end && mention.span.end <= length);
    }
    assert_eq!(NormalForm::of(normal.text()).text(), normal.text());
    let _ = infer(&normal, Surroundings::default());
});
