//! Many threads of a pod at once.

use nospace_bpf::guard::{Both, Guard, Hook, Hooks, Mode};

use crate::bench::{Bench, set_limits};
use crate::common::{Outcome, same};

const THREADS: u64 = 32;
const LIMIT: u64 = 3000;
const RESERVE: u64 = 1000;

/// A hook of a security module lets each other thread past at most once: between its look and the kernel's charge. Others can
/// leak on a preemptible kernel, which then says how often.
pub fn watches(bench: &mut Bench, hook: Hook) -> Outcome<String> {
    let hooks = Both {
        watches: Some(hook),
        instances: None,
    };
    let mut seen = Vec::new();
    for sharing in ["own", "common", "own"] {
        let guard = start(bench, hooks)?;
        let mut pod = bench.pod()?;
        let got: u64 = pod.ask(&format!("race {THREADS} {sharing}"))?.parse()?;
        let line = LIMIT - RESERVE;
        same("nobody stopped before the line", got >= line, true)?;
        seen.push(format!("{sharing}: {}", judge(got - line, hook, &guard)?));
    }
    Ok(seen.join("; "))
}

/// Where the kernel charges an instance before it asks the hook, threads can also stop each other short of the line.
pub fn instances(bench: &mut Bench, hook: Hook) -> Outcome<String> {
    let hooks = Both {
        watches: None,
        instances: Some(hook),
    };
    let mut seen = Vec::new();
    for _ in 0..3 {
        let guard = start(bench, hooks)?;
        let mut pod = bench.pod()?;
        let before = bench.used()?.1;
        let got: u64 = pod.ask(&format!("race-instances {THREADS}"))?.parse()?;
        let line = LIMIT - RESERVE;
        same(
            "short of the line by fewer than the threads",
            before + got + THREADS > line,
            true,
        )?;
        let over = (before + got).saturating_sub(line);
        seen.push(judge(over, hook, &guard)?);
    }
    Ok(seen.join("; "))
}

/// How far over the line they got; an error if that is too far.
fn judge(over: u64, hook: Hook, guard: &Guard) -> Outcome<String> {
    let skipped = guard.skipped()[0].1;
    if over >= THREADS && (hook.is_lsm() || skipped == Some(0)) {
        return Err(
            format!("{over} over the line by {THREADS} threads, {skipped:?} skipped").into(),
        );
    }
    let skipped = skipped.map_or("?".to_owned(), |n| n.to_string());
    Ok(format!("{over} over, {skipped} skipped"))
}

fn start(bench: &mut Bench, hooks: Hooks) -> Outcome<Guard> {
    set_limits(LIMIT, LIMIT)?;
    let mut guard = Guard::start(hooks, &mut bench.accounting)?;
    guard.set_policies(&bench.policies([])?)?;
    guard.set_reserve(Both {
        watches: RESERVE,
        instances: RESERVE,
    });
    guard.set_mode(Mode::Enforce);
    Ok(guard)
}
