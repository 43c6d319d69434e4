//! Trying the hooks of this kernel.

use std::fs;
use std::path::Path;

use super::attachment::Attachment;
use super::canary::{Canary, Seen};
use super::hook::Hook;
use super::model::Resource;
use super::preemption::preemption;
use super::probe::{Outcome, Probe, Trial};
use crate::accounting::AccountingReader;
use crate::support::{Coverage, Environment, Unsupported, assess};

/// Tries each hook: attaches its program, has it refuse a call of this process, and detaches it. Nobody else's calls are refused.
/// Takes one inotify instance meanwhile. `sysfs` is where the host's is mounted: in a container it has what the container's own lacks.
///
/// # Errors
/// Why nothing can be tried here, and what to do.
pub fn probe(sysfs: &Path) -> Result<Probe, Unsupported> {
    allowed()?;
    // Where no program of nospace loads, the reasons of the hooks would not be those of the hooks.
    AccountingReader::load()?;
    let canary = Canary::new().map_err(|error| {
        Unsupported::new(
            format!("the self-test needs one inotify instance of root: {error}"),
            "free one, or raise fs.inotify.max_user_instances (nospace check says who holds them)",
        )
    })?;
    let modules = fs::read_to_string(sysfs.join("kernel/security/lsm"))
        .ok()
        .map(|list| list.trim().to_owned());
    let trial = |hook| {
        let (outcome, reason) = attempt(&canary, hook, modules.as_deref());
        Trial {
            hook,
            outcome,
            reason,
        }
    };
    let trials = Hook::ALL.into_iter().map(trial).collect();
    Ok(Probe {
        trials,
        preemption: preemption(sysfs),
        modules,
    })
}

/// Whether a guard can be tried at all.
pub fn allowed() -> Result<(), Unsupported> {
    if assess(&Environment::probe())? != Coverage::Node {
        return Err(Unsupported::new(
            "the guard tests itself by thread id, for which it must run in the host's pid namespace",
            "run it on the host, or in a pod with hostPID: true",
        ));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Unsupported::new(
            "the guard keeps a reserve of root's watches and instances, and tests itself with one of them",
            "run it as root",
        ));
    }
    Ok(())
}

fn attempt(canary: &Canary, hook: Hook, modules: Option<&str>) -> (Outcome, String) {
    let mut attachment = match Attachment::new(&[hook]) {
        Ok(attachment) => attachment,
        Err(why) => return (why.outcome, why.reason),
    };
    judge(&canary.call(&mut attachment, hook), hook, modules)
}

fn judge(seen: &Seen, hook: Hook, modules: Option<&str>) -> (Outcome, String) {
    match seen {
        Seen::Refused(_) => (Outcome::Works, String::new()),
        Seen::Allowed { ran: true } => (
            Outcome::Ignored,
            "its program refused the self-test's call, and the call went on: report this with the kernel version (uname -r)".to_owned(),
        ),
        Seen::Allowed { ran: false } => (Outcome::Silent, silent(hook, modules)),
        Seen::Failed(error) => {
            let call = match hook.resource() {
                Resource::Watches => "inotify_add_watch",
                Resource::Instances => "inotify_init1",
            };
            (
                Outcome::Untested,
                format!("the self-test's {call} failed before the program could refuse it: {error}"),
            )
        }
    }
}

/// Why a program was attached and did not run.
fn silent(hook: Hook, modules: Option<&str>) -> String {
    let what = "the kernel attached the program and does not run it";
    let active = |list: &str| list.split(',').any(|module| module == "bpf");
    match modules {
        Some(list) if hook.is_lsm() && !active(list) => format!(
            "{what}: bpf is not among the active security modules (lsm={list}); boot with lsm={list},bpf"
        ),
        None if hook.is_lsm() => format!(
            "{what}: bpf is probably not among the active security modules; mount securityfs on /sys/kernel/security to see them"
        ),
        _ => what.to_owned(),
    }
}
