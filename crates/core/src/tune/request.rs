//! Who wants which value, and why.

use crate::amount::thousands;
use crate::attribute::View;
use crate::limits::recommended::recommended;
use crate::limits::{self, Sysctl, suggest_limit};
use crate::model::{InotifyResource, UserKey};
use crate::report::{Budget, Resource, Subject, User, percent, thresholds};

/// A value that somebody wants for a sysctl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysctlRequest {
    /// Of which sysctl.
    pub sysctl: &'static Sysctl,
    /// The value.
    pub value: u64,
    /// Why, in a sentence without its stop.
    pub reason: String,
    /// It was asked for by name: when it cannot be had, that is an error, and less will not do.
    pub firm: bool,
}

/// What a node is generally given: see the platform defaults in the documentation of `plan`.
const RECOMMENDED: &str = "the default on EKS, RKE2 and kube-up";

/// The default: 8,192 instances and 524,288 watches; of watches no more than half of `memory` bytes bear.
#[must_use]
pub fn profile(memory: Option<u64>) -> Vec<SysctlRequest> {
    InotifyResource::BOTH
        .into_iter()
        .map(|resource| SysctlRequest {
            sysctl: sysctl_for(resource),
            value: recommended(resource, memory),
            reason: RECOMMENDED.to_owned(),
            firm: false,
        })
        .collect()
}

impl Sysctl {
    /// `fs.inotify.max_user_instances`.
    pub const INSTANCES: &'static Self = &limits::INOTIFY_INSTANCES.sysctls[0];
    /// `fs.inotify.max_user_watches`.
    pub const WATCHES: &'static Self = &limits::INOTIFY_WATCHES.sysctls[0];
}

fn sysctl_for(resource: InotifyResource) -> &'static Sysctl {
    match resource {
        InotifyResource::Instances => Sysctl::INSTANCES,
        InotifyResource::Watches => Sysctl::WATCHES,
    }
}

/// What the node's own use asks for: room for users that would be near the limit even with the profile, for
/// the next start of the kubelet, and for every other budget under pressure that a sysctl limits.
#[must_use]
pub fn requests_of_node(view: &View) -> Vec<SysctlRequest> {
    let memory = view.snapshot.node.memory_bytes;
    let inotify = InotifyResource::BOTH.into_iter().flat_map(|resource| {
        let floor = recommended(resource, memory);
        let of_users = view
            .users
            .iter()
            .filter_map(move |user| of_user(view, resource, floor, user));
        of_users.chain(of_kubelet(view, resource, floor))
    });
    let others = view.resources.iter().filter_map(of_resource);
    inotify.chain(others).collect()
}

fn pressed(used: u64, limit: u64) -> bool {
    percent(used, limit).is_none_or(|percent| percent >= thresholds::WARNING_PERCENT)
}

fn of_user(
    view: &View,
    resource: InotifyResource,
    floor: u64,
    user: &User,
) -> Option<SysctlRequest> {
    let Budget { used, limit, .. } = *user.budget(resource);
    let limit = limit?;
    if !user.is_initial() || !pressed(used, limit) {
        return None;
    }
    let sysctl = sysctl_for(resource);
    Some(SysctlRequest {
        sysctl,
        value: suggest_limit(used, limit, floor, sysctl.most)?,
        reason: format!(
            "{} has used {} of {}",
            view.caption(&user.subject()),
            thousands(used),
            thousands(limit)
        ),
        firm: false,
    })
}

fn of_kubelet(view: &View, resource: InotifyResource, floor: u64) -> Option<SysctlRequest> {
    let start = view.forecast.kubelet_start.as_ref()?;
    let (needed, free) = (start.needed()[resource], start.free()[resource]);
    let limit = view.user(UserKey::initial(0))?.budget(resource).limit?;
    let then = limit.saturating_sub(free).saturating_add(needed);
    if !pressed(then, limit) {
        return None;
    }
    let sysctl = sysctl_for(resource);
    Some(SysctlRequest {
        sysctl,
        value: suggest_limit(then, limit, floor, sysctl.most)?,
        reason: format!(
            "the kubelet's next start needs {needed} {}, {free} are free",
            resource.noun_of(needed)
        ),
        firm: false,
    })
}

fn of_resource(resource: &Resource) -> Option<SysctlRequest> {
    let Resource {
        used,
        limit,
        subject,
        unit,
        ..
    } = resource;
    if *limit == 0 || !pressed(*used, *limit) {
        return None;
    }
    let sysctl = limits::sysctl_of(resource).filter(|sysctl| sysctl.tunable)?;
    let of = if matches!(subject, Subject::Sysctl(_)) {
        String::new()
    } else {
        format!("{subject}: ")
    };
    Some(SysctlRequest {
        sysctl,
        value: sysctl.suggest(*used, *limit)?,
        reason: format!("{of}{used} of {limit} {unit} are in use"),
        firm: false,
    })
}
