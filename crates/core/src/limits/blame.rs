//! Who a budget went to: its culprits, or the groups that its use is made of.

use std::collections::{BTreeMap, BTreeSet};

use super::describe;
use crate::attribute::{Holder, Part, View, below};
use crate::model::{InotifyResource, UserKey};
use crate::report::{Blame, Group, Owner, PodPart, Share, percent};
use crate::runtimes::monitor;

/// Groups that are named, the largest first; one more stands for the rest.
const NAMED: usize = 4;

/// Letters and digits of the suffixes that Kubernetes makes up (`alphanums`, k8s.io/apimachinery/pkg/util/rand).
const GENERATED: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Of `budget` instances or watches that are charged to `key`, the holders being `holders`, the largest first.
pub fn of_inotify(
    view: &View,
    resource: InotifyResource,
    key: UserKey,
    holders: &[Holder],
    budget: u64,
) -> Blame {
    let share = |holder: &Holder| Share {
        held: holder.holds[resource],
        culprit: describe::holder(view, holder),
        pod: describe::pod(&holder.part),
    };
    let groups = || {
        let uses = uses(view, resource, key, holders);
        groups(view, &uses, budget, resource.unit())
    };
    Blame::of(budget, holders.iter().map(share).collect(), groups)
}

/// A budget of `budget` units, and how many each process holds.
pub fn of_processes(view: &View, uses: &BTreeMap<u32, u64>, budget: u64, unit: &str) -> Blame {
    let mut held = BTreeMap::<Part, u64>::new();
    for (pid, used) in uses {
        *held.entry(view.part(*pid)).or_default() += used;
    }
    let mut shares: Vec<Share> = held
        .iter()
        .map(|(part, held)| Share {
            held: *held,
            culprit: describe::with_amount(view, part, *held, unit),
            pod: describe::pod(part),
        })
        .collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.held));
    Blame::of(budget, shares, || groups(view, uses, budget, unit))
}

/// What each process holds of it; an instance that several have is the first one's.
fn uses(
    view: &View,
    resource: InotifyResource,
    key: UserKey,
    holders: &[Holder],
) -> BTreeMap<u32, u64> {
    let pids: BTreeSet<u32> = holders.iter().flat_map(|h| &h.pids).copied().collect();
    let mut uses = BTreeMap::new();
    let inotify = view.snapshot.inotify.iter();
    for (inotify, instance) in inotify.flat_map(|i| i.instances.iter().map(move |one| (i, one))) {
        let all = instance.holders.iter().map(|descriptor| descriptor.pid);
        let first = all.filter(|pid| pids.contains(pid)).min();
        if let Some(pid) = first.filter(|_| below(inotify, instance.charged, key)) {
            *uses.entry(pid).or_default() += match resource {
                InotifyResource::Instances => 1,
                InotifyResource::Watches => u64::from(instance.watches),
            };
        }
    }
    uses
}

/// What processes have in common. Of groups as large as each other the first kind is the most telling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Common {
    /// Pods of one workload: namespace, name.
    Workload(String, String),
    Unit(String),
    Part(Part),
    /// The name of a program.
    Program(String),
}

/// The largest groups, each without those of the larger ones.
fn groups(view: &View, uses: &BTreeMap<u32, u64>, budget: u64, unit: &str) -> Vec<Group> {
    let group = |name, pids: &[u32], used| Group {
        name,
        processes: pids.len() as u64,
        used,
        unit: unit.to_owned(),
        percent: percent(used, budget).unwrap_or_default(),
    };
    let mut rest: BTreeMap<u32, (u64, Vec<Common>)> = uses
        .iter()
        .map(|(pid, used)| (*pid, (*used, common(view, *pid))))
        .collect();
    let mut groups = Vec::new();
    while groups.len() < NAMED && !rest.is_empty() {
        let Some((common, used)) = largest(&rest) else {
            break;
        };
        let is_in = |all: &[Common]| all.contains(&common);
        let pids: Vec<u32> = rest
            .iter()
            .filter(|(_, (_, all))| is_in(all))
            .map(|(pid, _)| *pid)
            .collect();
        rest.retain(|_, (_, all)| !is_in(all));
        groups.push(group(name(view, &common, &pids), &pids, used));
    }
    let others: Vec<u32> = rest.keys().copied().collect();
    let used: u64 = rest.values().map(|(used, _)| used).sum();
    if used > 0 {
        let name = describe::count(others.len() as u64, "other process", "other processes");
        groups.push(group(name, &others, used));
    }
    groups
}

