use jiff::{SignedDuration, Timestamp};

use super::{Event, Incident};

/// What the plots of one page share.
pub struct Frame<'a> {
    /// Its left edge.
    pub first: Option<Timestamp>,
    /// How long it is.
    pub seconds: f64,
    /// What is marked.
    pub events: &'a [Event],
    /// When nothing is known: from and to, in seconds.
    pub gaps: &'a [(f64, f64)],
}

impl<'a> Frame<'a> {
    /// That of an incident.
    #[must_use]
    pub fn of(incident: &'a Incident) -> Self {
        let points = incident.budgets.iter().flat_map(|series| &series.points);
        Self {
            first: incident.samples.first().copied(),
            seconds: points.map(|point| point.at).fold(0.0, f64::max),
            events: &incident.events,
            gaps: &incident.missing,
        }
    }

    /// The time of day by seconds since the left edge.
    #[must_use]
    pub fn at(&self, seconds: f64) -> Option<String> {
        #[expect(clippy::cast_possible_truncation, reason = "days at most")]
        let since = SignedDuration::from_secs(seconds.round() as i64);
        let moment = self.first?.checked_add(since).ok()?;
        Some(moment.strftime("%H:%M:%S").to_string())
    }
}
