//! What a verdict of health depends on: it is given only where all of that was seen.

use crate::attribute::most_used;
use crate::cause::Cause;
use crate::limits::{self, Dependency, LIMITS};
use crate::matter::Matter;
use crate::model::{InotifyResource, UserKey};
use crate::report::{AllSeen, NotCovered, NotSeen, Report, StartVerdict, Subject, Unseen, User};

/// The proof that a verdict of health about `matter` needs.
///
/// # Errors
///
/// What was not seen.
pub fn all_seen(matter: Matter, report: &Report) -> Result<AllSeen, Vec<Unseen>> {
    let unseen = unseen_of(matter, report);
    AllSeen::where_nothing_is(&unseen).ok_or(unseen)
}

/// The proof that a program which was refused for `cause` would not be refused again: wherever it runs, for no log says that.
///
/// # Errors
///
/// What was not seen.
pub fn room_for_all(cause: Cause, report: &Report) -> Result<AllSeen, Vec<Unseen>> {
    let mut unseen = unseen_of(Matter::Cause(cause), report);
    match cause {
        Cause::SysvSemaphores | Cause::SysvShm | Cause::SysvMessages
            if has_other_ipc_namespaces(report) =>
        {
            unseen.push(Unseen::OtherIpcNamespaces);
        }
        Cause::DiskQuota => unseen.push(Unseen::OtherQuotas),
        _ => {}
    }
    AllSeen::where_nothing_is(&unseen).ok_or(unseen)
}

fn has_other_ipc_namespaces(report: &Report) -> bool {
    let kind = Subject::sysctl("user.max_ipc_namespaces");
    let counted = report.resources.iter().find(|one| one.subject == kind);
    counted.is_none_or(|one| one.used > 0)
}

/// What was not seen of what verdicts about `matters` depend on, each once.
#[must_use]
pub fn unseen(matters: &[Matter], report: &Report) -> Vec<Unseen> {
    let mut all = Vec::new();
    for one in matters.iter().flat_map(|matter| unseen_of(*matter, report)) {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    // What can be helped comes first.
    all.sort_by_key(|one| one.remedy().is_none());
    all
}

/// Makes the answer of `report` depend on the whole node: on inotify, and on every other limit as far as its collector ran. What the
/// place hides is not part of that answer; the report lists it.
pub fn judge_node(report: &mut Report) {
    let ran = |name| report.collectors.iter().any(|run| run.name == name);
    let is_read = |name| name == INOTIFY || ran(name);
    let causes = || {
        let read = LIMITS
            .iter()
            .filter(|limit| limit.collector.is_some_and(is_read));
        read.map(|limit| limit.cause)
    };
    let matters: Vec<Matter> = causes().map(Matter::Cause).collect();
    let mut unseen = unseen(&matters, report);
    unseen.retain(|one| !one.is_out_of_sight());
    let hidden = |cause: Cause| {
        let all = unseen_of(Matter::Cause(cause), report);
        let first = all.into_iter().find(Unseen::is_out_of_sight)?;
        Some(NotCovered {
            cause: cause.code().to_owned(),
            why: first.sentence(),
        })
    };
    let not_covered = causes().filter_map(hidden).collect();
    report.unseen = NotSeen::new(unseen);
    report.not_covered = not_covered;
}

/// Codes of the limits of which something is not seen where the collectors `are_partial` are.
#[must_use]
pub fn causes_without(are_partial: &[&str]) -> Vec<&'static str> {
    let is_partial = |name: &str| are_partial.contains(&name);
    let depends = |dependency: &Dependency| match dependency {
        Dependency::UserProcesses => is_partial("rlimits"),
        Dependency::Cgroups => is_partial("cgroups"),
        Dependency::Ancestors | Dependency::Processes => false,
    };
    let hidden = LIMITS.iter().filter(|limit| {
        limit.collector.is_some_and(is_partial) || limit.depends.iter().any(depends)
    });
    hidden.map(|limit| limit.cause.code()).collect()
}

/// Leaves in `report` only the findings about any of `matters`, and makes its answer depend on what these
/// depend on.
pub fn judge_by(matters: &[Matter], report: &mut Report) {
    report
        .findings
        .retain(|finding| matters.contains(&Matter::of(finding)));
    report.unseen = NotSeen::new(unseen(matters, report));
    report.not_covered.clear();
}

/// The collector of instances and watches.
const INOTIFY: &str = "inotify";

fn unseen_of(matter: Matter, report: &Report) -> Vec<Unseen> {
    let Matter::Cause(cause) = matter else {
        return kubelet_start(report);
    };
    let limit = limits::of(cause);
    let Some(collector) = limit.collector else {
        return vec![Unseen::OnlyInLogs {
            cause: cause.code().to_owned(),
        }];
    };
    let mut unseen: Vec<Unseen> = of_collector(collector, report).into_iter().collect();
    unseen.extend(
        limit
            .depends
            .iter()
            .filter_map(|on| of_dependency(*on, report)),
    );
    if let Some(resource) = InotifyResource::of_cause(cause) {
        unseen.extend(of_limits(resource, report));
        unseen.extend(of_guards(resource, report));
    }
    unseen
}

