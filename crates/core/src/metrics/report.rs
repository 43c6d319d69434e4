use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::guard::of_report as guards;
use super::text::Exposition;
use super::{Family, OTHER, family};
use crate::cause::Cause;
use crate::growth::Growth;
use crate::model::Pair;
use crate::report::{
    KubeletStart, Pod, PodContainer, PodPart, Report, Resource, Severity, StartVerdict, User,
};

/// Users with rows of their own: a node has few, but every user namespace may bring more.
const MAX_USERS: usize = 100;
/// Containers of a pod with rows of their own.
const MAX_CONTAINERS: usize = 16;
/// Budgets of a cause with rows of their own.
const MAX_SUBJECTS: usize = 20;
/// Budgets of all causes that have rows as the fullest, too.
const FULLEST: usize = 4;

/// Writes the metrics of a report; only the agent knows `growth`.
pub fn write(report: &Report, growth: &[Growth], top: usize, out: &mut Exposition) {
    build(report, out);
    users(&report.users, out);
    pods(&report.pods, top, out);
    resources(&report.resources, out);
    start(report.forecast.kubelet_start.as_ref(), out);
    guards(report, out);
    findings(report, out);
    collectors(report, out);
    rates(growth, out);
}

fn build(report: &Report, out: &mut Exposition) {
    out.family(&family::BUILD, [([env!("CARGO_PKG_VERSION")], 1)]);
    let node = &report.node;
    let labels = [
        node.name.as_str(),
        node.kernel.as_str(),
        node.cgroup_version.name(),
    ];
    out.family(&family::NODE, [(labels, 1)]);
    out.single(&family::STATUS, Some(report.status().exit_code()));
    let limits = report.limits.iter().flat_map(|limits| {
        [
            (["fs.inotify.max_user_instances"], limits.max_user_instances),
            (["fs.inotify.max_user_watches"], limits.max_user_watches),
            (["fs.inotify.max_queued_events"], limits.max_queued_events),
        ]
    });
    out.family(&family::SYSCTL, limits);
}

fn users(users: &[User], out: &mut Exposition) {
    let (named, rest) = users.split_at(users.len().min(MAX_USERS));
    let mut rows = |family: &Family, figure: &dyn Fn(&User) -> Option<u64>, summed: bool| {
        let mut rows: Vec<(String, String, u64)> = named
            .iter()
            .filter_map(|u| Some((u.uid.to_string(), u.user_namespace.to_string(), figure(u)?)))
            .collect();
        // A sum of limits would be none.
        if summed && !rest.is_empty() {
            let sum = rest.iter().filter_map(figure).fold(0, u64::saturating_add);
            rows.push((OTHER.to_owned(), OTHER.to_owned(), sum));
        }
        let rows = rows.iter();
        out.family(
            family,
            rows.map(|(uid, userns, value)| ([uid.as_str(), userns.as_str()], value)),
        );
    };
    rows(&family::INSTANCES, &|u| u.instances.known_used(), true);
    rows(&family::INSTANCES_LIMIT, &|u| u.instances.limit, false);
    rows(&family::WATCHES, &|u| u.watches.known_used(), true);
    rows(&family::WATCHES_LIMIT, &|u| u.watches.limit, false);
    rows(
        &family::UNATTRIBUTED_INSTANCES,
        &|u| u.unattributed.instances,
        true,
    );
    rows(
        &family::UNATTRIBUTED_WATCHES,
        &|u| u.unattributed.watches,
        true,
    );
}

/// Namespace, pod, container.
type PodLabels<'a> = [&'a str; 3];

fn pods(pods: &[Pod], top: usize, out: &mut Exposition) {
    let mut rows: BTreeMap<PodLabels<'_>, Pair<u64>> = BTreeMap::new();
    let chosen = top_pods(pods, top);
    for (pod, chosen) in pods.iter().zip(chosen) {
        if !chosen {
            add(&mut rows, [OTHER; 3], Pair::of(pod.instances, pod.watches));
            continue;
        }
        for (at, container) in pod.containers.iter().enumerate() {
            let name = if at < MAX_CONTAINERS {
                name(container)
            } else {
                OTHER
            };
            let held = Pair::of(container.instances, container.watches);
            add(&mut rows, [&pod.namespace, pod_name(pod), name], held);
        }
    }
    let instances = rows.iter().map(|(place, held)| (place, held.instances));
    out.family(&family::POD_INSTANCES, instances);
    let watches = rows.iter().map(|(place, held)| (place, held.watches));
    out.family(&family::POD_WATCHES, watches);
}

fn add<'a>(rows: &mut BTreeMap<PodLabels<'a>, Pair<u64>>, place: PodLabels<'a>, held: Pair<u64>) {
    let row = rows.entry(place).or_default();
    *row = row.plus(held);
}

/// Which `top` pods have rows: those that hold most of either.
fn top_pods(pods: &[Pod], top: usize) -> Vec<bool> {
    let ranked = |figure: fn(&Pod) -> u64| {
        let mut order: Vec<usize> = (0..pods.len()).collect();
        order.sort_by_key(|&at| (Reverse(figure(&pods[at])), &pods[at].uid));
        order
    };
    let mut chosen = vec![false; pods.len()];
    let (watches, instances) = (ranked(|p| p.watches), ranked(|p| p.instances));
    let by_turns = watches.into_iter().zip(instances).flat_map(|(w, i)| [w, i]);
    let mut left = top;
    for at in by_turns {
        if left > 0 && !std::mem::replace(&mut chosen[at], true) {
            left -= 1;
        }
    }
    chosen
}

