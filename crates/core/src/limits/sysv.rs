//! What System V semaphores, shared memory and message queues have in common: ENOSPC from semget(2), shmget(2) and msgget(2).

use super::pressure::{self, at_limit, share};
use super::remedy::{self, remedy};
use super::sysctl::{INT_MAX, suggest_limit};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Remedy, Resource, Subject};

/// What a raise does, for a remedy.
pub const EFFECT: &str = "raises the limit of this IPC namespace";
/// What the limits are for.
pub const EACH: &str = "each IPC namespace";

/// The budgets of `cause` that are under pressure; `call` is refused when one is full.
pub fn findings(view: &View, cause: Cause, call: &str) -> Vec<Finding> {
    pressure::pressed(view, cause)
        .map(|(resource, severity)| {
            let title = format!(
                "{} of {} System V {} are in use ({}, {}): {}{call} fails with ENOSPC",
                thousands(resource.used),
                thousands(resource.limit),
                noun(resource),
                resource.subject,
                share(resource),
                at_limit(resource)
            );
            pressure::finding((resource, severity), title, remedies(view, resource))
        })
        .collect()
}

fn noun(resource: &Resource) -> &str {
    match resource.unit.as_str() {
        "sets" => "semaphore sets",
        "segments" => "shared memory segments",
        "pages" => "shared memory pages",
        "queues" => "message queues",
        unit => unit,
    }
}

fn remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let mut remedies = vec![remedy(
        "ipcs -a",
        "Shows who made them; ipcrm removes what nobody uses.",
    )];
    remedies.extend(match resource.subject {
        Subject::SysctlField { key, field } => raise_field(view, resource, key, field),
        _ => remedy::raise_sysctl(view, resource),
    });
    remedies
}

/// `kernel.sem` is four numbers: SEMMSL, SEMMNS, SEMOPM, SEMMNI.
fn raise_field(view: &View, resource: &Resource, key: &str, field: &str) -> Vec<Remedy> {
    let place = if field == "SEMMNS" { 1 } else { 3 };
    // `IPCMNI` (include/linux/ipc_namespace.h) bounds the number of sets.
    let most = if field == "SEMMNS" { INT_MAX } else { 32_768 };
    let value = || {
        let value = suggest_limit(resource.used, resource.limit, 0, most)?;
        let settings = &view.snapshot.limits.as_ref()?.settings;
        let live = settings.iter().find(|s| s.key == key)?.live.as_ref()?;
        let mut numbers: Vec<String> = live.split_whitespace().map(str::to_owned).collect();
        *numbers.get_mut(place)? = value.to_string();
        Some(numbers.join(" "))
    };
    value().map_or_else(Vec::new, |value| remedy::sysctl(view, key, &value, EFFECT))
}