/// A guard refuses pods below the limit, but never below half of it.
fn of_guards(resource: InotifyResource, report: &Report) -> Option<Unseen> {
    let is_node = report.log_context.has_kubelet == Some(true) || !report.pods.is_empty();
    let root = report
        .users
        .iter()
        .find(|user| user.key() == UserKey::initial(0))?;
    let budget = root.budget(resource);
    let is_possible = is_node
        && budget
            .limit
            .is_some_and(|limit| limit > 1 && budget.used >= limit / 2);
    let why = match &report.guards {
        Some(guards) => Some(guards.unreadable.first()?.clone()),
        // The account was read by a nospace that does not know of guards: before there were any.
        None if budget.is_exact() => return None,
        None => None,
    };
    is_possible.then_some(Unseen::Guards { why })
}

fn kubelet_start(report: &Report) -> Vec<Unseen> {
    match &report.forecast.kubelet_start {
        Some(start) if start.verdict == StartVerdict::Unknown => start.unseen.clone(),
        Some(_) => Vec::new(),
        None => {
            let read_by = [INOTIFY, "limits", "cgroups"].into_iter();
            let failed: Vec<Unseen> = read_by
                .filter_map(|name| of_collector(name, report))
                .collect();
            if failed.is_empty() {
                vec![unread("cgroups", None)]
            } else {
                failed
            }
        }
    }
}

fn of_collector(name: &str, report: &Report) -> Option<Unseen> {
    let run = report.collectors.iter().find(|run| run.name == name);
    match run {
        None => Some(unread(name, None)),
        Some(run) => Unseen::of_run(run, &report.vantage),
    }
}

fn unread(name: &str, why: Option<String>) -> Unseen {
    Unseen::Unread {
        collector: name.to_owned(),
        why,
    }
}

fn of_dependency(dependency: Dependency, report: &Report) -> Option<Unseen> {
    let vantage = &report.vantage;
    match dependency {
        Dependency::Ancestors => (!vantage.sees_all_accounts()).then_some(Unseen::Ancestors),
        Dependency::Processes => {
            (!vantage.initial_pid_namespace).then_some(Unseen::OtherPidNamespaces)
        }
        // The kernel's accounting has what each user's processes count.
        Dependency::UserProcesses => of_collector("rlimits", report).map(|_| Unseen::UserProcesses),
        Dependency::Cgroups => of_collector("cgroups", report),
    }
}

