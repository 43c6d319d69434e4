//! Numbers as people read them, marked with their provenance.

use nospace_core::amount::{bytes, thousands};
use nospace_core::model::Provenance;
use nospace_core::report::Budget;

/// Before an estimate.
pub const ESTIMATED: &str = "~";
/// In place of an unknown number.
pub const UNKNOWN: &str = "?";

/// `1 watch`, `22,444 watches`.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// `1 watch`, `~22,444 watches`, `? watches`.
#[must_use]
pub fn quantity(n: u64, provenance: Provenance, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        figure(n, provenance),
        if n == 1 { one } else { many }
    )
}

/// `22,444`, `~22,444` or `?`.
#[must_use]
pub fn figure(value: u64, provenance: Provenance) -> String {
    with_provenance(thousands(value), provenance)
}

/// `126/128`, `~126/128`, `126/?` or `?`.
#[must_use]
pub fn of_limit(budget: &Budget) -> String {
    if budget.provenance == Provenance::Unavailable {
        return UNKNOWN.to_owned();
    }
    let limit = budget.limit.map_or(UNKNOWN.to_owned(), thousands);
    format!("{}/{limit}", figure(budget.used, budget.provenance))
}

/// Used percent of a budget of which both sides are known.
#[must_use]
pub fn percent(budget: &Budget) -> Option<u64> {
    (budget.provenance != Provenance::Unavailable)
        .then(|| budget.percent())
        .flatten()
}

/// Limits from here on are written to say that there is none: kernel.shmall is 2^64 - 2^24 by default.
const NO_LIMIT: u64 = 1 << 62;

/// `22,444`, `~480 KiB` or `?`.
#[must_use]
pub fn amount(value: u64, unit: &str, provenance: Provenance) -> String {
    match unit {
        "bytes" => with_provenance(bytes(value), provenance),
        _ => figure(value, provenance),
    }
}

/// `22,444`, `480 KiB` or `unlimited`.
#[must_use]
pub fn limit(limit: u64, unit: &str) -> String {
    match limit {
        NO_LIMIT.. => "unlimited".to_owned(),
        _ => amount(limit, unit, Provenance::Exact),
    }
}

/// `used` of `limit` in `unit`, bytes in powers of 1,024.
#[must_use]
pub fn amounts(used: u64, limit: u64, unit: &str, provenance: Provenance) -> String {
    let used = amount(used, unit, provenance);
    let most = self::limit(limit, unit);
    match (unit, limit) {
        ("bytes", NO_LIMIT..) => format!("{used}, {most}"),
        ("bytes", _) => format!("{used}/{most}"),
        (_, NO_LIMIT..) => format!("{used} {unit}, {most}"),
        _ => format!("{used}/{most} {unit}"),
    }
}

fn with_provenance(value: String, provenance: Provenance) -> String {
    match provenance {
        Provenance::Exact => value,
        Provenance::Estimated => format!("{ESTIMATED}{value}"),
        Provenance::Unavailable => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units() {
        let exact = |used, limit, unit| amounts(used, limit, unit, Provenance::Exact);
        assert_eq!(exact(3, 4096, "segments"), "3/4,096 segments");
        assert_eq!(exact(1 << 30, 91 << 30, "bytes"), "1 GiB/91 GiB");
        assert_eq!(
            exact(0, u64::MAX - (1 << 24), "pages"),
            "0 pages, unlimited"
        );
        assert_eq!(amounts(7, 9, "files", Provenance::Unavailable), "?/9 files");
    }

    #[test]
    fn provenance_is_shown() {
        let budget = |provenance, limit| Budget {
            used: 126,
            limit,
            provenance,
        };
        assert_eq!(of_limit(&budget(Provenance::Exact, Some(128))), "126/128");
        assert_eq!(
            of_limit(&budget(Provenance::Estimated, Some(128))),
            "~126/128"
        );
        assert_eq!(of_limit(&budget(Provenance::Exact, None)), "126/?");
        assert_eq!(of_limit(&budget(Provenance::Unavailable, Some(128))), "?");
        assert_eq!(percent(&budget(Provenance::Unavailable, Some(128))), None);
    }
}