/// A pod that only its uid is known of is called by that.
fn pod_name(pod: &Pod) -> &str {
    if pod.name.is_empty() {
        &pod.uid
    } else {
        &pod.name
    }
}

/// What a container is called, where the specification does not say: by its part, or by its id as crictl shortens it.
fn name(container: &PodContainer) -> &str {
    match container.part {
        PodPart::Sandbox => "sandbox",
        PodPart::Shim => "shim",
        PodPart::Container if container.name.is_empty() => {
            container.id.get(..13).unwrap_or(&container.id)
        }
        PodPart::Container => &container.name,
    }
}

/// Cause, subject and unit of a resource; used and limit.
type ResourceRow<'a> = ([&'a str; 3], (u64, u64));

fn resources(resources: &[Resource], out: &mut Exposition) {
    let mut rows: BTreeMap<(Cause, String, &str), (u64, u64)> = BTreeMap::new();
    let mut listed: BTreeMap<(Cause, &str), usize> = BTreeMap::new();
    // They come the fullest first.
    for resource in resources {
        let kind = (resource.cause, resource.unit.as_str());
        let listed = listed.entry(kind).or_default();
        *listed += 1;
        let subject = if *listed <= MAX_SUBJECTS {
            resource.subject.to_string()
        } else {
            OTHER.to_owned()
        };
        let row = rows.entry((resource.cause, subject, kind.1)).or_default();
        row.0 = row.0.saturating_add(resource.used);
        row.1 = row.1.saturating_add(resource.limit);
    }
    let rows: Vec<ResourceRow<'_>> = rows
        .iter()
        .map(|((cause, subject, unit), row)| ([cause.code(), subject.as_str(), *unit], *row))
        .collect();
    let mut fullest: Vec<_> = rows
        .iter()
        .filter(|([_, subject, _], (_, limit))| *subject != OTHER && *limit > 0)
        .copied()
        .collect();
    let share = |used: u64, limit: u64| (u128::from(used) << 64) / u128::from(limit);
    fullest.sort_by_key(|(_, (used, limit))| Reverse(share(*used, *limit)));
    fullest.truncate(FULLEST);
    for (used, limit, rows) in [
        (&family::RESOURCE_USED, &family::RESOURCE_LIMIT, rows),
        (&family::FULLEST_USED, &family::FULLEST_LIMIT, fullest),
    ] {
        out.family(used, rows.iter().map(|(labels, row)| (labels, row.0)));
        out.family(limit, rows.iter().map(|(labels, row)| (labels, row.1)));
    }
}

fn start(start: Option<&KubeletStart>, out: &mut Exposition) {
    let known = |start: &&KubeletStart| start.verdict != StartVerdict::Unknown;
    let ok = start
        .filter(known)
        .map(|s| u8::from(s.verdict != StartVerdict::Fails));
    let free = start.filter(known);
    out.single(&family::KUBELET_START_OK, ok);
    out.single(
        &family::KUBELET_START_WATCHES_NEEDED,
        start.map(|s| s.watches_needed),
    );
    out.single(
        &family::KUBELET_START_WATCHES_FREE,
        free.map(|s| s.watches_free),
    );
    out.single(
        &family::KUBELET_START_INSTANCES_NEEDED,
        start.map(|s| s.instances_needed),
    );
    out.single(
        &family::KUBELET_START_INSTANCES_FREE,
        free.map(|s| s.instances_free),
    );
}

fn findings(report: &Report, out: &mut Exposition) {
    let mut rows: BTreeMap<(Cause, Severity), u64> = BTreeMap::new();
    for finding in &report.findings {
        *rows.entry((finding.cause, finding.severity)).or_default() += 1;
    }
    let rows = rows.iter();
    out.family(
        &family::FINDING,
        rows.map(|((cause, severity), n)| ([cause.code(), severity.name()], n)),
    );
}

fn collectors(report: &Report, out: &mut Exposition) {
    let runs = || report.collectors.iter().map(|c| ([c.name.as_str()], c));
    let success = runs().map(|(name, c)| (name, u8::from(c.error.is_none())));
    out.family(&family::COLLECTOR_SUCCESS, success);
    let partial = runs().map(|(name, c)| (name, u8::from(c.partial || c.blind || c.out_of_sight)));
    out.family(&family::COLLECTOR_PARTIAL, partial);
    let duration = runs().map(|(name, c)| (name, c.duration_ms / 1e3));
    out.family(&family::COLLECTOR_DURATION, duration);
    let info = runs().map(|(_, c)| {
        let labels = [c.name.as_str(), c.source.as_str(), c.provenance.name()];
        (labels, 1)
    });
    out.family(&family::COLLECTOR, info);
}

fn rates(growth: &[Growth], out: &mut Exposition) {
    let subjects: Vec<String> = growth.iter().map(|g| g.subject.to_string()).collect();
    let labelled = || {
        let rows = growth.iter().zip(&subjects);
        rows.map(|(g, subject)| ([g.cause.code(), subject.as_str(), g.unit.as_str()], g))
    };
    let rates = labelled().map(|(labels, g)| (labels, g.per_second));
    out.family(&family::GROWTH, rates);
    let ends = labelled().filter_map(|(labels, g)| Some((labels, g.full_in?)));
    out.family(&family::EXHAUSTION, ends);
}
