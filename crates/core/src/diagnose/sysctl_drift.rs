//! A setting whose live value is not the one that the next boot will set.

use std::borrow::Cow;

use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::limits::{self, remedy};
use crate::model::{BootValue, InotifyResource, Setting};
use crate::parse::sysctl::number;
use crate::report::{Blame, Culprit, Finding, Rule, Severity, Subject, percent, thresholds};

/// `max_user_instances` of every kernel (`inotify_user_setup`, fs/notify/inotify/inotify_user.c).
const DEFAULT_INSTANCES: u64 = 128;

pub fn find(view: &View) -> Vec<Finding> {
    view.snapshot
        .limits
        .iter()
        .flat_map(|l| &l.settings)
        .filter_map(|s| drift(view, s))
        .collect()
}

fn drift(view: &View, setting: &Setting) -> Option<Finding> {
    let live = setting.live.as_deref()?;
    match &setting.boot {
        Some(boot) if !same(live, &boot.value) => differs(view, setting, live, boot),
        Some(_) => None,
        None => forgotten(view, setting, live),
    }
}

fn same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

fn differs(view: &View, setting: &Setting, live: &str, boot: &BootValue) -> Option<Finding> {
    let key = &setting.key;
    let used = used(view, key);
    let (now, next) = (number(live), number(&boot.value));
    let raises = matches!((now, next), (Some(now), Some(next)) if next > now);
    let place = format!("{}:{}", boot.file, boot.line);
    let mut evidence = vec![
        format!("live value {live} (exact: /proc/sys)"),
        format!("boot value {} (exact: {place})", boot.value),
    ];
    evidence.extend(used.map(|n| format!("{} in use now", thousands(n))));
    Some(Finding {
        cause: cause(key)?,
        rule: Rule::SysctlDrift,
        severity: severity(used, now.min(next)),
        subject: Subject::Sysctl(Cow::Owned(key.clone())),
        title: match used {
            Some(used) if !raises && next.is_some() => format!(
                "{key} falls from {live} to {} at the next boot ({place}); {} are in use now",
                boot.value,
                thousands(used)
            ),
            _ => format!("{key} is {live}, but {place} says {}", boot.value),
        },
        evidence,
        blame: Blame::only(Culprit::named(place), None),
        victims: Vec::new(),
        remedies: if raises {
            // The file asks for more: let it have its way.
            let why = "The file's value was never applied, or was overwritten since.";
            remedy::set(view, key, &spaced(&boot.value), why)
        } else {
            // The kernel has more: let the file say so too.
            larger(live, &boot.value)
                .and_then(|value| remedy::persist(view, key, &value, Some(boot)))
        }
        .into_iter()
        .collect(),
    })
}

fn spaced(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Each number the larger of the two: of `kernel.sem` one file may lower some and raise others. `None` where they are no numbers.
fn larger(live: &str, boot: &str) -> Option<String> {
    let (live, boot): (Vec<&str>, Vec<&str>) = (
        live.split_whitespace().collect(),
        boot.split_whitespace().collect(),
    );
    if live.len() != boot.len() {
        return None;
    }
    let pairs = live.iter().zip(&boot);
    let larger = |(live, boot): (&&str, &&str)| Some(number(live)?.max(number(boot)?).to_string());
    let all: Option<Vec<String>> = pairs.map(larger).collect();
    Some(all?.join(" "))
}

/// A warning where the lower of the two values is too little for what is in use.
fn severity(used: Option<u64>, lower: Option<u64>) -> Severity {
    match (used, lower) {
        (Some(used), Some(lower)) if percent(used, lower) >= Some(thresholds::WARNING_PERCENT) => {
            Severity::Warning
        }
        _ => Severity::Info,
    }
}

/// More in use than the kernel's default, and no file that asks for it.
fn forgotten(view: &View, setting: &Setting, live: &str) -> Option<Finding> {
    let key = &setting.key;
    let live = number(live)?;
    if key != "fs.inotify.max_user_instances" || live <= DEFAULT_INSTANCES {
        return None;
    }
    let used = used(view, key).filter(|used| *used >= DEFAULT_INSTANCES)?;
    Some(Finding {
        cause: Cause::InotifyInstances,
        rule: Rule::SysctlDrift,
        severity: Severity::Warning,
        subject: Subject::Sysctl(Cow::Owned(key.clone())),
        title: format!(
            "No file sets {key}: after the next boot it will be {DEFAULT_INSTANCES}, less than is in use now"
        ),
        evidence: vec![
            format!("live value {live} (exact: /proc/sys)"),
            "no line of sysctl.d or sysctl.conf sets it".to_owned(),
            format!("{} in use now", thousands(used)),
        ],
        blame: Blame::Unknown,
        victims: Vec::new(),
        remedies: remedy::persist(view, key, &live.to_string(), None)
            .into_iter()
            .collect(),
    })
}

/// The most that anyone uses of what the setting limits.
fn used(view: &View, key: &str) -> Option<u64> {
    if let Some(resource) = cause(key).and_then(InotifyResource::of_cause) {
        let node_wide = key.starts_with("fs.inotify.");
        let users = view.users.iter().filter(|u| node_wide && u.is_initial());
        return users.map(|u| u.budget(resource).used).max();
    }
    let resources = view.resources.iter();
    resources
        .filter(|r| limits::sysctl_of(r).is_some_and(|sysctl| sysctl.key == key))
        .map(|r| r.used)
        .max()
}

/// What the setting limits.
fn cause(key: &str) -> Option<Cause> {
    limits::cause_of_sysctl(key)
}
