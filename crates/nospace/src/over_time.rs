//! What only many samples of a node show: leaks, and budgets that run out soon.

use std::ops::ControlFlow;

use nospace_core::attribute::View;
use nospace_core::diff::Holdings;
use nospace_core::growth::{self, History};
use nospace_core::leaks::{self, Tracker};
use nospace_core::model::Provenance;
use nospace_core::report::Finding;

use crate::collect::collect;
use crate::host::replay::Replay;

/// Samples that are read: more show no more, and take longer.
const SAMPLES: usize = 60;

/// Findings at sample `number` of a timeline, from it and those before; none for an archive of one moment.
///
/// # Errors
///
/// When the archive cannot be read.
pub fn findings(replay: &Replay, number: usize) -> anyhow::Result<Vec<Finding>> {
    if replay.interval().is_none() {
        return Ok(Vec::new());
    }
    let mut past = Past::default();
    let mut found = Vec::new();
    each_of(replay, number, SAMPLES, &mut |at, view, seconds| {
        let findings = past.add(view, seconds);
        if at == number {
            found = findings;
        }
        Ok(())
    })?;
    Ok(found)
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
    let samples = replay.samples();
    let stride = (number + 1).div_ceil(most.max(1));
    replay.play(0, &mut |at, host| {
        if (number - at).is_multiple_of(stride) {
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

/// What the samples so far have shown.
#[derive(Debug, Default)]
pub struct Past {
    tracker: Tracker,
    history: History,
}

impl Past {
    /// Adds a sample, taken at `seconds` by a clock that nobody sets, and returns the findings up to it. A sample in which inotify
    /// could not be counted says nothing about holders.
    pub fn add(&mut self, view: &View<'_>, seconds: f64) -> Vec<Finding> {
        let growth = self.history.add(view, seconds);
        let mut found = growth::findings(view, &self.history, &growth, seconds);
        let mut runs = view.snapshot.collectors.iter();
        let is_counted = runs.any(|run| {
            run.name == "inotify" && run.provenance != Provenance::Unavailable && !run.blind
        });
        if is_counted {
            let node = &view.snapshot.node.name;
            let holdings = Holdings::sum(&view.pods, &view.containers, &view.processes, node);
            found.extend(leaks::findings(&self.tracker.add(
                &holdings,
                &view.users,
                seconds,
            )));
        }
        found
    }
}
