use super::{FleetFinding, FleetRule};
use crate::fleet::row::Row;
use crate::growth::span;
use crate::report::Severity;

/// The nodes of which a budget runs out next, the soonest first.
pub fn finding(rows: &[Row]) -> Option<FleetFinding> {
    let next = |row: &'_ Row| Some((row.summary()?.next_full.clone()?, row.node.clone()));
    let mut soon: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((next(row)?.0, row)))
        .collect();
    soon.sort_by_key(|(next, _)| next.seconds);
    let (first, row) = soon.first()?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time needs no more than 53 bits"
    )]
    let within = |seconds: u64| span(seconds as f64);
    let title = format!(
        "{} is the next node to fill up: {} of {} in {} at the current rate",
        row.node,
        first.cause,
        first.subject,
        within(first.seconds)
    );
    let evidence = soon.iter().skip(1).map(|(next, row)| {
        let (cause, subject) = (&next.cause, &next.subject);
        format!(
            "{}: {cause} of {subject} in {}",
            row.node,
            within(next.seconds)
        )
    });
    let evidence = evidence.collect();
    let of = soon.iter().map(|(_, row)| *row);
    Some(FleetFinding::new(
        FleetRule::NextFull,
        Severity::Info,
        title,
        evidence,
        of,
    ))
}
