//! Prints inotify calls and misleading refusals as they happen, for some seconds.
//!
//! `cargo run --release -p nospace-bpf --features ebpf --example trace [SECONDS [failed]]`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use std::env;
use std::time::{Duration, Instant};

use nospace_bpf::trace::{Options, Tracer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds: u64 = env::args().nth(1).map_or(Ok(10), |n| n.parse())?;
    let options = Options {
        failed_only: env::args().nth(2).is_some(),
        ..Options::default()
    };
    let start = Instant::now();
    let mut tracer = Tracer::start(options)?;
    eprintln!("tracing after {:?}", start.elapsed());
    let mut seen = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        tracer.poll(Duration::from_millis(100), |event| {
            seen += 1;
            if seen <= 20 {
                let path = event.path.as_deref().map(String::from_utf8_lossy);
                println!(
                    "{:?} {} ({}) uid {} {} {path:?} = {} {:?} {:?}",
                    event.time,
                    String::from_utf8_lossy(&event.comm),
                    event.pid,
                    event.uid,
                    event.call.name(),
                    event.result,
                    event.refusal(),
                    event.count,
                );
            }
        })?;
    }
    eprintln!("{seen} calls, {} lost", tracer.lost());
    let stop = Instant::now();
    drop(tracer);
    eprintln!("stopped in {:?}", stop.elapsed());
    Ok(())
}
