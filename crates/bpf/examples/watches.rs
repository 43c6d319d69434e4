//! Prints the watches of all instances, or of one process, and how long that took.
//!
//! `cargo run --release -p nospace-bpf --features ebpf --example watches [PID]`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use std::time::Instant;

use nospace_bpf::accounting::Accountant;
use nospace_bpf::watches::Lister;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pid: Option<u32> = std::env::args().nth(1).map(|n| n.parse()).transpose()?;
    let start = Instant::now();
    let tally = Accountant::load()?.account()?;
    let identities: Vec<u64> = tally
        .instances
        .iter()
        .filter(|i| pid.is_none_or(|pid| i.holders.iter().any(|h| h.pid == pid)))
        .map(|i| i.identity)
        .collect();
    let mut lister = Lister::load()?;
    let loaded = start.elapsed();
    let mut watches = Vec::new();
    lister.list(identities.iter().copied(), |watch| watches.push(watch))?;
    eprintln!(
        "{} watches: loaded after {loaded:?}, listed after {:?}",
        watches.len(),
        start.elapsed()
    );
    for watch in watches {
        println!("{:x} {watch:?}", watch.identity);
    }
    Ok(())
}
