use std::borrow::Cow;

use jiff::Timestamp;
use nospace_core::cause::Cause;
use nospace_core::history::{Query, Recent};

use super::clock::Clock;
use crate::duration;
use crate::host::when::When;

/// Bytes of a value that an error repeats.
const SHOWN: usize = 100;

/// The query of a request: `since`, `step`, `budget`.
///
/// # Errors
///
/// In words, what is wrong and what to ask for.
pub fn parse(text: &str, recent: &Recent, clock: &Clock) -> Result<Query, String> {
    let mut query = Query::default();
    let newest = recent
        .newest()
        .map_or(clock.wall, |at| clock.time_of_day(at));
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        match name.as_ref() {
            "since" if query.since.is_none() => query.since = Some(since(&value, newest, clock)?),
            "step" if query.step.is_none() => query.step = Some(step(&value, recent)?),
            "since" | "step" => return Err(format!("{name}: given twice")),
            "budget" => query.budgets.push(budget(&value, recent)?),
            other => {
                return Err(format!(
                    "{:?}: unknown parameter; known are since, step and budget",
                    shown(other)
                ));
            }
        }
    }
    Ok(query)
}

fn since(value: &str, newest: Timestamp, clock: &Clock) -> Result<i64, String> {
    let wrong = |why: &str| format!("since: {:?}: {why}", shown(value));
    let expected = "expected a time such as 2026-01-31T14:05:00Z or 14:05 (UTC), or 30m for the last half hour";
    // `30m` and `-30m` are the same.
    let typed: Cow<'_, str> = match duration::parse(value) {
        Ok(_) => format!("-{value}").into(),
        Err(_) => value.into(),
    };
    let when: When = typed.parse().map_err(|_| wrong(expected))?;
    let moment = when.before(newest).ok_or_else(|| wrong(expected))?;
    if moment > newest {
        return Err(wrong(&format!(
            "that is after the newest collection, at {newest}"
        )));
    }
    Ok(clock.at(moment))
}

fn step(value: &str, recent: &Recent) -> Result<i64, String> {
    let wrong = |why: String| format!("step: {:?}: {why}", shown(value));
    let step = duration::parse(value)
        .ok()
        .and_then(|step| i64::try_from(step.as_millis()).ok())
        .ok_or_else(|| wrong("expected a time such as 5m".to_owned()))?;
    let finest = recent.step();
    if step < finest {
        #[expect(clippy::cast_precision_loss, reason = "minutes at most")]
        let seconds = finest as f64 / 1e3;
        return Err(wrong(format!(
            "the history has one point every {seconds} s; ask for {seconds}s or more"
        )));
    }
    if step > recent.keep() {
        return Err(wrong("that is longer than the history".to_owned()));
    }
    Ok(step)
}

fn budget(value: &str, recent: &Recent) -> Result<String, String> {
    let is_known =
        Cause::from_code(value).is_some() || recent.budget_names().any(|name| name == value);
    if is_known {
        return Ok(value.to_owned());
    }
    Err(format!(
        "budget: {:?}: expected a cause code such as inotify-watches, or the name of a budget as the history \
         has it, such as \"inotify watches of uid 0\"",
        shown(value)
    ))
}

fn shown(value: &str) -> &str {
    value
        .get(..SHOWN)
        .unwrap_or(value.split_at(value.floor_char_boundary(SHOWN)).0)
}

#[cfg(test)]
mod tests {
    use nospace_core::history::Sample;
    use nospace_core::model::Snapshot;

    use super::*;

    const NOW: Clock = Clock {
        at: 10_000_000,
        wall: Timestamp::constant(1_800_000_000, 0),
    };

    fn recent() -> Recent {
        let mut recent = Recent::new(6 * 3_600_000);
        let report = nospace_core::conclude(&Snapshot::default());
        recent.add(Sample::of(&report, NOW.at, 15_000, None));
        recent
    }

    #[test]
    fn times_steps_and_budgets() {
        let parse = |text| parse(text, &recent(), &NOW).unwrap();
        assert_eq!(parse(""), Query::default());
        let query = parse("since=1h&step=5m&budget=inotify-watches&budget=keys");
        assert_eq!(query.since, Some(NOW.at - 3_600_000));
        assert_eq!(query.step, Some(300_000));
        assert_eq!(query.budgets, ["inotify-watches", "keys"]);
        assert_eq!(parse("since=-1h").since, Some(NOW.at - 3_600_000));
        assert_eq!(
            parse("since=2027-01-15T07%3A59%3A00Z").since,
            Some(NOW.at - 60_000)
        );
        assert_eq!(parse("since=07:59").since, Some(NOW.at - 60_000));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("since=soon", "since: \"soon\": expected a time such as"),
            (
                "since=2030-01-01T00:00:00Z",
                "after the newest collection, at 2027",
            ),
            ("since=1h&since=2h", "since: given twice"),
            ("step=1s", "one point every 60 s; ask for 60s or more"),
            ("step=1d", "step: \"1d\": "),
            ("step=0", "step: \"0\": expected a time"),
            (
                "budget=wathces",
                "budget: \"wathces\": expected a cause code",
            ),
            (
                "bugdet=keys",
                "\"bugdet\": unknown parameter; known are since, step and budget",
            ),
        ] {
            let error = parse(text, &recent(), &NOW).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        let long = format!("budget={}", "ä".repeat(4000));
        assert!(parse(&long, &recent(), &NOW).unwrap_err().len() < 500);
    }
}
