//! What a call takes with a guard and without.
//!
//! Under emulation only the ratios mean anything.

use crate::bench::{Bench, Pod, RESERVE, set_limits};
use crate::common::Outcome;

/// Calls in a run, and how often everything is timed: the fastest run counts.
const CALLS: u32 = 50;
const ROUNDS: usize = 12;
/// So that no call is near a line.
const LIMIT: u64 = 100_000;

/// A call that a guard's program sees: a change of a watch, an instance made and closed, and the open of any file.
const KINDS: [&str; 3] = ["change", "make", "open"];

/// Nanoseconds of each call without a guard, and with one in a pod and elsewhere.
pub fn of_calls(bench: &mut Bench) -> Outcome<String> {
    let mut pod = bench.pod()?;
    let mut system = bench.process("system.slice")?;
    for process in [&mut pod, &mut system] {
        process.must("add 1", "1 ok")?;
    }
    let mut best = [[u64::MAX; 3]; 3];
    for _ in 0..ROUNDS {
        take(&mut best[0], &mut pod)?;
        let mut guard = bench.guard()?;
        set_limits(LIMIT, LIMIT)?;
        guard.set_reserve(RESERVE);
        take(&mut best[1], &mut pod)?;
        take(&mut best[2], &mut system)?;
    }
    let mut said = Vec::new();
    for (at, kind) in KINDS.iter().enumerate() {
        let [without, pod, system] = best.map(|times| times[at]);
        let ratio = |with: u64| with as f64 / without as f64;
        said.push(format!(
            "{kind} {without} ns without, x {:.2} in a pod, x {:.2} elsewhere",
            ratio(pod),
            ratio(system)
        ));
    }
    Ok(said.join("; "))
}

fn take(best: &mut [u64; 3], process: &mut Pod) -> Outcome<()> {
    for (best, kind) in best.iter_mut().zip(KINDS) {
        let nanoseconds: u64 = process.ask(&format!("time-{kind} {CALLS}"))?.parse()?;
        *best = nanoseconds.min(*best);
    }
    Ok(())
}
