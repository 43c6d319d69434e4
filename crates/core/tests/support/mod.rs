//! What several tests do.
#![allow(clippy::unwrap_used, reason = "a test ends when its data is wrong")]

use nospace_core::explain::{Classifier, Explanation, Scanner, Summary};
use nospace_core::report::Report;
use nospace_core::signatures::Table;

/// What explain says of this log, beside `report`.
pub fn explain(log: &str, report: Option<&Report>) -> Explanation {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    let mut summary = Summary::default();
    let mut scanner = Scanner::new(&classifier);
    let mut hits = Vec::new();
    scanner.push(log.as_bytes(), &mut |h| hits.push(h));
    scanner.finish(&mut |h| hits.push(h));
    for hit in &hits {
        summary.add("x.log", hit, classifier.table());
    }
    let mut explanation = Explanation {
        causes: summary.causes(),
        ..Explanation::default()
    };
    explanation.ask(report);
    explanation
}
