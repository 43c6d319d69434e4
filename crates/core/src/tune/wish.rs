//! Who wants which value, and why.

use super::Knob;
use crate::attribute::View;
use crate::limits::inotify::recommended;
use crate::limits::{self, Sysctl, suggest_limit};
use crate::model::{InotifyResource, UserKey};
use crate::report::{Budget, Resource, Subject, User, percent, thresholds};

/// A value that somebody wants for a knob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Of which knob.
    pub knob: &'static Knob,
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
pub fn profile(memory: Option<u64>) -> Vec<Wish> {
    InotifyResource::BOTH
        .into_iter()
        .map(|resource| Wish {
            knob: knob_of(resource),
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

fn knob_of(resource: InotifyResource) -> &'static Knob {
    match resource {
        InotifyResource::Instances => Knob::INSTANCES,
        InotifyResource::Watches => Knob::WATCHES,
    }
}

/// What the node's own use asks for: room for whoever would be near the limit even with the profile, for
/// the next start of the kubelet, and for every other budget under pressure that a knob limits.
#[must_use]
pub fn asked_by_node(view: &View) -> Vec<Wish> {
    let memory = view.snapshot.node.memory_bytes;
    let inotify = InotifyResource::BOTH.into_iter().flat_map(|resource| {
        let floor = recommended(resource, memory);
        let of_users = view
            .users
            .iter()
            .filter_map(move |user| of_user(resource, floor, user));
        of_users.chain(of_kubelet(view, resource, floor))
    });
    let others = view.resources.iter().filter_map(of_resource);
    inotify.chain(others).collect()
}

fn pressed(used: u64, limit: u64) -> bool {
    percent(used, limit) >= Some(thresholds::WARNING_PERCENT)
}

fn of_user(resource: InotifyResource, floor: u64, user: &User) -> Option<Wish> {
    let Budget { used, limit, .. } = *user.budget(resource);
    let limit = limit?;
    if !user.is_initial() || !pressed(used, limit) {
        return None;
    }
    let knob = knob_of(resource);
    Some(Wish {
        knob,
        value: suggest_limit(used, limit, floor, knob.most)?,
        reason: format!("uid {} has used {used} of {limit}", user.uid),
        firm: false,
    })
}

fn of_kubelet(view: &View, resource: InotifyResource, floor: u64) -> Option<Wish> {
    let start = view.forecast.kubelet_start.as_ref()?;
    let (needed, free) = (start.needed()[resource], start.free()[resource]);
    let limit = view.user(UserKey::initial(0))?.budget(resource).limit?;
    let then = limit.saturating_sub(free).saturating_add(needed);
    if !pressed(then, limit) {
        return None;
    }
    let knob = knob_of(resource);
    Some(Wish {
        knob,
        value: suggest_limit(then, limit, floor, knob.most)?,
        reason: format!(
            "the kubelet's next start needs {needed} {}, {free} are free",
            resource.noun()
        ),
        firm: false,
    })
}

fn of_resource(resource: &Resource) -> Option<Wish> {
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
    let knob = limits::sysctl_of(resource).filter(|sysctl| sysctl.tunable)?;
    let whose = if matches!(subject, Subject::Sysctl(_)) {
        String::new()
    } else {
        format!("{subject}: ")
    };
    Some(Wish {
        knob,
        value: knob.suggest(*used, *limit)?,
        reason: format!("{whose}{used} of {limit} {unit} are in use"),
        firm: false,
    })
}
