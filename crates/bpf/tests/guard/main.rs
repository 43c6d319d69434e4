//! The guard against processes in cgroups that take all they can get, counted by the kernel's own accounting.
//!
//! Changes limits of the machine, so that it needs one of its own (`OWN_KERNEL`, set by tests/vm/vm.sh). Elsewhere it only tries the
//! hooks, which refuses nobody.

#![allow(clippy::print_stdout, reason = "a test program of its own")]

mod attaches;
mod bench;
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod cost;
mod pod;
mod race;

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use nospace_bpf::guard::{
    Both, Guard, Hook, Hooks, Outcome as Tried, Preemption, Probe, Resource, probe,
};

use bench::Bench;
use common::{Outcome, same};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [mode, argument] = &arguments[..] {
        match mode.as_str() {
            "pod" => return pod::run(argument),
            "hold" => return hold(),
            _ => {}
        }
    }
    let probe = match common::loaded(probe(Path::new("/sys"))) {
        Ok(probe) => probe,
        Err(code) => return code,
    };
    show(&probe);
    if env::var_os("OWN_KERNEL").is_none() {
        println!(
            "skipped: the rest changes limits of the machine: tests/vm/vm.sh runs it on machines of its own"
        );
        return ExitCode::SUCCESS;
    }
    match run(&probe) {
        Ok(code) => code,
        Err(e) => {
            println!("FAILED: {e}");
            ExitCode::FAILURE
        }
    }
}

fn show(probe: &Probe) {
    println!(
        "security modules: {:?}; {:?}",
        probe.modules, probe.preemption
    );
    for trial in &probe.trials {
        println!(
            "{}: {:?} {}",
            trial.hook.name(),
            trial.outcome,
            trial.reason
        );
    }
    for resource in Resource::ALL {
        println!("{resource:?}: {:?}", probe.choose(resource));
    }
}

fn run(probe: &Probe) -> Outcome<ExitCode> {
    known(probe)?;
    let mut failed = false;
    for (n, hooks) in pairs(probe).into_iter().enumerate() {
        println!("with {:?} and {:?}:", hooks.watches, hooks.instances);
        let mut bench = Bench::new(hooks)?;
        failed |= common::run(&cases::EACH_HOOK, &mut bench) != ExitCode::SUCCESS;
        if n == 0 {
            failed |= common::run(&cases::ONCE, &mut bench) != ExitCode::SUCCESS;
        }
    }
    let mut bench = Bench::new(Both::default())?;
    for hook in working(probe, None) {
        let outcome = match hook.resource() {
            Resource::Watches => race::watches(&mut bench, hook),
            Resource::Instances => race::instances(&mut bench, hook),
        };
        match outcome {
            Ok(seen) => println!("race, {} ... ok ({seen})", hook.name()),
            Err(e) => {
                println!("race, {} ... FAILED: {e}", hook.name());
                failed = true;
            }
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Hooks that work, of one resource or of both.
fn working(probe: &Probe, of: Option<Resource>) -> Vec<Hook> {
    let works = probe
        .trials
        .iter()
        .filter(|trial| trial.outcome == Tried::Works);
    let hooks = works.map(|trial| trial.hook);
    hooks
        .filter(|hook| of.is_none_or(|of| hook.resource() == of))
        .collect()
}

/// As few pairs of hooks as cover each of them.
fn pairs(probe: &Probe) -> Vec<Hooks> {
    let [watches, instances] = Resource::ALL.map(|resource| working(probe, Some(resource)));
    let pair = |n: usize| Both {
        watches: watches.get(n).or(watches.first()).copied(),
        instances: instances.get(n).or(instances.first()).copied(),
    };
    (0..watches.len().max(instances.len())).map(pair).collect()
}

/// What Debian's kernels for amd64 have; the guard must find out by itself.
fn known(probe: &Probe) -> Outcome<()> {
    use Tried::{Refused, Silent, Works};
    if !cfg!(target_arch = "x86_64") {
        return Ok(());
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let expected = match release.split('.').take(2).collect::<Vec<_>>()[..] {
        ["5", "10"] => [Silent, Works, Refused, Silent, Works],
        ["6", "1" | "12"] => [Works, Works, Refused, Works, Works],
        ["7", _] => [Works, Works, Refused, Refused, Works],
        _ => return Ok(()),
    };
    let is: Vec<Tried> = probe.trials.iter().map(|trial| trial.outcome).collect();
    same("outcomes", is.as_slice(), &expected)?;
    let preemptible = match probe.preemption {
        Preemption::Yes(_) => "yes",
        Preemption::No => "no",
        Preemption::Unknown(_) => "unknown",
    };
    // 7.2 is lazy; the others are voluntary, unless booted with preempt=full.
    let full = fs::read_to_string("/proc/cmdline")?.contains("preempt=full");
    let should = if full || release.starts_with('7') {
        "yes"
    } else {
        "no"
    };
    same("preemptible", preemptible, should)?;
    Ok(())
}

/// Enforces a reserve until it is killed.
fn hold() -> ExitCode {
    let held = || -> Outcome<Guard> {
        let probe = probe(Path::new("/sys"))?;
        let hook = |resource| probe.choose(resource).map(|choice| choice.hook);
        Bench::new(Both::from_fn(hook))?.guard()
    };
    let _held = held()
        .inspect(|_| println!("held"))
        .inspect_err(|why| println!("{why}"));
    loop {
        std::thread::park();
    }
}
