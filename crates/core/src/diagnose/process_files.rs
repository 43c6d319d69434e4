//! A process near its RLIMIT_NOFILE: EMFILE, the same words as for inotify instances.

use super::pressure::{self, share};
use super::remedy::{quote, remedy, roomy};
use super::words;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Owner, Remedy, Resource, Severity, percent};

/// Lower limits are a sandbox's: sshd and others lock themselves in, with more files open.
const DELIBERATE: u64 = 64;

pub fn find(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::ProcessFiles)
        .filter(|(resource, _)| resource.limit >= DELIBERATE)
        .map(|at| finding(view, at))
        .collect()
}

fn finding(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let pid = pid(view, resource);
    let name = pid.map_or_else(|| resource.subject.clone(), |pid| words::process(view, pid));
    let title = format!(
        "{name} has {} of {} files open that it may have ({})",
        resource.used,
        resource.limit,
        share(resource)
    );
    let remedies = pid.map(|pid| remedies(view, pid, resource));
    Finding {
        culprit_pods: pid
            .and_then(|pid| words::pod(&view.part(pid)))
            .into_iter()
            .collect(),
        culprits: pid
            .map(|pid| words::part(view, &view.part(pid)))
            .into_iter()
            .collect(),
        victims: vec![format!("{name} itself: open and accept fail with EMFILE")],
        ..pressure::finding(
            "process-files",
            (resource, severity),
            title,
            remedies.unwrap_or_default(),
        )
    }
}

/// The process that the budget is of.
fn pid(view: &View, resource: &Resource) -> Option<u32> {
    let (_, pid) = resource.subject.rsplit_once("(pid ")?;
    let pid = pid.trim_end_matches(')').parse().ok()?;
    view.process(pid).map(|p| p.pid)
}

fn remedies(view: &View, pid: u32, resource: &Resource) -> Vec<Remedy> {
    let Some(value) = roomy(resource.used, resource.limit, 4_096, 1 << 30) else {
        return Vec::new();
    };
    let mut remedies = vec![remedy(
        format!("prlimit --pid {pid} --nofile={value}:"),
        "Raises the soft limit of the running process; refused where its hard limit is lower.",
    )];
    remedies.extend(at_next_start(view, pid, value));
    remedies.push(remedy(
        format!(
            "ls -l /proc/{pid}/fd | sed 's/.* -> //; s/:\\[.*//' | sort | uniq -c | sort -n | tail"
        ),
        format!(
            "Shows what the files are; a number that only grows is a leak ({} % now).",
            percent(resource.used, resource.limit).unwrap_or_default()
        ),
    ));
    remedies
}

fn at_next_start(view: &View, pid: u32, value: u64) -> Option<Remedy> {
    let Owner::Unit { name } = view.owner(pid) else {
        return None;
    };
    if !name.ends_with(".service") {
        return None;
    }
    let drop_in = format!("/etc/systemd/system/{name}.d");
    let (directory, file) = (
        quote(&drop_in)?,
        quote(&format!("{drop_in}/90-nofile.conf"))?,
    );
    Some(remedy(
        format!(
            "mkdir -p {directory} && printf '[Service]\\nLimitNOFILE={value}\\n' > {file} && systemctl daemon-reload"
        ),
        "From the next start of the unit on.",
    ))
}
