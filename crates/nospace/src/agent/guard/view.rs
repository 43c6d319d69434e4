use nospace_core::model::GuardMode;
use nospace_core::report::PodRef;

/// What the agent's guard was doing at the end of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardView {
    /// What becomes of calls at the line.
    pub mode: GuardMode,
    /// Whether it is at work.
    pub standing: Standing,
    /// Pods that were refused calls, oldest first; kept in later observations, so that a receiver that misses one still gets
    /// them. At most [`PodAtLineNote::MAX`].
    pub refused: Vec<PodAtLineNote>,
}

/// Whether a guard is at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is starting.
    Starting,
    /// It is: what it keeps, in words.
    Up(String),
    /// It is not: why.
    Down(String),
}

/// A pod that was refused calls. There is one a minute at most for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodAtLineNote {
    /// Number of the note, from 1.
    pub number: u64,
    /// The pod.
    pub pod: PodRef,
    /// What was kept from it, such as `watches`.
    pub resource: &'static str,
    /// `900 of 1,000 watches of uid 0 used; the last 100 are kept for the node (nospace guard)`
    pub message: String,
}

impl PodAtLineNote {
    /// How many are kept: no more events than this wait for the API server.
    pub const MAX: usize = 64;
}
