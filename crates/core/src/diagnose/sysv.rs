//! System V semaphores and shared memory: ENOSPC from semget(2) and shmget(2).

use super::pressure::{self, share};
use super::remedy::{self, remedy};
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Remedy, Resource};

pub fn find(view: &View) -> Vec<Finding> {
    [Cause::SysvSemaphores, Cause::SysvShm]
        .into_iter()
        .flat_map(|cause| pressure::pressed(view, cause))
        .map(|(resource, severity)| {
            let (rule, call) = match resource.cause {
                Cause::SysvSemaphores => ("sysv-semaphores", "semget"),
                _ => ("sysv-shm", "shmget"),
            };
            let title = format!(
                "{} of {} System V {} are in use ({}, {}): {call} fails with ENOSPC",
                resource.used,
                resource.limit,
                noun(resource),
                resource.subject,
                share(resource)
            );
            pressure::finding(rule, (resource, severity), title, remedies(view, resource))
        })
        .collect()
}

fn noun(resource: &Resource) -> String {
    match resource.unit.as_str() {
        "sets" => "semaphore sets".to_owned(),
        "segments" => "shared memory segments".to_owned(),
        "pages" => "shared memory pages".to_owned(),
        unit => unit.to_owned(),
    }
}

fn remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let mut remedies = vec![remedy(
        "ipcs -a",
        "Shows who made them; ipcrm removes what nobody uses.",
    )];
    let value = remedy::roomy(resource.used, resource.limit, 0, i32::MAX as u64);
    let why = "raises the limit of this IPC namespace";
    remedies.extend(
        value
            .and_then(|value| setting(view, resource, value))
            .into_iter()
            .flat_map(|(key, value)| remedy::sysctl(view, &key, &value, why)),
    );
    remedies
}

/// `kernel.sem` is four numbers: SEMMSL, SEMMNS, SEMOPM, SEMMNI.
fn setting(view: &View, resource: &Resource, value: u64) -> Option<(String, String)> {
    let place = match resource.subject.as_str() {
        "kernel.sem SEMMNS" => 1,
        "kernel.sem SEMMNI" => 3,
        key => return Some((key.to_owned(), value.to_string())),
    };
    let settings = &view.snapshot.limits.as_ref()?.settings;
    let live = settings
        .iter()
        .find(|s| s.key == "kernel.sem")?
        .live
        .as_ref()?;
    let mut numbers: Vec<String> = live.split_whitespace().map(str::to_owned).collect();
    *numbers.get_mut(place)? = value.to_string();
    Some(("kernel.sem".to_owned(), numbers.join(" ")))
}
