//! A sample of the node, as `top` shows it.

use std::collections::BTreeSet;

use nospace_core::attribute::View;
use nospace_core::growth::Growth;
use nospace_core::report::Report;

/// One sample of the node, as `top` shows it. It never changes.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The report, as `check` would give it.
    pub report: Report,
    /// How fast budgets grow; empty until there were enough samples.
    pub growth: Vec<Growth>,
    /// Instances, each once, with the processes that hold it.
    pub instances: Vec<HeldInstance>,
    /// When it was taken, in seconds of a clock that only goes forward.
    pub seconds: f64,
}

/// An instance and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldInstance {
    /// pids, each once.
    pub pids: BTreeSet<u32>,
    /// Watches in it.
    pub watches: u64,
}

/// The instances of a view.
#[must_use]
pub fn held(view: &View<'_>) -> Vec<HeldInstance> {
    let inotify = view.snapshot.inotify.iter();
    inotify
        .flat_map(|inotify| &inotify.instances)
        .map(|instance| HeldInstance {
            pids: instance.holders.iter().map(|one| one.pid).collect(),
            watches: instance.watches.into(),
        })
        .collect()
}
