//! What happened on a node, for people who were not there: `nospace report`.
//!
//! ```text
//! Live | Replay ─ samples ─▶ Recorder ─┬▶ Incident ─▶ html | markdown | text
//! agent ─ HistoryDocument ─▶ history ──┘
//!                 log ─ explain ─▶ Explanation ──────┘
//! ```

pub mod figure;
mod frame;
pub mod history;
mod html;
mod matter;
mod plot;
mod recorder;
mod refusals;
mod words;

pub use frame::Frame;
pub use html::html;
pub use recorder::Recorder;
pub use words::{markdown, text};

use jiff::Timestamp;
use nospace_core::explain::Explanation;
use nospace_core::model::{InotifyResource, Provenance};
use nospace_core::report::Report;

/// Everything that the report says.
#[derive(Debug)]
pub struct Incident {
    /// The node at the end.
    pub report: Report,
    /// Times of the samples, in the order in which they were taken.
    pub samples: Vec<Timestamp>,
    /// Budgets over time, those that matter, the fullest first.
    pub budgets: Vec<Series>,
    /// What workloads hold over time, those that hold most first.
    pub workloads: Vec<Holder>,
    /// What happened when.
    pub events: Vec<Event>,
    /// Events that are left out.
    pub events_omitted: usize,
    /// What logs say, where some were given.
    pub logs: Option<Explanation>,
    /// When nothing was collected: from and to, in seconds since the first sample.
    pub missing: Vec<(f64, f64)>,
    /// What of the recording is missing, in words.
    pub gaps: Vec<String>,
    /// The commands that made it.
    pub commands: Vec<String>,
}

/// A budget over time.
#[derive(Clone, Debug)]
pub struct Series {
    /// `inotify watches of uid 0`.
    pub name: String,
    /// What is counted.
    pub unit: String,
    /// In each sample that had it.
    pub points: Vec<Point>,
    /// When calls were refused because of it, in seconds since the first sample; empty where nobody counted.
    pub refused: Vec<f64>,
}

/// A budget in one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Seconds since the first sample.
    pub at: f64,
    /// In use.
    pub used: u64,
    /// The limit; `None` where it is not known.
    pub limit: Option<u64>,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
}

impl Series {
    /// The highest share of the limit that was used, in percent, and when it was first reached.
    #[must_use]
    pub fn peak(&self) -> Option<(u64, Point)> {
        let share = |point: &Point| {
            Some((
                nospace_core::report::percent(point.used, point.limit?)?,
                *point,
            ))
        };
        self.points
            .iter()
            .filter_map(share)
            // Of equal ones the last is the maximum.
            .rev()
            .max_by_key(|(percent, _)| *percent)
    }
}

/// A workload over time.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Who.
    pub name: String,
    /// Seconds since the first sample, watches, instances.
    pub points: Vec<(f64, u64, u64)>,
}

impl Holder {
    /// Seconds since the first sample, and what it held then.
    #[must_use]
    pub fn over_time(&self, resource: InotifyResource) -> Vec<(f64, u64)> {
        let held = |&(at, watches, instances): &(f64, u64, u64)| match resource {
            InotifyResource::Watches => (at, watches),
            InotifyResource::Instances => (at, instances),
        };
        self.points.iter().map(held).collect()
    }

    /// The most that it held at once.
    #[must_use]
    pub fn most(&self, resource: InotifyResource) -> u64 {
        let held = self.over_time(resource).into_iter().map(|(_, held)| held);
        held.max().unwrap_or(0)
    }

    /// What it held at first.
    #[must_use]
    pub fn first(&self, resource: InotifyResource) -> u64 {
        self.over_time(resource)
            .first()
            .map_or(0, |(_, held)| *held)
    }

    /// What it held at the end.
    #[must_use]
    pub fn last(&self, resource: InotifyResource) -> u64 {
        self.over_time(resource).last().map_or(0, |(_, held)| *held)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Seconds since the first sample.
    pub at: f64,
    /// When.
    pub when: Timestamp,
    /// How bad.
    pub kind: Kind,
    /// What, in words.
    pub text: String,
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something is exhausted, or nearly.
    Critical,
    /// Calls were refused.
    Refused,
    /// Something is worth a warning.
    Warning,
    /// Something got better.
    Better,
    /// A change that is neither.
    Neutral,
}

impl Kind {
    /// Its class in a page.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Critical | Self::Refused => "critical",
            Self::Warning => "warning",
            Self::Better => "ok",
            Self::Neutral => "info",
        }
    }
}
