//! What comes in from the node, and what it is asked for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nospace_core::report::Refusals;
use nospace_core::watches::WatchesReport;

use super::sample::Sample;
use crate::trace::TracedCall;

/// What comes in from the node.
#[derive(Clone, Debug)]
pub enum Update {
    /// A sample of the node.
    Sample(Arc<Sample>),
    /// Another moment of a recording.
    Moment(Moment),
    /// The recording cannot be read any further, and why.
    Unreadable(String),
    /// Time from the start of one sample to the next.
    Interval(Duration),
    /// The watches that request `id` asked for.
    Watches {
        /// Number of the request.
        id: u64,
        /// The watches, or why there are none.
        result: Result<Arc<WatchesReport>, String>,
    },
    /// Refused calls are being traced.
    TraceBegan,
    /// Calls that failed, since the last such update.
    Refusals(RefusedCalls),
    /// Refused calls are not traced, and why.
    TraceEnded(String),
}

/// A moment of a recording, and what came before it.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Which one.
    pub position: Position,
    /// Whether `samples` do not follow those that came in before.
    pub is_jump: bool,
    /// Samples up to this moment, oldest first, each with the calls that were refused before it, or why they are not known.
    pub samples: Vec<(Arc<Sample>, Result<RefusedCalls, String>)>,
}

/// Where in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the sample, from 0.
    pub number: usize,
    /// Number of the last sample.
    pub last: usize,
    /// When the first sample was taken.
    pub begin: Timestamp,
    /// When the last one was.
    pub end: Timestamp,
    /// Samples a second while it is played; `None` while it stands still.
    pub playing: Option<u32>,
    /// What comes after the last sample.
    pub after: After,
}

/// What comes after the last sample of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// Nothing: that is all of it.
    #[default]
    Nothing,
    /// A sample that has no end.
    NoEnd,
    /// What cannot be read.
    Damage,
}

/// Calls that failed because something had run out.
#[derive(Clone, Debug, Default)]
pub struct RefusedCalls {
    /// The latest of them, oldest first.
    pub calls: VecDeque<TracedCall>,
    /// Calls that were refused besides: too many to keep each.
    pub omitted: u64,
    /// Calls that came too fast for the kernel to hand them over.
    pub lost: u64,
}

impl RefusedCalls {
    /// Calls that are kept of one update.
    pub const MOST: usize = 200;

    /// Adds a call; the oldest goes where there are too many.
    pub fn push(&mut self, call: TracedCall) {
        if self.calls.len() >= Self::MOST {
            self.calls.pop_front();
            self.omitted += 1;
        }
        self.calls.push_back(call);
    }

    /// Those of a recording, where calls that are alike have the time of the last.
    #[must_use]
    pub fn of(refusals: Refusals) -> Self {
        let mut all = Self {
            omitted: refusals.more,
            lost: refusals.lost,
            ..Self::default()
        };
        for one in refusals.calls {
            let listed = one.times.min(Self::MOST as u64);
            all.omitted += one.times - listed;
            let call = TracedCall::of(one);
            (0..listed).for_each(|_| all.push(call.clone()));
        }
        all
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.omitted == 0 && self.lost == 0
    }
}

/// What `top` asks the node for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The watches of these processes.
    Watches {
        /// Number of the request; the answer has it too.
        id: u64,
        /// The processes.
        pids: Vec<u32>,
    },
    /// Another time between samples.
    Interval(Duration),
    /// The command lines of those who hold something, with each sample, or none.
    Cmdlines(bool),
    /// A recording: this many samples forward, or back.
    Step(isize),
    /// A recording: its first sample.
    First,
    /// A recording: its last sample.
    Last,
    /// A recording: play it, or stop.
    Play,
    /// A recording: play it faster, or slower.
    Faster(bool),
}
