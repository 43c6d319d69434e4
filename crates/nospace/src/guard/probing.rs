use std::path::Path;

use super::document::{GuardProbe, GuardableResource, ReserveVerdict, SCHEMA_VERSION, TriedHook};
use super::kinds::inotify;
use nospace_bpf::guard::{
    Choice, Hook, Outcome, Preemption, Probe, Resource, SELF_TEST_THREAD, Trial, probe,
};
use nospace_bpf::support::Unsupported;

/// Tries every hook of this kernel by a self-test that refuses nobody but nospace itself; `kernel` is its release, `sysfs` where its sysfs
/// is mounted.
#[must_use]
pub fn try_hooks(kernel: &str, sysfs: &Path) -> GuardProbe {
    // As in a guard: a trace recognizes the tests by it.
    let _ = rustix::thread::set_name(SELF_TEST_THREAD);
    match probe(sysfs) {
        Ok(probe) => tried(&probe, kernel),
        Err(why) => untried(&why, kernel),
    }
}

/// What a probe found.
#[must_use]
pub fn tried(probe: &Probe, kernel: &str) -> GuardProbe {
    let (preemptible, note) = match &probe.preemption {
        Preemption::No => (Some(false), None),
        Preemption::Yes(by) => (Some(true), Some(by.clone())),
        Preemption::Unknown(why) => (None, Some(why.clone())),
    };
    GuardProbe {
        schema_version: SCHEMA_VERSION,
        kernel: kernel.to_owned(),
        obstacle: None,
        resources: Resource::ALL.map(|one| resource(probe, one)).to_vec(),
        hooks: probe.trials.iter().map(hook).collect(),
        preemptible,
        preemption_note: note,
        security_modules: probe.modules.as_ref().map(|list| {
            let names = list.split(',').filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        }),
    }
}

/// Nothing could be tried.
fn untried(why: &Unsupported, kernel: &str) -> GuardProbe {
    let none = |one| GuardableResource {
        resource: inotify(one),
        verdict: ReserveVerdict::Unknown,
        hook: None,
        reason: Some(why.reason.clone()),
        runs_for_every_file: false,
    };
    GuardProbe {
        schema_version: SCHEMA_VERSION,
        kernel: kernel.to_owned(),
        obstacle: Some(why.to_string()),
        resources: Resource::ALL.map(none).to_vec(),
        hooks: Vec::new(),
        preemptible: None,
        preemption_note: None,
        security_modules: None,
    }
}

fn resource(probe: &Probe, one: Resource) -> GuardableResource {
    let choice = probe.choose(one);
    // An untested hook that could do more than the one that was chosen.
    let could_do_more = |trial: &&Trial| {
        trial.outcome == Outcome::Untested
            && trial.hook.resource() == one
            && (choice.is_none() || trial.hook.is_lsm())
    };
    let untested = probe.trials.iter().find(could_do_more);
    let (verdict, hook, reason) = match (&choice, untested) {
        (
            Some(Choice {
                hook,
                only_shadow: None,
            }),
            _,
        ) => (ReserveVerdict::Enforce, Some(*hook), None),
        (_, Some(trial)) => (ReserveVerdict::Unknown, None, Some(trial.reason.clone())),
        (Some(choice), None) => (
            ReserveVerdict::Shadow,
            Some(choice.hook),
            choice.only_shadow.clone(),
        ),
        (None, None) => (
            ReserveVerdict::None,
            None,
            Some("none of its hooks works".to_owned()),
        ),
    };
    GuardableResource {
        resource: inotify(one),
        verdict,
        hook: hook.map(|hook| hook.name().to_owned()),
        reason,
        runs_for_every_file: hook.is_some_and(Hook::runs_for_every_file),
    }
}

fn hook(trial: &Trial) -> TriedHook {
    TriedHook {
        hook: trial.hook.name().to_owned(),
        resource: inotify(trial.hook.resource()),
        outcome: trial.outcome,
        reason: (!trial.reason.is_empty()).then(|| trial.reason.clone()),
    }
}
