//! How a collector fares: timed, its failure kept beside the others' results.

use std::time::Instant;

use nospace_core::model::{CollectorRun, Provenance};

use crate::host::{At, Host, ReadError};

/// What a collector measured, and how well.
pub struct Measurement<T> {
    /// The figures.
    pub part: T,
    /// How far they can be trusted.
    pub provenance: Provenance,
    /// What could not be seen, and what would let it.
    pub gaps: Vec<String>,
    /// Most of it could not be seen.
    pub blind: bool,
    /// Some of what it counts was not read.
    pub partial: bool,
    /// Some of what it counts is not visible from here.
    pub out_of_sight: bool,
}

impl<T> Measurement<T> {
    /// The kernel's own figures, without a gap.
    pub fn exact(part: T) -> Self {
        Self {
            part,
            provenance: Provenance::Exact,
            gaps: Vec::new(),
            blind: false,
            partial: false,
            out_of_sight: false,
        }
    }

    /// Counted from outside.
    pub fn estimated(part: T) -> Self {
        Self {
            part,
            provenance: Provenance::Estimated,
            gaps: Vec::new(),
            blind: false,
            partial: false,
            out_of_sight: false,
        }
    }

    /// With most of it out of sight, or not.
    pub fn blind(mut self, blind: bool) -> Self {
        self.blind = blind;
        self
    }

    /// With some of what it counts unread, or not.
    pub fn partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// With what is not visible from here, as opposed to what could not be read.
    pub fn out_of_sight(mut self, hidden: Vec<String>) -> Self {
        self.out_of_sight |= !hidden.is_empty();
        self.gaps.extend(hidden);
        self
    }

    /// With what could not be seen.
    pub fn with_gaps(mut self, gaps: Vec<String>) -> Self {
        self.gaps = gaps;
        self
    }
}

/// The result of a collector.
pub type CollectResult<T> = anyhow::Result<Measurement<T>>;

/// The collectors of one look, in the order in which they ran.
#[derive(Default)]
pub struct Runs(Vec<CollectorRun>);

impl Runs {
    /// Runs one collector.
    pub fn run<T>(
        &mut self,
        name: &str,
        source: &str,
        collect: impl FnOnce() -> CollectResult<T>,
    ) -> Option<T> {
        self.run_since(Instant::now(), name, source, collect)
    }

    /// Runs one collector whose work began before.
    pub fn run_since<T>(
        &mut self,
        begin: Instant,
        name: &str,
        source: &str,
        collect: impl FnOnce() -> CollectResult<T>,
    ) -> Option<T> {
        let mut run = CollectorRun {
            name: name.to_owned(),
            source: source.to_owned(),
            ..CollectorRun::default()
        };
        let part = match collect() {
            Ok(done) => {
                run.provenance = done.provenance;
                run.gaps = done.gaps;
                run.blind = done.blind;
                run.partial = done.partial;
                run.out_of_sight = done.out_of_sight;
                Some(done.part)
            }
            Err(error) => {
                run.error = Some(format!("{error:#}"));
                None
            }
        };
        run.duration_ms = milliseconds(begin);
        self.0.push(run);
        part
    }

    /// The list for the snapshot.
    pub fn into_vec(self) -> Vec<CollectorRun> {
        self.0
    }
}

/// Since `begin`, to the microsecond.
fn milliseconds(begin: Instant) -> f64 {
    (begin.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// An error that names the place.
pub fn unanswered(at: At<'_>, error: &ReadError) -> anyhow::Error {
    anyhow::anyhow!("{at}: {error}")
}

/// What lets nospace look into processes that it could not look into.
pub fn how_to_see(host: &dyn Host) -> &'static str {
    if host.look().uid == 0 {
        "run nospace with CAP_SYS_PTRACE"
    } else {
        "run as root"
    }
}
