//! Processes and threads: EAGAIN from clone(2).

use super::pressure::{self, share};
use super::remedy::{self, cgroup_file, quote, remedy};
use super::sysctl::suggest_limit;
use super::{Command, Dependency, Limit, Refusal, Sysctl, describe, errno::EAGAIN, near};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Hierarchy, NamespaceUse, NearKind, PidsCgroup, Program, Snapshot};
use crate::parse::cgroup_path::identify;
use crate::report::{
    Blame, Finding, Remedy, Resource, Rule, Severity, Subject, percent, thresholds,
};

/// `PID_MAX_LIMIT` of 64-bit kernels (include/linux/threads.h).
const PID_MAX_LIMIT: u64 = 4_194_304;
/// Limits below this are meant to be reached; only refusals count.
const DELIBERATE: u64 = 16;
/// How many cgroups are named that refused forks before.
const NAMED: usize = 8;

const OF_USERS: &[NearKind] = &[NearKind::Processes];

const EFFECT: &str = "raises how many threads the node may have";

pub const LIMIT: Limit = Limit {
    sysctls: &[
        // Numbers alone take no memory, threads do.
        Sysctl {
            least: 301,
            most: PID_MAX_LIMIT,
            floor: 32_768,
            ..Sysctl::int("kernel.pid_max", "the node", EFFECT)
        },
        // 16 KiB of stack and `struct task_struct`; `MAX_THREADS` (kernel/fork.c).
        Sysctl {
            least: 1,
            most: 0x3fff_ffff,
            floor: 32_768,
            ..Sysctl::int("kernel.threads-max", "the node", EFFECT).costing(26_624)
        },
    ],
    refusals: &[
        Refusal::of("clone", EAGAIN),
        Refusal::of("execve", EAGAIN),
        Refusal::of("execveat", EAGAIN),
    ],
    collector: Some("pids"),
    depends: &[Dependency::Cgroups, Dependency::UserProcesses],
    usage,
    findings,
    commands: &[
        Command::any(
            "grep -rs '^max [1-9]' /sys/fs/cgroup --include=pids.events | sort -k2 -rn | head",
            "shows the cgroups in which forks were refused: by their own pids.max or by that of a cgroup above",
        ),
        Command::with(
            Program::Sysctl,
            "sysctl kernel.pid_max kernel.threads-max",
            "the limits of the whole system",
        ),
    ],
    ..Limit::in_logs(
        Cause::Pids,
        "No process or thread could be started",
        include_str!("../../../../docs/causes/pids.md"),
    )
};

/// Threads of the system, and each cgroup that has a `pids.max`.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(pids) = &snapshot.pids else {
        return Vec::new();
    };
    let of = |key, limit| {
        let subject = Subject::sysctl(key);
        Resource::exact(Cause::Pids, subject, pids.threads, limit, "threads")
    };
    let mut resources = vec![of("kernel.threads-max", pids.threads_max)];
    // Since 6.14 that is the limit of nospace's own namespace, and the threads are those of the machine.
    let has_own = snapshot
        .accounts
        .as_ref()
        .is_some_and(|one| !one.pids.is_empty());
    if snapshot.vantage.initial_pid_namespace || !has_own {
        resources.insert(0, of("kernel.pid_max", pids.pid_max));
    }
    resources.extend(pids.cgroups.iter().map(cgroup));
    resources.extend(near::of_users(snapshot, OF_USERS, Cause::Pids, "threads"));
    let accounts = snapshot.accounts.iter();
    resources.extend(accounts.flat_map(|one| &one.pids).map(namespace));
    resources
}

/// A pid namespace that may have fewer pids than the node.
fn namespace(one: &NamespaceUse) -> Resource {
    let subject = Subject::Namespace {
        kind: "pid",
        id: one.id,
        pid: one.pid,
    };
    Resource::exact(Cause::Pids, subject, one.used, one.limit, "threads")
}

fn subject(path: &str) -> Subject {
    Subject::Cgroup {
        limit: "pids.max",
        path: path.to_owned(),
    }
}

fn cgroup(cgroup: &PidsCgroup) -> Resource {
    let (used, limit) = (cgroup.current, cgroup.max);
    let refused = describe::count(cgroup.refused, "fork", "forks");
    Resource {
        note: (cgroup.refused > 0).then(|| format!("{refused} refused since the cgroup was made")),
        ..Resource::exact(Cause::Pids, subject(&cgroup.path), used, limit, "threads")
    }
}

fn findings(view: &View) -> Vec<Finding> {
    let mut findings: Vec<Finding> = pressure::pressed(view, Cause::Pids)
        .filter(|(r, _)| r.limit >= DELIBERATE || r.note.is_some())
        .map(|at| finding(view, at))
        .collect();
    findings.extend(refused(view));
    findings
}