/// Limits of inotify: without one its account cannot be judged.
fn of_limits(resource: InotifyResource, report: &Report) -> Vec<Unseen> {
    let limit = |user: &User| user.budget(resource).limit;
    let mut unseen = Vec::new();
    if report.limits.is_none() && report.users.iter().all(|user| limit(user).is_none()) {
        unseen.extend(of_collector("limits", report).or(Some(unread("limits", None))));
    }
    let is_short = |user: &User| {
        let limit = limit(user).filter(|_| !user.budget(resource).is_exact() && user.is_initial());
        limit.is_some_and(|limit| most_used(&report.users, resource) >= limit)
    };
    unseen.extend(
        report
            .users
            .iter()
            .any(is_short)
            .then_some(Unseen::ChargedUsers),
    );
    let mut children: Vec<u64> = report
        .users
        .iter()
        .filter(|user| !user.is_initial() && limit(user).is_none() && user.instances.used > 0)
        .map(|user| user.user_namespace)
        .collect();
    children.sort_unstable();
    children.dedup();
    unseen.extend(
        children
            .into_iter()
            .map(|user_namespace| Unseen::ChildLimits { user_namespace }),
    );
    unseen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CollectorRun, NamespaceCount, Namespaces, Vantage};
    use crate::report::Status;
    use crate::testing::node;

    #[test]
    fn what_could_not_be_read_is_unknown() {
        let mut snapshot = crate::testing::node().0;
        for (name, error) in [("sysv", Some("no word 4")), ("keys", None)] {
            snapshot.collectors.push(CollectorRun {
                name: name.to_owned(),
                error: error.map(str::to_owned),
                ..CollectorRun::default()
            });
        }
        let report = crate::conclude(&snapshot);
        assert_eq!(report.status(), Status::Unknown);
        let sysv = Unseen::Unread {
            collector: "sysv".to_owned(),
            why: Some("no word 4".to_owned()),
        };
        assert_eq!(report.unseen[..], [sysv]);
        let judged = |cause: Cause| {
            let mut report = report.clone();
            judge_by(&[Matter::Cause(cause)], &mut report);
            report.status()
        };
        assert_eq!(judged(Cause::SysvShm), Status::Unknown);
        assert_eq!(judged(Cause::SysvSemaphores), Status::Unknown);
        assert!(judged(Cause::Keys).is_well());
        assert!(judged(Cause::InotifyWatches).is_well());
        // It did not run; no collector reads it.
        assert_eq!(judged(Cause::MountLimit), Status::Unknown);
        assert_eq!(judged(Cause::IpPool), Status::Unknown);
    }

    #[test]
    fn a_report_that_nothing_judged_is_not_well() {
        let mut report = node().report();
        assert!(report.status().is_well());
        report.unseen = NotSeen::unjudged();
        assert_eq!(report.status(), Status::Unknown);
    }

    fn unseen_by(change: impl FnOnce(&mut Vantage)) -> Vec<Unseen> {
        node()
            .with(|s| change(&mut s.vantage))
            .report()
            .unseen
            .to_vec()
    }

    #[test]
    fn well_only_where_all_accounts_and_processes_are_in_sight() {
        assert!(node().report().status().is_well());
        let of_guest = unseen_by(|vantage| vantage.user_namespace = Some(7));
        assert_eq!(of_guest, [Unseen::Ancestors]);
        let unknown = unseen_by(|vantage| vantage.user_namespace = None);
        assert_eq!(unknown, [Unseen::Ancestors]);
        let of_pod = unseen_by(|vantage| vantage.initial_pid_namespace = false);
        assert_eq!(of_pod, [Unseen::OtherPidNamespaces]);
    }

    #[test]
    fn cgroups_that_were_not_read_may_refuse_processes() {
        let branch = node().with(|s| {
            for (name, partial) in [("pids", false), ("cgroups", true), ("rlimits", false)] {
                s.collectors.push(CollectorRun {
                    name: name.to_owned(),
                    partial,
                    ..CollectorRun::default()
                });
            }
        });
        let pids = Matter::Cause(Cause::Pids);
        let unseen = all_seen(pids, &branch.report()).unwrap_err();
        assert!(
            matches!(&unseen[..], [Unseen::Partial { collector, .. }] if collector == "cgroups")
        );
    }

    #[test]
    fn who_was_refused_may_live_in_another_namespace() {
        let ran = |name: &str| CollectorRun {
            name: name.to_owned(),
            ..CollectorRun::default()
        };
        let with_ipc = |used| {
            node().with(|s| {
                s.collectors.extend(["sysv", "namespaces"].map(ran));
                s.namespaces = Some(Namespaces {
                    kinds: vec![NamespaceCount {
                        kind: "ipc".to_owned(),
                        used,
                        limit: 1_000,
                    }],
                });
            })
        };
        let room = |used| room_for_all(Cause::SysvShm, &with_ipc(used).report());
        assert!(room(0).is_ok());
        assert_eq!(room(3), Err(vec![Unseen::OtherIpcNamespaces]));
        // The answer about the node is about its own.
        assert!(with_ipc(3).report().status().is_well());
    }

    #[test]
    fn what_the_place_hides_is_named_and_not_vouched_for() {
        let run = |name: &str, out_of_sight| CollectorRun {
            name: name.to_owned(),
            out_of_sight,
            gaps: vec!["why".to_owned()],
            ..CollectorRun::default()
        };
        let branch = node().with(|s| {
            let names = [
                ("bpf-jit", true),
                ("pids", false),
                ("cgroups", false),
                ("rlimits", true),
            ];
            s.collectors
                .extend(names.map(|(name, hidden)| run(name, hidden)));
        });
        let report = branch.report();
        assert!(report.status().is_well() && report.unseen.is_empty());
        let mut named: Vec<&str> = report
            .not_covered
            .iter()
            .map(|one| one.cause.as_str())
            .collect();
        named.sort_unstable();
        assert_eq!(named, ["bpf-jit", "memlock", "pids", "posix-mqueue"]);
        for cause in [Cause::BpfJit, Cause::Memlock, Cause::Pids] {
            assert!(all_seen(Matter::Cause(cause), &report).is_err());
            assert!(room_for_all(cause, &report).is_err());
            let mut judged = report.clone();
            judge_by(&[Matter::Cause(cause)], &mut judged);
            assert_eq!(judged.status(), Status::Unknown, "{cause}");
            assert!(judged.not_covered.is_empty());
        }
    }

    #[test]
    fn collectors_stand_for_their_limits() {
        assert_eq!(causes_without(&["bpf-jit"]), ["bpf-jit"]);
        let mut of_rlimits = causes_without(&["rlimits"]);
        of_rlimits.sort_unstable();
        assert_eq!(of_rlimits, ["memlock", "pids", "posix-mqueue"]);
        assert!(causes_without(&["a collector of tomorrow"]).is_empty());
    }

    #[test]
    fn a_failure_is_no_place() {
        let branch = node().with(|s| {
            s.collectors.push(CollectorRun {
                name: "bpf-jit".to_owned(),
                partial: true,
                out_of_sight: true,
                ..CollectorRun::default()
            });
        });
        let report = branch.report();
        assert_eq!(report.status(), Status::Unknown);
        assert_eq!(report.not_covered, []);
    }

    #[test]
    fn what_stopped_short_is_unknown_as_well() {
        let partial = node().with(|s| {
            s.collectors[0].partial = true;
            s.collectors[0].gaps = vec!["1 of 9 processes".to_owned()];
        });
        let report = partial.report();
        assert_eq!(report.status(), Status::Unknown);
        assert!(report.unseen[0].to_string().ends_with("1 of 9 processes"));
    }
}
