use super::{Counts, FleetFinding, FleetRule, answered, nodes};
use crate::fleet::row::{Row, STALE_SECONDS};
use crate::growth::{ENOUGH_SAMPLES, span};
use crate::report::Severity;

/// The nodes of which a budget runs out next, the soonest first. A forecast counts from when its check began, so its age is taken off; one
/// that is too old, or of unknown age, says nothing of what comes next.
pub fn finding(rows: &[Row], counts: Counts) -> Option<FleetFinding> {
    let mut soon: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let next = row.summary()?.next_full.as_ref()?;
            let age = row.age_seconds.filter(|age| *age <= STALE_SECONDS)?;
            Some((next.seconds.saturating_sub(age), next, row))
        })
        .collect();
    soon.sort_by_key(|(seconds, ..)| *seconds);
    let (seconds, first, row) = soon.first()?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time needs no more than 53 bits"
    )]
    let within = |seconds: u64| span(seconds as f64);
    let title = format!(
        "{} is the next node to fill up: {} of {} in {} at the current rate",
        row.node,
        first.cause,
        first.caption(),
        within(*seconds)
    );
    let others = soon.iter().skip(1).map(|(seconds, next, row)| {
        let (cause, subject) = (&next.cause, next.caption());
        format!("{}: {cause} of {subject} in {}", row.node, within(*seconds))
    });
    let unknown = rows.iter().filter(|row| is_unknown(row)).count();
    let unknown = (unknown > 0).then(|| {
        format!(
            "not known of {} that answered: fewer than {ENOUGH_SAMPLES} checks, or a sample older than {} min",
            nodes(unknown),
            STALE_SECONDS / 60
        )
    });
    let silent = (counts.answered < counts.nodes).then(|| answered(counts));
    let evidence = silent.into_iter().chain(unknown).chain(others).collect();
    let of = soon.iter().map(|(.., row)| *row);
    Some(FleetFinding::new(
        FleetRule::NextFull,
        Severity::Info,
        title,
        evidence,
        of,
    ))
}

/// The node answered, but not whether one of its budgets runs out.
fn is_unknown(row: &Row) -> bool {
    row.summary().is_some_and(|summary| {
        let is_new = row.age_seconds.is_some_and(|age| age <= STALE_SECONDS);
        let has_enough = summary.checks >= Some(ENOUGH_SAMPLES as u64);
        !is_new || (summary.next_full.is_none() && !has_enough)
    })
}
