//! Pods and containers that share one user's budget, where that begins to matter.

use crate::amount::thousands;
use crate::attribute::{Holder, Part, View};
use crate::limits::{blame, inotify};
use crate::limits::{describe, remedy};
use crate::model::InotifyResource;
use crate::report::{Finding, Remedy, Rule, Severity, User, is_culprit, thresholds};

/// Where a pod says which user it runs as.
const FIELDS: &str = "'{.spec.securityContext} {.spec.containers[*].securityContext}'";

pub fn find(view: &View) -> Vec<Finding> {
    let users = view.users.iter();
    users
        .flat_map(|user| InotifyResource::BOTH.map(|resource| shared(view, resource, user)))
        .flatten()
        .collect()
}

fn shared(view: &View, resource: InotifyResource, user: &User) -> Option<Finding> {
    let budget = user.budget(resource);
    let (limit, percent) = (budget.limit?, budget.percent()?);
    let half = limit / 2;
    if percent < thresholds::WARNING_PERCENT && budget.used <= half {
        return None;
    }
    let key = user.key();
    let all = inotify::top(view, resource, key);
    let contained = |h: &&Holder| !matches!(h.part, Part::Process { .. });
    let holders: Vec<&Holder> = all.iter().filter(contained).collect();
    let [first, second, ..] = holders.as_slice() else {
        return None;
    };
    // Under pressure a holder of a tenth matters, otherwise only the largest.
    let matters = if percent < thresholds::WARNING_PERCENT {
        first.holds[resource] > half
    } else {
        first.holds[resource] >= limit / 10
    };
    if !matters {
        return None;
    }
    Some(Finding {
        cause: resource.cause(),
        rule: Rule::SharedBudget,
        severity: severity(percent),
        subject: user.subject(),
        title: format!(
            "{} pods and containers share the {} {} of {}; {} {}",
            thousands(holders.len() as u64),
            thousands(limit),
            resource.noun_of(limit),
            view.caption(&user.subject()),
            if is_culprit(first.holds[resource], limit) {
                format!("{} holds", describe::part(view, &first.part))
            } else {
                "none holds more than".to_owned()
            },
            thousands(first.holds[resource]),
        ),
        evidence: evidence(view, resource, user, &holders),
        blame: blame::of_inotify(view, resource, key, &all, limit),
        victims: inotify::victims(view, key, &all, std::slice::from_ref(first)),
        remedies: remedies(view, first, second),
    })
}

fn severity(percent: u64) -> Severity {
    if percent < thresholds::WARNING_PERCENT {
        Severity::Info
    } else {
        Severity::Warning
    }
}

fn evidence(
    view: &View,
    resource: InotifyResource,
    user: &User,
    holders: &[&Holder],
) -> Vec<String> {
    let mut lines = inotify::evidence(view, resource, user);
    let named = holders
        .iter()
        .map(|h| {
            format!(
                "{} {}",
                describe::part(view, &h.part),
                thousands(h.holds[resource])
            )
        })
        .collect();
    lines.push(format!(
        "{} by pod and container: {} ({})",
        resource.noun(),
        describe::list(named, 8),
        describe::holders_source(view)
    ));
    lines
}

/// A uid of its own is a budget of its own. `hostUsers: false` is one as well from containerd 2.3 on, which creates the user
/// namespace as the pod's base uid; until 2.2 the namespace draws on root, who creates it (internal/cri/server/podsandbox).
fn remedies(view: &View, first: &Holder, second: &Holder) -> Vec<Remedy> {
    let spec = |h: &Holder| match &h.part {
        Part::Pod {
            namespace, name, ..
        } if !name.is_empty() => Some(remedy::remedy(
            format!("{} -o jsonpath={FIELDS}", remedy::get_pod(namespace, name)?),
            "Shows the user that it runs as: with a runAsUser that no other pod uses it has a budget of its own. From \
             containerd 2.3 on, hostUsers: false gives it one as well; up to 2.2 such a pod draws on root's.",
        )),
        _ => None,
    };
    spec(first)
        .or_else(|| spec(second))
        .or_else(|| remedy::inspect(view, &first.part))
        .into_iter()
        .collect()
}