fn largest(rest: &BTreeMap<u32, (u64, Vec<Common>)>) -> Option<(Common, u64)> {
    let mut sums = BTreeMap::<&Common, u64>::new();
    for (used, all) in rest.values() {
        for common in all {
            *sums.entry(common).or_default() += used;
        }
    }
    let first_wins = sums.into_iter().rev();
    let (common, used) = first_wins.max_by_key(|(_, used)| *used)?;
    (used > 0).then(|| (common.clone(), used))
}

fn common(view: &View, pid: u32) -> Vec<Common> {
    let comm = view.process(pid).map_or("", |p| p.comm.as_str());
    let program = monitor(comm).map_or(comm, |monitor| monitor.title);
    let mut all = vec![Common::Program(program.to_owned())];
    match view.owner(pid) {
        Owner::Pod {
            namespace,
            name,
            part,
            ..
        } if *part != PodPart::Shim && !name.is_empty() => {
            all.push(Common::Workload(
                namespace.clone(),
                workload(name).to_owned(),
            ));
        }
        Owner::Unit { name } => all.push(Common::Unit(name.clone())),
        _ => {}
    }
    match view.part(pid) {
        Part::Process { .. } => {}
        part => all.push(Common::Part(part)),
    }
    all
}

fn name(view: &View, common: &Common, pids: &[u32]) -> String {
    let parts: BTreeSet<Part> = pids.iter().map(|pid| view.part(*pid)).collect();
    let pods = parts
        .iter()
        .all(|part| matches!(part, Part::Pod { .. }))
        .then(|| describe::count(parts.len() as u64, "pod", "pods"));
    let processes = describe::count(pids.len() as u64, "process", "processes");
    let only = parts.first().filter(|_| parts.len() == 1);
    match (common, pods, pids) {
        (Common::Part(part), ..) => describe::part(view, part),
        (Common::Program(_) | Common::Unit(_), None, [pid]) => describe::process(view, *pid),
        (Common::Workload(..), ..) if only.is_some() => {
            only.map_or(String::new(), |part| describe::part(view, part))
        }
        (Common::Program(program), None, _) => format!("{processes} of {program}"),
        (Common::Program(program), Some(pods), _) => format!("{program} of {pods}"),
        (Common::Unit(unit), ..) => format!("{processes} of {unit}"),
        (Common::Workload(namespace, name), pods, _) => {
            format!("{} of {namespace}/{name}", pods.unwrap_or(processes))
        }
    }
}

/// The name of what made the pod, as far as its own name tells: without the suffixes that Kubernetes made up.
fn workload(pod: &str) -> &str {
    let generated = |name: &'_ str, lengths: std::ops::RangeInclusive<usize>| {
        let (stem, suffix) = name.rsplit_once('-')?;
        let made_up = suffix.chars().all(|c| GENERATED.contains(c));
        (made_up && lengths.contains(&suffix.len())).then_some(stem.len())
    };
    if let Some(end) = generated(pod, 5..=5) {
        let stem = &pod[..end];
        return &stem[..generated(stem, 6..=10).unwrap_or(end)];
    }
    match pod.rsplit_once('-') {
        Some((stem, number)) if number.parse::<u32>().is_ok() => stem,
        _ => pod,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;

    #[test]
    fn pods_of_a_workload_differ_by_suffixes() {
        for (pod, of) in [
            ("web-7d4b9c6f5b-x2k9p", "web"),
            ("node-exporter-z8x4d", "node-exporter"),
            ("postgres-0", "postgres"),
            ("kube-proxy", "kube-proxy"),
            ("etcd-node1", "etcd-node1"),
            ("", ""),
            ("-", "-"),
        ] {
            assert_eq!(workload(pod), of, "{pod}");
        }
    }

    #[test]
    fn holders_are_grouped_by_what_they_have_in_common() {
        let mut node = node().limits(100, 8_192);
        for pid in 1..=40 {
            let pod = format!(
                "web-7d4b9c6f5b-{}",
                ["x2k9p", "zzzzz", "bbbbb", "ccccc"][pid % 4]
            );
            let pid = u32::try_from(pid).unwrap();
            node = node.pod(pid, "node", &pod).holds(2, 1);
        }
        let node = node
            .process(90, "tail")
            .holds(15, 1)
            .process(91, "tail")
            .holds(4, 1);
        let finding = node.finding("inotify-instances");
        assert_eq!(finding.blame.culprits(), []);
        let groups = finding.blame.groups();
        let shown: Vec<(&str, u64)> = groups.iter().map(|g| (g.name.as_str(), g.used)).collect();
        assert_eq!(
            shown,
            [("4 pods of default/web", 80), ("2 processes of tail", 19)]
        );
    }
}
