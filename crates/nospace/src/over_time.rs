//! What only many samples of a node show: leaks, and budgets that run out soon.

use std::ops::ControlFlow;

use nospace_core::attribute::View;
use nospace_core::diff::Holdings;
use nospace_core::growth::{self, History};
use nospace_core::leaks::{self, Tracker};
use nospace_core::model::Provenance;
use nospace_core::report::{Finding, Refusals};

use crate::collect::collect;
use crate::host::replay::Replay;
use crate::host::{Host as _, ReadError};

/// Samples that are read of all: more show no more, and take longer.
const SAMPLES: usize = 60;
/// Seconds before the last sample in which a leak that began lately shows.
const LATELY: f64 = 20.0 * 60.0;
/// Samples that are read of these seconds.
const SAMPLES_LATELY: usize = 60;

/// Findings at sample `number` of a timeline, from it and those before; none for an archive of one moment.
///
/// # Errors
///
/// When the archive cannot be read.
pub fn findings(replay: &Replay, number: usize) -> anyhow::Result<Vec<Finding>> {
    if replay.interval().is_none() {
        return Ok(Vec::new());
    }
    let seconds = |at: usize| replay.samples().get(at).map_or(0.0, |s| s.seconds);
    let since = seconds(number) - LATELY;
    let late = (0..=number).filter(|&at| seconds(at) >= since).count();
    let mut past = Past::default();
    let mut found = Vec::new();
    let spread = |at: usize| is_one_of(number - at, number + 1, SAMPLES);
    let chosen = |at: usize| {
        spread(at) || (seconds(at) >= since && is_one_of(number - at, late, SAMPLES_LATELY))
    };
    each_where(replay, number, &chosen, &mut |at, view, seconds| {
        let findings = if spread(at) {
            past.add(view, seconds)
        } else {
            past.leaks(view, seconds)
        };
        if at == number {
            found = findings;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether the sample that is `before` the last one is among the `most` that are taken of `all`, evenly spread.
fn is_one_of(before: usize, all: usize, most: usize) -> bool {
    before.is_multiple_of(all.div_ceil(most.max(1)).max(1))
}

/// Calls `each` with `most` samples up to `number`, evenly spread, the last one among them, and the seconds of each.
///
/// # Errors
///
/// When the archive cannot be read, and those of `each`.
pub fn each_of(
    replay: &Replay,
    number: usize,
    most: usize,
    each: &mut dyn FnMut(usize, &View<'_>, f64) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let chosen = |at: usize| is_one_of(number - at, number + 1, most);
    each_where(replay, number, &chosen, each)
}

fn each_where(
    replay: &Replay,
    number: usize,
    chosen: &dyn Fn(usize) -> bool,
    each: &mut dyn FnMut(usize, &View<'_>, f64) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let samples = replay.samples();
    replay.play(0, &mut |at, host| {
        if chosen(at) {
            let snapshot = collect(host);
            let seconds = samples.get(at).map_or(0.0, |sample| sample.seconds);
            each(at, &nospace_core::view(&snapshot), seconds)?;
        }
        Ok(if at < number {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })
}

/// What was refused after sample `from` up to sample `to`, with the seconds of the sample that has it; the inner error says why that is not
/// known, be it of one sample only.
///
/// # Errors
///
/// When the archive cannot be read.
pub fn refusals(
    replay: &Replay,
    from: Option<usize>,
    to: usize,
) -> anyhow::Result<Result<Vec<(f64, Refusals)>, String>> {
    let mut all = Ok(Vec::new());
    let first = from.map_or(0, |from| from + 1);
    let samples = replay.samples();
    if first > to {
        return Ok(all);
    }
    replay.play(first, &mut |at, host| {
        let seconds = samples.get(at).map_or(0.0, |sample| sample.seconds);
        match (host.refusals(), &mut all) {
            (Ok(refusals), Ok(all)) if refusals != Refusals::default() => {
                all.push((seconds, refusals));
            }
            (Err(why), Ok(_)) => all = Err(not_recorded(&why)),
            _ => {}
        }
        Ok(match at < to && all.is_ok() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    })?;
    Ok(all)
}

/// Why a sample does not have what was refused before it.
#[must_use]
pub fn not_recorded(why: &ReadError) -> String {
    match why {
        ReadError::Gone => {
            "refused calls were not recorded: an older nospace made the timeline".to_owned()
        }
        why => format!("refused calls were not recorded: {why}"),
    }
}

/// What the samples so far have shown.
#[derive(Debug, Default)]
pub struct Past {
    tracker: Tracker,
    history: History,
}

impl Past {
    /// Adds a sample, taken at `seconds` by a clock that nobody sets, and returns the findings up to it.
    pub fn add(&mut self, view: &View<'_>, seconds: f64) -> Vec<Finding> {
        let growth = self.history.add(view, seconds);
        let mut found = growth::findings(view, &self.history, &growth, seconds);
        found.extend(self.leaks(view, seconds));
        found
    }

    /// Adds a sample to what is known of holders alone. One in which inotify could not be counted says nothing about them.
    fn leaks(&mut self, view: &View<'_>, seconds: f64) -> Vec<Finding> {
        let mut runs = view.snapshot.collectors.iter();
        let is_counted = runs.any(|run| {
            run.name == "inotify" && run.provenance != Provenance::Unavailable && !run.blind
        });
        if !is_counted {
            return Vec::new();
        }
        let node = &view.snapshot.node.name;
        let holdings = Holdings::sum(&view.pods, &view.containers, &view.processes, node);
        leaks::findings(&self.tracker.add(&holdings, &view.users, seconds))
    }
}