fn finding(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let (title, victim, remedies) = match &resource.subject {
        Subject::Cgroup { path, .. } => (
            format!(
                "{path} has {} of {} processes and threads ({})",
                thousands(resource.used),
                thousands(resource.limit),
                share(resource)
            ),
            format!("processes in {path}: fork fails with EAGAIN"),
            raise_cgroup(view, path, resource).into_iter().collect(),
        ),
        Subject::User(_) => {
            let refused = near::pids(view, OF_USERS, resource);
            (
                format!(
                    "{} has {} of {} processes and threads (RLIMIT_NPROC, {})",
                    view.caption(&resource.subject),
                    thousands(resource.used),
                    thousands(resource.limit),
                    share(resource)
                ),
                format!("{}: fork fails with EAGAIN", near::names(view, &refused)),
                near::raise(
                    &refused,
                    "nproc",
                    resource,
                    "LimitNPROC= of the unit, or limits.conf,",
                ),
            )
        }
        Subject::Namespace { pid, .. } => (
            format!(
                "{} has {} of {} processes and threads (its kernel.pid_max, {})",
                resource.subject,
                thousands(resource.used),
                thousands(resource.limit),
                share(resource)
            ),
            "every process in it: fork fails with EAGAIN".to_owned(),
            raise_namespace(resource, *pid),
        ),
        key => (
            format!(
                "The node has {} threads, {key} allows {} ({})",
                thousands(resource.used),
                thousands(resource.limit),
                share(resource)
            ),
            "every process: fork fails with EAGAIN".to_owned(),
            remedy::raise_sysctl(view, resource),
        ),
    };
    let mut finding = pressure::finding((resource, severity), title, remedies);
    if let Subject::Cgroup { path, .. } = &resource.subject {
        finding.evidence.extend(ancestors(view, path));
    }
    Finding {
        victims: vec![victim],
        ..finding
    }
}

/// The cgroups above `path` that limit it as well, from the top.
fn above<'v>(view: &'v View, path: &'v str) -> impl Iterator<Item = &'v PidsCgroup> {
    let cgroups = view.snapshot.pids.iter().flat_map(|pids| &pids.cgroups);
    cgroups.filter(move |cgroup| {
        let rest = path.strip_prefix(&cgroup.path);
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}

/// What limits a cgroup besides its own pids.max, a line each.
fn ancestors(view: &View, path: &str) -> Vec<String> {
    let line = |above: &PidsCgroup| {
        let PidsCgroup {
            path: above,
            current,
            max,
            ..
        } = above;
        format!(
            "{above} limits it as well: {} of {} (exact: the kernel's own number)",
            thousands(*current),
            thousands(*max)
        )
    };
    above(view, path).map(line).collect()
}

fn raise_namespace(resource: &Resource, pid: u32) -> Vec<Remedy> {
    let value = suggest_limit(resource.used, resource.limit, 32_768, PID_MAX_LIMIT);
    let raise = |value| {
        remedy(
            format!("nsenter -t {pid} -p -m sh -c 'echo {value} > /proc/sys/kernel/pid_max'"),
            "Takes effect at once, in this pid namespace alone.",
        )
    };
    value.filter(|_| pid > 0).map(raise).into_iter().collect()
}

fn raise_cgroup(view: &View, path: &str, resource: &Resource) -> Option<Remedy> {
    let value = suggest_limit(resource.used, resource.limit, 0, PID_MAX_LIMIT)?;
    if path.contains("kubepods") {
        let kubelet = view.forecast.kubelet_start.as_ref()?.kubelet_pid?;
        return Some(remedy(
            format!("tr '\\0' '\\n' < /proc/{kubelet}/cmdline | grep -i -e config -e pids"),
            format!(
                "The kubelet sets this limit: podPidsLimit: {value} in its configuration file, or --pod-max-pids={value}, and \
                 pods that start from then on have room."
            ),
        ));
    }
    let tight = |above: &&PidsCgroup| above.max <= value;
    let also = above(view, path)
        .filter(tight)
        .last()
        .map_or_else(String::new, |above| {
            format!(
                " Raise pids.max of {} as well: it limits what is below it.",
                above.path
            )
        });
    let name = path.rsplit('/').next().unwrap_or(path);
    // The systemd of a user or a guest has units that the system's does not know.
    if identify(path).unit.as_deref() == Some(name) {
        return Some(remedy(
            format!("systemctl set-property {} TasksMax={value}", quote(name)?),
            format!("Takes effect at once, and at the next start.{also}"),
        ));
    }
    let hierarchies = &view.snapshot.cgroups.as_ref()?.hierarchies;
    let pids = |h: &&Hierarchy| h.controllers.iter().any(|c| c == "pids");
    let mountpoint = &hierarchies.iter().find(pids)?.mountpoint;
    Some(remedy(
        format!(
            "echo {value} > {}",
            cgroup_file(mountpoint, path, "pids.max")?
        ),
        format!(
            "Takes effect at once, until the program that made the cgroup sets it again.{also}"
        ),
    ))
}

/// Refusals of the past, in cgroups that have room now.
fn refused(view: &View) -> Option<Finding> {
    let has_room = |c: &&PidsCgroup| {
        let percent = percent(c.current, c.max);
        c.refused > 0 && percent < Some(thresholds::WARNING_PERCENT)
    };
    let pids = view.snapshot.pids.as_ref()?;
    let mut cgroups: Vec<&PidsCgroup> = pids.cgroups.iter().filter(has_room).collect();
    cgroups.sort_by_key(|c| std::cmp::Reverse(c.refused));
    let first = cgroups.first()?;
    Some(Finding {
        cause: Cause::Pids,
        rule: Rule::PidsRefused,
        severity: Severity::Info,
        subject: subject(&first.path),
        title: format!(
            "{} refused in {} since it was made; there is room now",
            describe::count(first.refused, "fork was", "forks were"),
            first.path,
        ),
        evidence: cgroups
            .iter()
            .take(NAMED)
            .map(|c| {
                format!(
                    "{}: {} refused, {} of {} threads now (exact: pids.events, pids.current)",
                    c.path,
                    describe::count(c.refused, "fork", "forks"),
                    thousands(c.current),
                    thousands(c.max)
                )
            })
            .chain(ancestors(view, &first.path))
            .collect(),
        blame: Blame::Unknown,
        victims: cgroups.iter().take(NAMED).map(|c| c.path.clone()).collect(),
        remedies: Vec::new(),
    })
}
