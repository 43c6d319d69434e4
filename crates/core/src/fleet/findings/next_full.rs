use super::{Counts, FleetFinding, FleetRule, nodes, reach};
use crate::fleet::row::Row;
use crate::growth::{ENOUGH_SAMPLES, span};
use crate::report::Severity;

/// The nodes of which a budget runs out next, the soonest first. A forecast counts from when its check began, so its age is taken off.
pub fn finding(rows: &[Row], counts: Counts) -> Option<FleetFinding> {
    let mut soon: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let next = row.current()?.next_full.as_ref()?;
            Some((next.seconds.saturating_sub(row.age_seconds?), next, row))
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
            "unknown for {}: fewer than {ENOUGH_SAMPLES} checks",
            nodes(unknown)
        )
    });
    let silent = (counts.current < counts.nodes).then(|| reach(counts));
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
    row.current().is_some_and(|summary| {
        let has_enough = summary.checks >= Some(ENOUGH_SAMPLES as u64);
        summary.next_full.is_none() && !has_enough
    })
}
