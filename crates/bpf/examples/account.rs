//! Prints the kernel's inotify accounting, and how long it took to read it.
//!
//! `cargo run --release -p nospace-bpf --features ebpf --example account [REPEATS]`
//!
//! `account --looks N` prints only what `cargo xtask bench` reads: instances, watches, and the median microseconds of a
//! repeated reading.

#![allow(clippy::print_stdout, reason = "an example")]

use std::time::{Duration, Instant};

use nospace_bpf::accounting::Accounting;
use nospace_bpf::accounting::AccountingReader;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let brief = arguments.next_if(|one| one == "--looks").is_some();
    let repeats: usize = arguments.next().map_or(Ok(15), |n| n.parse())?;
    let (reader, load) = timed(AccountingReader::load);
    let mut reader = reader?;
    let (accounting, first) = timed(|| reader.read());
    let accounting = accounting?;
    if !brief {
        print(&accounting);
    }
    let mut repeated = Vec::new();
    for _ in 0..repeats {
        let (again, took) = timed(|| reader.read());
        again?;
        repeated.push(took);
    }
    repeated.sort();
    if brief {
        let watches: u64 = accounting.instances.iter().map(|i| i.watches).sum();
        let median = repeated.get(repeats / 2).unwrap_or(&first).as_micros();
        println!("{} {watches} {median}", accounting.instances.len());
        return Ok(());
    }
    println!(
        "load {load:?}, first look {first:?}, repeated (median of {repeats}) {:?}",
        repeated.get(repeats / 2)
    );
    Ok(())
}

fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = what();
    (done, start.elapsed())
}

fn print(accounting: &Accounting) {
    for user in &accounting.users {
        let unattributed = accounting.unattributed(user.key).unwrap_or_default();
        println!(
            "{:?}\n  instances {:?}\n  watches {:?}\n  draws on {:?}, unattributed {unattributed:?}",
            user.key, user.instances, user.watches, user.draws_on
        );
    }
    for instance in accounting.instances.iter().take(20) {
        println!(
            "{:#x}: {} watches, {:?}, held by {:?}",
            instance.identity, instance.watches, instance.charged, instance.holders
        );
    }
    let watches: u64 = accounting.instances.iter().map(|i| i.watches).sum();
    let descriptors: u32 = accounting.processes.iter().map(|p| p.descriptors).sum();
    println!(
        "{} instances, {watches} watches, {} processes, {descriptors} descriptors",
        accounting.instances.len(),
        accounting.processes.len()
    );
}
