//! Figures that several views show alike.

use anstyle::Style;
use nospace_core::amount::{bytes, thousands};
use nospace_core::growth::whole;
use nospace_core::model::{InotifyResource, Provenance};

use super::look::Look;
use crate::top::budgets::Budget;
use crate::top::refusals::{LastRefusal, Reasons};
use crate::ui::{number, style, trace};

/// A refusal of the last seconds stands out.
const FRESH: f64 = 10.0;

/// In place of a figure that is not known yet.
pub const NOT_YET: &str = "-";

/// A change a minute: `+120`, `-3`, `0`; `~+120` where it was counted from /proc. Bytes are written as such.
pub fn change(per_minute: Option<f64>, unit: &str, provenance: Provenance) -> (Style, String) {
    let Some(change) = per_minute else {
        return (style::DIM, NOT_YET.to_owned());
    };
    let whole = whole(change.abs());
    let sign = match (whole, change < 0.0) {
        (0, _) => return (style::DIM, "0".to_owned()),
        (_, true) => "-",
        (_, false) => "+",
    };
    let mark = match provenance {
        Provenance::Exact => "",
        _ => number::ESTIMATED,
    };
    let look = if change > 0.0 {
        style::BOLD
    } else {
        style::PLAIN
    };
    let amount = match unit {
        "bytes" => bytes(whole),
        _ => thousands(whole),
    };
    (look, format!("{mark}{sign}{amount}"))
}

/// Columns that a refusal takes with its cause.
const WITH_CAUSE: usize = 26;

/// `4 s, inotify-instances, 12 calls` in `room` columns, without the cause where that is too much.
pub fn refusal(refused: Option<&LastRefusal>, now: f64, room: usize) -> (Style, String) {
    let Some(last) = refused else {
        return (style::PLAIN, String::new());
    };
    let age = now - last.seconds;
    let look = if age < FRESH {
        style::pressure(100)
    } else {
        style::PLAIN
    };
    let cause = (room >= WITH_CAUSE).then(|| reasons(&last.reasons));
    let calls = (last.calls > 1).then(|| number::count(last.calls, "call", "calls"));
    let said: Vec<String> = [Some(ago(age)), cause, calls]
        .into_iter()
        .flatten()
        .collect();
    (look, said.join(", "))
}

/// `inotify-watches`, `inotify-watches?` where it may have been something else, `guard (inotify-watches)`.
pub fn reasons(reasons: &Reasons) -> String {
    let mark = if reasons.is_uncertain { "?" } else { "" };
    trace::reasons(&reasons.causes, None, reasons.by_guard) + mark
}

