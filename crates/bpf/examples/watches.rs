//! Prints the watches of all instances, or of one process, and how long that took.
//!
//! `cargo run --release -p nospace-bpf --features ebpf --example watches [PID]`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use std::time::Instant;

use nospace_bpf::accounting::AccountingReader;
use nospace_bpf::watches::{Listed, Lister};

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
    let mut listed = Vec::new();
    lister.list(instances, |one| listed.push(one))?;
    let is_watch = |one: &&Listed| matches!(one, Listed::Watch(_));
    eprintln!(
        "{} watches: loaded after {loaded:?}, listed after {:?}",
        listed.iter().filter(is_watch).count(),
        start.elapsed()
    );
    for one in listed {
        println!("{one:?}");
    }
    Ok(())
}
