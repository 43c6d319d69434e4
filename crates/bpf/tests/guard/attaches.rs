//! A guard that starts and ends again and again, while others call.

use std::env;
use std::fs;
use std::time::{Duration, Instant};

use libbpf_rs::query::ProgInfoIter;

use crate::bench::Bench;
use crate::common::{Outcome, same};

/// How often, unless `NOSPACE_ATTACHES` says so.
const TIMES: u64 = 30;
/// Memory that may be used for other things meanwhile, in kB; 10,000 leaks of a page would take ten times as much.
const SLACK: u64 = 4096;

/// What must not grow.
#[derive(Debug)]
struct Left {
    programs: usize,
    descriptors: usize,
    /// Resident memory of this process, kB.
    own: u64,
    /// Memory that the machine has left, kB.
    free: u64,
}

/// No call fails meanwhile, and nothing is left.
pub fn many(bench: &mut Bench) -> Outcome<String> {
    let times = env::var("NOSPACE_ATTACHES")
        .ok()
        .and_then(|times| times.parse().ok());
    let times: u64 = times.unwrap_or(TIMES);
    let mut system = bench.process("system.slice")?;
    let mut pod = bench.pod()?;
    let programs = ProgInfoIter::default().count();
    // Takes what is taken only once.
    let warm = TIMES.min(times) / 3;
    for _ in 0..warm {
        drop(bench.guard()?);
    }
    let before = left(programs)?;
    for process in [&mut system, &mut pod] {
        process.must("begin", "ok")?;
    }
    let start = Instant::now();
    let mut skipped = 0;
    for n in 1..=times {
        let guard = bench.guard()?;
        skipped += guard.skipped().iter().filter_map(|(_, n)| *n).sum::<u64>();
        drop(guard);
        if n % 500 == 0 {
            println!(
                "attached {n} times in {:?}: {:?}",
                start.elapsed(),
                left(programs)?
            );
        }
    }
    let took = start.elapsed();
    let mut calls = Vec::new();
    for (name, process) in [("system", &mut system), ("pod", &mut pod)] {
        let answer = process.ask("end")?;
        let (made, failed) = answer.split_once(' ').ok_or("no figures")?;
        same(name, failed, "0 failed")?;
        calls.push(made.parse::<u64>()?);
    }
    let after = left(programs)?;
    let seen = format!("{before:?} -> {after:?}");
    same(&seen, after.programs, before.programs)?;
    same(&seen, after.descriptors, before.descriptors)?;
    same(&seen, after.own < before.own + SLACK, true)?;
    same(&seen, after.free + SLACK > before.free, true)?;
    Ok(format!(
        "{times} times, {:.0} ms each; calls of others meanwhile: {calls:?}, none failed, {skipped} skipped; {seen}",
        took.as_secs_f64() * 1e3 / times as f64
    ))
}

/// Waits until the kernel has freed the programs, which it does behind the process.
fn left(programs: usize) -> Outcome<Left> {
    let start = Instant::now();
    while ProgInfoIter::default().count() > programs && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(100));
    }
    fs::write("/proc/sys/vm/drop_caches", "3")?;
    std::thread::sleep(Duration::from_secs(1));
    Ok(Left {
        programs: ProgInfoIter::default().count(),
        descriptors: fs::read_dir("/proc/self/fd")?.count(),
        own: kilobytes("/proc/self/status", "VmRSS:")?,
        free: kilobytes("/proc/meminfo", "MemFree:")?,
    })
}

fn kilobytes(file: &str, name: &str) -> Outcome<u64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.and_then(|line| line.split_whitespace().next());
    Ok(figure.ok_or("no such line")?.parse()?)
}
