use nospace_core::model::{CollectorRun, Provenance};
use nospace_core::report::Report;

use super::options::Options;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, number, style};

/// What could not be read and why, and what the marks before figures mean.
pub fn draw(page: &mut Page, report: &Report, options: &Options) {
    collectors(page, &report.collectors, options.verbose);
    legend(page, report);
}

/// What could not be read and why; with `verbose`, after all collectors with their times.
pub fn collectors(page: &mut Page, runs: &[CollectorRun], verbose: bool) {
    if verbose {
        table(page, runs);
    }
    not_seen(page, runs);
}

fn not_seen(page: &mut Page, runs: &[CollectorRun]) {
    // Collectors that miss something for the same reason share a line.
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for run in runs {
        for why in run.error.iter().chain(&run.gaps) {
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, names)) => names.push(&run.name),
                None => reasons.push((why, vec![&run.name])),
            }
        }
    }
    if reasons.is_empty() {
        return;
    }
    page.heading("Not seen", "");
    for (why, names) in reasons {
        let said = format!("{}: {why}", names.join(", "));
        page.wrapped(page.indented(), style::PLAIN, &said);
    }
}

fn table(page: &mut Page, runs: &[CollectorRun]) {
    page.heading("Collectors", "");
    let mut table = Table::default()
        .column("NAME", Align::Left)
        .names("SOURCE")
        .column("ACCURACY", Align::Left)
        .column("TIME", Align::Right);
    for run in runs {
        let (says, color) = match run.provenance {
            Provenance::Exact => ("exact", style::PLAIN),
            Provenance::Estimated => ("estimated", style::PLAIN),
            Provenance::Unavailable => ("unavailable", style::pressure(80)),
        };
        table.row(vec![
            Cell::new(run.name.as_str()),
            Cell::new(run.source.as_str()),
            Cell::styled(color, says),
            Cell::new(format!("{:.1} ms", run.duration_ms)),
        ]);
    }
    page.table(&table);
}

fn legend(page: &mut Page, report: &Report) {
    let of_users = report
        .users
        .iter()
        .flat_map(|u| [u.instances.provenance, u.watches.provenance]);
    let of_inotify: Vec<Provenance> = of_users.chain([report.inotify_provenance()]).collect();
    let of_others = report.resources.iter().map(|r| r.provenance);
    let of_start = report.forecast.kubelet_start.iter().map(|s| s.provenance);
    let all: Vec<Provenance> = of_others
        .chain(of_start)
        .chain(of_inotify.clone())
        .collect();
    let estimate = if of_inotify.contains(&Provenance::Estimated) {
        "estimate; inotify is counted from /proc, and the kernel's own figure may be higher"
    } else {
        "estimate"
    };
    let marks = [
        (Provenance::Estimated, number::ESTIMATED, estimate),
        (Provenance::Unavailable, number::UNKNOWN, "unknown"),
    ];
    let said: Vec<String> = marks
        .into_iter()
        .filter(|(provenance, ..)| all.contains(provenance))
        .map(|(_, mark, meaning)| format!("{mark} {meaning}"))
        .collect();
    if said.is_empty() {
        return;
    }
    page.add(page.line());
    page.wrapped(page.line(), style::DIM, &said.join("; "));
}
