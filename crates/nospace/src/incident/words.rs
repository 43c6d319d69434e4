use std::fmt::Write as _;
use std::time::Duration;

use nospace_core::amount::{self, thousands};
use nospace_core::model::{InotifyResource, Provenance};
use nospace_core::report::{Remedy, Severity, Unseen};

use super::{Event, Holder, Incident, Kind};
use crate::output::markdown;
use crate::ui::{Charset, human, number};

/// Events, holders, and things that were not seen, in a message for a channel.
const FEW: usize = 5;

/// When the samples were taken, in words.
pub fn period(incident: &Incident) -> String {
    match (incident.samples.first(), incident.samples.last()) {
        (Some(first), Some(last)) if first != last => {
            let seconds = u64::try_from(last.as_second() - first.as_second()).unwrap_or(0);
            format!(
                "{first} to {last} ({})",
                amount::duration(Duration::from_secs(seconds))
            )
        }
        _ => incident.report.taken_at.clone(),
    }
}

/// How many samples.
pub fn range(incident: &Incident) -> String {
    amount::count(incident.samples.len() as u64, "sample", "samples")
}

/// What the answer misses, in words.
pub fn not_seen(incident: &Incident) -> Vec<String> {
    let mut all = incident.gaps.clone();
    // Those of a collector are said below, each of them.
    let of_node =
        |unseen: &&Unseen| !matches!(unseen, Unseen::Unread { .. } | Unseen::Partial { .. });
    all.extend(
        incident
            .report
            .unseen
            .iter()
            .filter(of_node)
            .map(Unseen::sentence),
    );
    for run in &incident.report.collectors {
        let errors = run.error.iter().chain(&run.gaps);
        all.extend(errors.map(|why| format!("{}: {why}", run.name)));
    }
    all
}

fn remedies(incident: &Incident) -> Vec<&Remedy> {
    let mut all: Vec<&Remedy> = Vec::new();
    let worth = incident
        .report
        .findings
        .iter()
        .filter(|f| f.severity > Severity::Info);
    for remedy in worth.flat_map(|finding| &finding.remedies) {
        if !all.iter().any(|one| one.command == remedy.command) {
            all.push(remedy);
        }
    }
    all
}

fn line(event: &Event) -> String {
    format!("{}  {}", event.when.strftime("%H:%M:%S"), event.text)
}

/// What a workload holds, or held at most where it holds less by the end.
fn held(holder: &Holder, provenance: Provenance) -> String {
    let fewer = |resource| holder.last(resource) < holder.most(resource);
    let is_past = InotifyResource::BOTH.into_iter().any(fewer);
    let amount = |resource: InotifyResource| {
        let (one, many) = match resource {
            InotifyResource::Watches => ("watch", "watches"),
            InotifyResource::Instances => ("instance", "instances"),
        };
        if is_past {
            return number::quantity(holder.most(resource), provenance, one, many);
        }
        let last = holder.last(resource);
        let grew = last.saturating_sub(holder.first(resource));
        let grew = match grew {
            0 => String::new(),
            _ => format!(" (+{})", thousands(grew)),
        };
        number::quantity(last, provenance, one, many) + &grew
    };
    let [instances, watches] = InotifyResource::BOTH.map(amount);
    let name = Charset::Unicode.clean(&holder.name);
    match is_past {
        true => format!("held: {name}: {watches}, {instances} at most"),
        false => format!("holds: {name}: {watches}, {instances}"),
    }
}

/// A few lines to paste into a channel.
#[must_use]
pub fn text(incident: &Incident) -> String {
    let clean = |raw: &str| Charset::Unicode.clean(raw).into_owned();
    let report = &incident.report;
    let mut out = format!(
        "{} {}: {}\n{}\n",
        human::word(report.status()),
        clean(&report.node.name),
        human::sentence(report, Charset::Unicode),
        period(incident)
    );
    if incident.samples.len() > 1 {
        let events = &incident.events;
        let from = events.len().saturating_sub(FEW);
        let refused = events[..from]
            .iter()
            .filter(|event| event.kind == Kind::Refused);
        for event in refused.take(FEW).chain(&events[from..]) {
            let _ = writeln!(out, "  {}", clean(&line(event)));
        }
    }
    let provenance = report.inotify_provenance();
    for holder in incident.workloads.iter().take(FEW) {
        let _ = writeln!(out, "{}", held(holder, provenance));
    }
    for remedy in remedies(incident).into_iter().take(2) {
        let _ = writeln!(out, "do: {}", clean(&remedy.command));
    }
    if let Some(logs) = &incident.logs {
        for cause in logs.causes.iter().take(FEW) {
            let times = amount::count(cause.times, "message", "messages");
            let _ = writeln!(
                out,
                "log: {times} of {}",
                cause.decided.unwrap_or(cause.cause)
            );
        }
    }
    let unseen = not_seen(incident);
    for one in unseen.iter().take(FEW) {
        let _ = writeln!(out, "not seen: {}", clean(one));
    }
    if let Some(more @ 1..) = unseen.len().checked_sub(FEW) {
        let _ = writeln!(out, "not seen: {more} more");
    }
    out
}

/// The whole report for a ticket.
#[must_use]
pub fn markdown(incident: &Incident) -> String {
    let plain = crate::ui::markdown::plain;
    let mut out = markdown::report(&incident.report);
    let _ = writeln!(out, "\n### What happened\n\n{}\n", plain(&period(incident)));
    if incident.samples.len() > 1 {
        for event in &incident.events {
            let _ = writeln!(out, "- {}", plain(&line(event)));
        }
        if incident.events_omitted > 0 {
            let _ = writeln!(
                out,
                "- {} more events are left out",
                incident.events_omitted
            );
        }
    } else {
        let _ = writeln!(out, "A single sample: what happened before is not known.");
    }
    let provenance = incident.report.inotify_provenance();
    if !incident.workloads.is_empty() {
        let _ = writeln!(
            out,
            "\n### Who holds inotify\n\n| workload | instances at most | at the end | watches at most | at the end |\n|---|---:|---:|---:|---:|"
        );
        for holder in &incident.workloads {
            let _ = write!(out, "| {}", plain(&holder.name));
            for resource in InotifyResource::BOTH {
                for held in [holder.most(resource), holder.last(resource)] {
                    let _ = write!(out, " | {}", plain(&number::figure(held, provenance)));
                }
            }
            let _ = writeln!(out, " |");
        }
    }
    if let Some(logs) = &incident.logs {
        let _ = writeln!(out, "\n### What the logs say\n");
        for cause in &logs.causes {
            let times = amount::count(cause.times, "message", "messages");
            let code = cause.decided.unwrap_or(cause.cause);
            let _ = writeln!(
                out,
                "- {times} of {code}, such as: {}",
                plain(&cause.sample)
            );
        }
        if logs.causes.is_empty() {
            let _ = writeln!(out, "No line says that a limit was reached.");
        }
    }
    let unseen = not_seen(incident);
    if !unseen.is_empty() {
        let _ = writeln!(out, "\n### What could not be seen\n");
        for one in &unseen {
            let _ = writeln!(out, "- {}", plain(one));
        }
    }
    let _ = writeln!(out, "\n### How this was made\n");
    for command in &incident.commands {
        let _ = writeln!(out, "    {}", Charset::Unicode.clean(command));
    }
    out
}
