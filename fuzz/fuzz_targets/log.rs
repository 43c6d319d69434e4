//! Logs: any bytes, cut anywhere, say the same, and every line is counted once.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nospace_core::explain::{Classifier, Hit, Scanner};
use nospace_core::signatures::Table;

static CLASSIFIER: LazyLock<Classifier> =
    LazyLock::new(|| Classifier::new(Table::builtin().unwrap()).unwrap());

fn scan(log: &[u8], piece: usize) -> (Vec<Hit>, u64) {
    let mut hits = Vec::new();
    let mut scanner = Scanner::new(&CLASSIFIER);
    for bytes in log.chunks(piece) {
        scanner.push(bytes, &mut |hit| hits.push(hit));
    }
    scanner.finish(&mut |hit| hits.push(hit));
    (hits, scanner.stats().lines)
}

fuzz_target!(|data: &[u8]| {
    let Some((piece, log)) = data.split_first() else {
        return;
    };
    let (whole, lines) = scan(log, usize::MAX);
    assert_eq!((&whole, lines), (&scan(log, usize::from(*piece).max(1)).0, lines));
    let newlines = log.iter().filter(|b| **b == b'\n').count() as u64;
    let open = !log.is_empty() && !log.ends_with(b"\n");
    assert_eq!(lines, newlines + u64::from(open));
    for hit in whole {
        assert!(hit.number >= 1 && hit.number + hit.lines - 1 <= lines);
        assert!(hit.message.get(hit.telling.clone()).is_some());
    }
});
