//! A process near its RLIMIT_NOFILE: EMFILE, the same words as for inotify instances.

use std::cmp::Reverse;

use super::pressure::{self, share};
use super::remedy::{quote, remedy};
use super::sysctl::suggest_limit;
use super::{Command, Dependency, Limit, Refusal, Sysctl, describe, errno::EMFILE};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Process, Snapshot};
use crate::report::{
    Blame, Culprit, Finding, Owner, Remedy, Resource, Severity, Subject, percent, thresholds,
};

/// Lower limits are a sandbox's: sshd and others lock themselves in, with more files open.
const DELIBERATE: u64 = 64;
/// The fewest processes that are listed: those nearest to their limit.
const LISTED: usize = 10;
const NR_OPEN: &str = "fs.nr_open";
/// Its value where nobody has set it (`sysctl_nr_open`, fs/file.c).
const DEFAULT_NR_OPEN: u64 = 1 << 20;

pub const LIMIT: Limit = Limit {
    sysctls: &[Sysctl {
        least: 64,
        most: super::sysctl::INT_MAX - 63,
        ..Sysctl::int(
            NR_OPEN,
            "each process",
            "raises how far RLIMIT_NOFILE can be raised",
        )
    }],
    refusals: &[Refusal::any(EMFILE)],
    // The walk over descriptors counts those of every process.
    collector: Some("inotify"),
    depends: &[Dependency::Processes],
    usage,
    findings,
    commands: &[Command::any(
        "for p in /proc/[0-9]*; do echo \"$(ls $p/fd 2>/dev/null | wc -l) $(awk '/open files/{print $4}' $p/limits) ${p##*/}\"; done | sort -rn | head",
        "descriptors and limit of each process; raise LimitNOFILE of the unit, or fix the leak",
    )],
    ..Limit::in_logs(
        Cause::ProcessFiles,
        "A process has run out of file descriptors (RLIMIT_NOFILE)",
        include_str!("../../../../docs/causes/process-files.md"),
    )
};

/// Every process under pressure, and at least the ten nearest to their limit.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let mut resources: Vec<Resource> = snapshot.processes.iter().filter_map(files).collect();
    resources.sort_by_key(|r| Reverse(r.percent()));
    let pressed = resources.partition_point(|r| thresholds::severity(r.percent()).is_some());
    resources.truncate(pressed.max(LISTED));
    resources
}

fn files(process: &Process) -> Option<Resource> {
    let subject = Subject::Process {
        comm: process.comm.clone(),
        pid: process.pid,
        unit: None,
    };
    let used = u64::from(process.descriptors);
    let limit = process.descriptor_limit.filter(|limit| *limit > 0)?;
    Some(Resource::exact(
        Cause::ProcessFiles,
        subject,
        used,
        limit,
        "files",
    ))
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::ProcessFiles)
        .filter(|(resource, _)| resource.limit >= DELIBERATE)
        .map(|at| finding(view, at))
        .collect()
}

fn finding(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let pid = match resource.subject {
        Subject::Process { pid, .. } => Some(pid),
        _ => None,
    };
    let name = pid.map_or_else(
        || resource.subject.to_string(),
        |pid| describe::process(view, pid),
    );
    let title = format!(
        "{name} has {} of its {} allowed files open ({})",
        thousands(resource.used),
        thousands(resource.limit),
        share(resource)
    );
    let part = pid.map(|pid| view.part(pid));
    let remedies = pid.map(|pid| remedies(view, pid, resource));
    Finding {
        blame: part.map_or(Blame::Unknown, |part| {
            let culprit = Culprit::named(describe::part(view, &part));
            Blame::only(culprit, describe::pod(&part))
        }),
        victims: vec![format!("{name} itself: open and accept fail with EMFILE")],
        ..pressure::finding((resource, severity), title, remedies.unwrap_or_default())
    }
}

fn remedies(view: &View, pid: u32, resource: &Resource) -> Vec<Remedy> {
    let value = suggest_limit(resource.used, resource.limit, 4_096, most(view));
    let mut remedies = Vec::new();
    if let Some(value) = value {
        // A hard limit that is not known may be below it, and one that is set may be above it.
        let hard = view.process(pid).and_then(|p| p.descriptor_hard_limit);
        remedies.extend(hard.map(|hard| now(pid, value, hard)));
        remedies.extend(hard.and_then(|hard| at_next_start(view, pid, value, hard)));
    }
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

/// No process may have a limit above fs.nr_open.
fn most(view: &View) -> u64 {
    let mut settings = view.snapshot.limits.iter().flat_map(|l| &l.settings);
    let live = settings
        .find(|s| s.key == NR_OPEN)
        .and_then(|s| s.live.as_ref());
    live.and_then(|live| live.parse().ok())
        .unwrap_or(DEFAULT_NR_OPEN)
}

fn now(pid: u32, value: u64, hard: u64) -> Remedy {
    let (limits, which) = if value <= hard {
        (format!("{value}:"), "soft limit")
    } else {
        (format!("{value}:{value}"), "soft and hard limit")
    };
    remedy(
        format!("prlimit --pid {pid} --nofile={limits}"),
        format!("Raises the {which} of the running process."),
    )
}

fn at_next_start(view: &View, pid: u32, value: u64, hard: u64) -> Option<Remedy> {
    let Owner::Unit { name } = view.owner(pid) else {
        return None;
    };
    if !name.ends_with(".service") {
        return None;
    }
    let hard = hard.max(value);
    let drop_in = format!("/etc/systemd/system/{name}.d");
    let (directory, file) = (
        quote(&drop_in)?,
        quote(&format!("{drop_in}/90-nofile.conf"))?,
    );
    Some(remedy(
        format!(
            "mkdir -p {directory} && printf '[Service]\\nLimitNOFILE={value}:{hard}\\n' > {file} && systemctl daemon-reload"
        ),
        "From the next start of the unit on.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;

    /// A process that is not listed is not under pressure: `explain` relies on it.
    #[test]
    fn all_that_are_under_pressure_are_listed() {
        let with = |number: u32, descriptors: u32| {
            let processes = (0..number).fold(node(), |node, pid| {
                node.process(9_000 + pid, "worker").with(|s| {
                    let last = s.processes.last_mut().unwrap();
                    (last.descriptors, last.descriptor_limit) = (descriptors, Some(100));
                })
            });
            let (listed, found) = (usage(&processes.0).len(), processes.report().findings);
            (
                listed,
                found.into_iter().find(|f| f.cause == Cause::ProcessFiles),
            )
        };
        let (listed, finding) = with(37, 95);
        assert_eq!(listed, 37);
        let title = finding.unwrap().title;
        assert!(title.starts_with("37 processes of worker"), "{title}");
        assert_eq!(with(37, 12), (LISTED, None));
    }
}