/// `now`, `42 s`, `5 min`, `2 h`.
pub fn ago(seconds: f64) -> String {
    match whole(seconds.max(0.0)) {
        0 => "now".to_owned(),
        seconds @ 1..100 => format!("{seconds} s"),
        seconds @ 100..6000 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// Used and limit in `room` columns; the unit is written where it is bytes, otherwise the cause says it. A figure that is cut would be
/// another figure: without room for it the commas go, then the last three digits of both.
pub fn used(budget: &Budget, room: usize) -> String {
    let whole = written(budget);
    if whole.len() <= room {
        return whole;
    }
    let digits = whole.replace(',', "");
    match (digits.len() <= room, budget.limit) {
        (false, Some(limit)) if budget.key.unit != "bytes" => {
            let used = number::figure(budget.used / 1000, budget.provenance).replace(',', "");
            format!("{used}k/{}k", limit / 1000)
        }
        _ => digits,
    }
}

fn written(budget: &Budget) -> String {
    let unit = match &*budget.key.unit {
        "bytes" => "bytes",
        _ => "",
    };
    match budget.limit {
        _ if budget.provenance == Provenance::Unavailable => number::UNKNOWN.to_owned(),
        Some(limit) => {
            let amounts = number::amounts(budget.used, limit, unit, budget.provenance);
            amounts.replace(" ,", ",").trim_end().to_owned()
        }
        None => {
            let used = number::figure(budget.used, budget.provenance);
            format!("{used}/{}", number::UNKNOWN)
        }
    }
}

/// `98 %`.
pub fn percent(budget: &Budget) -> (Style, String) {
    match budget.percent() {
        Some(percent) => (style::pressure(percent), format!("{percent} %")),
        None => (style::PLAIN, number::UNKNOWN.to_owned()),
    }
}

/// What is counted: `instances`, `watches`, or the cause code.
pub fn what(budget: &Budget) -> String {
    InotifyResource::of_cause(budget.key.cause).map_or_else(
        || budget.key.cause.code().to_owned(),
        |resource| format!("inotify {}", resource.unit()),
    )
}

/// The last `width` points, between the lowest and the highest of them; a level line where they are all the same.
pub fn sparkline(points: &[u64], width: usize, look: Look) -> String {
    let shown = &points[points.len().saturating_sub(width)..];
    let (Some(&low), Some(&high)) = (shown.iter().min(), shown.iter().max()) else {
        return String::new();
    };
    let steps = look.steps();
    let top = steps.len() as u64 - 1;
    let step = |point: u64| {
        // A change of one in a hundred is seen, and one of a few units out of a million is no mountain.
        let span = (high - low).max(high / 100).max(1);
        let at = u128::from(point - low) * u128::from(top) / u128::from(span);
        steps[usize::try_from(at).unwrap_or(0).min(steps.len() - 1)]
    };
    shown.iter().map(|&point| step(point)).collect()
}

#[cfg(test)]
mod tests {
    use nospace_core::cause::Cause;
    use nospace_core::report::Subject;

    use super::*;
    use crate::top::budgets::BudgetKey;
    use crate::ui::Charset;

    #[test]
    fn a_guard_is_told_from_the_limit() {
        let said = |is_uncertain, by_guard| {
            reasons(&Reasons {
                causes: vec![Cause::InotifyWatches],
                is_uncertain,
                by_guard,
            })
        };
        assert_eq!(said(false, false), "inotify-watches");
        assert_eq!(said(true, false), "inotify-watches?");
        assert_eq!(said(false, true), "guard (inotify-watches)");
    }

    #[test]
    fn a_sparkline_shows_the_shape() {
        let look = Look {
            color: true,
            charset: Charset::Unicode,
            console: false,
        };
        let line = |points: &[u64], width| sparkline(points, width, look);
        assert_eq!(line(&[], 9), "");
        assert_eq!(line(&[5, 5, 5], 9), "▁▁▁");
        assert_eq!(line(&[0, 7, 14], 9), "▁▄█");
        assert_eq!(line(&[0, 7, 14], 2), "▁█");
        assert_eq!(line(&[1_000_000, 1_000_001], 9), "▁▁");
        let ascii = Look {
            charset: Charset::Ascii,
            ..look
        };
        assert_eq!(sparkline(&[0, 1, 2, 3, 4], 9, ascii), "_.-=#");
    }

    #[test]
    fn figures_are_shortened_and_never_cut() {
        let of = |used, limit| Budget {
            key: BudgetKey {
                cause: Cause::DiskInodes,
                subject: Subject::None,
                unit: "inodes".to_owned(),
            },
            owner: "/".to_owned(),
            used,
            limit: Some(limit),
            provenance: Provenance::Exact,
            points: Vec::new(),
            per_minute: None,
            full_in: None,
        };
        let shown = |used, limit| super::used(&of(used, limit), 17);
        assert_eq!(shown(58, 128), "58/128");
        assert_eq!(shown(120_000, 6_553_600), "120,000/6,553,600");
        assert_eq!(shown(1_200_000, 6_553_600), "1200000/6553600");
        assert_eq!(shown(123_456_789, 234_567_890), "123456k/234567k");
    }

    #[test]
    fn changes_have_a_sign_and_a_mark() {
        let text = |rate, provenance| change(rate, "watches", provenance).1;
        assert_eq!(text(None, Provenance::Exact), "-");
        assert_eq!(text(Some(1200.4), Provenance::Exact), "+1,200");
        assert_eq!(text(Some(-3.0), Provenance::Estimated), "~-3");
        assert_eq!(text(Some(0.2), Provenance::Estimated), "0");
        let of_bytes = change(Some(-3e6), "bytes", Provenance::Exact).1;
        assert_eq!(of_bytes, "-2.8 MiB");
    }
}
