use anstyle::Style;
use nospace_core::model::Provenance;
use nospace_core::report::{KubeletStart, Report, StartVerdict, Unseen};

use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, number, style};

/// Whether the kubelet would start now, and the numbers behind that.
pub fn draw(page: &mut Page, report: &Report) {
    let Some(start) = &report.forecast.kubelet_start else {
        return;
    };
    let (says, color) = match start.verdict {
        StartVerdict::Starts => ("would start", style::pressure(0)),
        StartVerdict::Barely => ("would barely start", style::pressure(80)),
        StartVerdict::Fails => ("would not start", style::pressure(100)),
        StartVerdict::Unknown => ("unknown", style::pressure(80)),
    };
    page.add(page.line());
    let line = page.labelled("Kubelet start").put(color, says);
    if start.verdict == StartVerdict::Starts {
        page.wrapped(line.plain(": "), style::PLAIN, &sentence(start));
        if let Some(kept) = kept(start) {
            page.wrapped(page.indented(), style::DIM, &kept);
        }
        return;
    }
    if start.verdict == StartVerdict::Unknown {
        let why = start.unseen.first().map(Unseen::sentence);
        page.wrapped(line.plain(": "), style::PLAIN, &why.unwrap_or_default());
    } else {
        page.add(line);
    }
    let mut table = Table::default()
        .names("")
        .column("NEEDS", Align::Right)
        .column("FREE", Align::Right);
    table.row(row(
        "instances",
        start.instances_needed,
        start.instances_free,
        start,
    ));
    table.row(row(
        "watches",
        start.watches_needed,
        start.watches_free,
        start,
    ));
    page.table(&table);
    let said = report
        .findings
        .iter()
        .any(|f| f.evidence.contains(&start.basis));
    let basis = (!said).then(|| start.basis.clone());
    for note in [basis, released(start), kept(start)]
        .into_iter()
        .flatten()
        .filter(|n| !n.is_empty())
    {
        page.wrapped(page.indented(), style::DIM, &note);
    }
}

fn sentence(start: &KubeletStart) -> String {
    let figure = |value| number::figure(value, start.provenance);
    let quantity = |n, one, many| number::quantity(n, start.provenance, one, many);
    format!(
        "needs {} ({} free) and {} ({} free)",
        quantity(start.instances_needed, "instance", "instances"),
        figure(start.instances_free),
        quantity(start.watches_needed, "watch", "watches"),
        figure(start.watches_free),
    )
}

fn row(what: &str, needed: u64, free: u64, start: &KubeletStart) -> Vec<Cell> {
    let short: Style = if needed > free {
        style::pressure(100)
    } else {
        style::PLAIN
    };
    // With something unseen it is only known that there is no more.
    let free_is = match start.verdict {
        StartVerdict::Unknown => Provenance::Unavailable,
        _ => start.provenance,
    };
    vec![
        Cell::new(what),
        Cell::new(number::figure(needed, start.provenance)),
        Cell::styled(short, number::figure(free, free_is)),
    ]
}

/// What of the free ones a guard keeps for it.
fn kept(start: &KubeletStart) -> Option<String> {
    let each = [
        (start.instances_kept, "instance", "instances"),
        (start.watches_kept, "watch", "watches"),
    ];
    let kept = each.into_iter().filter(|(n, ..)| *n > 0);
    let kept: Vec<String> = kept
        .map(|(n, one, many)| number::count(n, one, many))
        .collect();
    (!kept.is_empty()).then(|| {
        format!(
            "of those free, pods cannot take {} (guard)",
            kept.join(" and ")
        )
    })
}

fn released(start: &KubeletStart) -> Option<String> {
    let pid = start.kubelet_pid?;
    let quantity = |n, one, many| number::quantity(n, start.provenance, one, many);
    Some(format!(
        "free includes what the running kubelet (pid {pid}) would release: {}, {}",
        quantity(start.instances_given_back, "instance", "instances"),
        quantity(start.watches_given_back, "watch", "watches"),
    ))
}
