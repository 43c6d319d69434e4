//! Prints the watches of all instances, or of one process, and how long that took.
//!
//! `cargo run --release -p nospace-bpf --features ebpf --example watches [PID]`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use std::time::Instant;

use nospace_bpf::accounting::AccountingReader;
use nospace_bpf::watches::Lister;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pid: Option<u32> = std::env::args().nth(1).map(|n| n.parse()).transpose()?;
    let start = Instant::now();
    let accounting = AccountingReader::load()?.read()?;
    let instances = accounting.instances.iter().filter_map(|instance| {
        let mut holders = instance.holders.iter();
        let holder = holders.find(|h| pid.is_none_or(|pid| h.pid == pid))?;
        Some((instance.identity, *holder))
    });
    let mut lister = Lister::load()?;
    let loaded = start.elapsed();
    let mut watches = Vec::new();
    lister.list(instances, |watch| watches.push(watch))?;
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
