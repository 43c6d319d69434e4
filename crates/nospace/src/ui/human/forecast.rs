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
        page.wrapped(line.plain(": "), style::PLAIN, &sentence(report, start));
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
    let mut row = |what, needed, free| {
        let short = if needed > free {
            style::pressure(100)
        } else {
            style::PLAIN
        };
        table.row(vec![
            Cell::new(what),
            Cell::new(number::figure(needed, start.provenance)),
            Cell::styled(short, number::figure(free, report.free_provenance(start))),
        ]);
    };
    row("instances", start.instances_needed, start.instances_free);
    row("watches", start.watches_needed, start.watches_free);
    page.table(&table);
    let said = report
        .findings
        .iter()
        .any(|f| f.evidence.contains(&start.basis));
    let basis = (!said).then(|| start.basis.clone());
    for note in [basis, released(report, start), kept(start)]
        .into_iter()
        .flatten()
        .filter(|n| !n.is_empty())
    {
        page.wrapped(page.indented(), style::DIM, &note);
    }
}

fn sentence(report: &Report, start: &KubeletStart) -> String {
    let free = |value| number::figure(value, report.free_provenance(start));
    let quantity = |n, one, many| number::quantity(n, start.provenance, one, many);
    format!(
        "needs {} ({} free) and {} ({} free)",
        quantity(start.instances_needed, "instance", "instances"),
        free(start.instances_free),
        quantity(start.watches_needed, "watch", "watches"),
        free(start.watches_free),
    )
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

fn released(report: &Report, start: &KubeletStart) -> Option<String> {
    let pid = start.kubelet_pid?;
    let quantity = |n, one, many| number::quantity(n, report.inotify_provenance(), one, many);
    Some(format!(
        "free includes what the running kubelet (pid {pid}) would release: {}, {}",
        quantity(start.instances_given_back, "instance", "instances"),
        quantity(start.watches_given_back, "watch", "watches"),
    ))
}
