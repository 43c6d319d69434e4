//! An unpacked archive, from its bytes to what a person reads: any gives a report or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace::collect::collect;
use nospace::host::archive::parse;
use nospace::host::recorded::Recorded;
use nospace::ui::{Charset, human};

fuzz_target!(|data: &[u8]| {
    if let Ok(contents) = parse(data) {
        let report = nospace_core::conclude(&collect(&Recorded::of(contents)));
        let _ = human::sentence(&report, Charset::Unicode);
        let json = serde_json::to_vec(&report).unwrap();
        let again: nospace_core::report::Report = serde_json::from_slice(&json).unwrap();
        assert_eq!(serde_json::to_vec(&again).unwrap(), json);
    }
});
