//! Who wants which value, and why.

use super::Knob;
use crate::attribute::View;
use crate::diagnose::{Kind, WARNING, roomy};
use crate::model::{INITIAL_USER_NAMESPACE, UserKey};
use crate::report::{Budget, Resource, User, percent};

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
const RECOMMENDED: &str = "what EKS, RKE2 and kube-up give a node";

/// The default: 8,192 instances and 524,288 watches; of watches no more than half of `memory` bytes bear.
#[must_use]
pub fn profile(memory: Option<u64>) -> Vec<Wish> {
    Kind::BOTH
        .into_iter()
        .map(|kind| Wish {
            knob: knob_of(kind),
            value: kind.floor(memory),
            reason: RECOMMENDED.to_owned(),
            firm: false,
        })
        .collect()
}

fn knob_of(kind: Kind) -> &'static Knob {
    match kind {
        Kind::Instances => Knob::INSTANCES,
        Kind::Watches => Knob::WATCHES,
    }
}

/// What the node's own use asks for: room for whoever would be near the limit even with the profile, for
/// the next start of the kubelet, and for every other budget under pressure that a knob limits.
#[must_use]
pub fn asked_by_node(view: &View) -> Vec<Wish> {
    let memory = view.snapshot.node.memory_bytes;
    let inotify = Kind::BOTH.into_iter().flat_map(|kind| {
        let floor = kind.floor(memory);
        let of_users = view
            .users
            .iter()
            .filter_map(move |user| of_user(kind, floor, user));
        of_users.chain(of_kubelet(view, kind, floor))
    });
    let others = view.resources.iter().filter_map(of_resource);
    inotify.chain(others).collect()
}

fn pressed(used: u64, limit: u64) -> bool {
    percent(used, limit) >= Some(WARNING)
}

fn of_user(kind: Kind, floor: u64, user: &User) -> Option<Wish> {
    let Budget { used, limit, .. } = kind.budget(user);
    let limit = limit?;
    if user.user_namespace != INITIAL_USER_NAMESPACE || !pressed(used, limit) {
        return None;
    }
    let knob = knob_of(kind);
    Some(Wish {
        knob,
        value: roomy(used, limit, floor, knob.most)?,
        reason: format!("uid {} has used {used} of {limit}", user.uid),
        firm: false,
    })
}

fn of_kubelet(view: &View, kind: Kind, floor: u64) -> Option<Wish> {
    let start = view.forecast.kubelet_start.as_ref()?;
    let (needed, free) = match kind {
        Kind::Instances => (start.instances_needed, start.instances_free),
        Kind::Watches => (start.watches_needed, start.watches_free),
    };
    let limit = kind.budget(view.user(UserKey::initial(0))?).limit?;
    let then = limit.saturating_sub(free).saturating_add(needed);
    if !pressed(then, limit) {
        return None;
    }
    let knob = knob_of(kind);
    Some(Wish {
        knob,
        value: roomy(then, limit, floor, knob.most)?,
        reason: format!(
            "the kubelet's next start needs {needed} {}, {free} are free",
            kind.noun()
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
    let knob = Knob::of(resource)?;
    let whose = if subject == knob.key {
        String::new()
    } else {
        format!("{subject}: ")
    };
    Some(Wish {
        knob,
        value: knob.roomy(*used, *limit)?,
        reason: format!("{whose}{used} of {limit} {unit} are in use"),
        firm: false,
    })
}
