//! Amounts of what `exhaust` uses up.

use nospace_core::amount::{bytes, thousands};

use crate::exhaust::Unit;
use crate::ui::number;

/// `1 watch`, `192,036 watches`, `64 MiB`.
#[must_use]
pub fn amount(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => bytes(value),
        Unit::Things(one, many) => number::count(value, one, many),
    }
}

/// The same without what is counted.
pub fn figure(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => bytes(value),
        Unit::Things(..) => thousands(value),
    }
}
