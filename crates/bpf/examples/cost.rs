//! What the trace costs: a traced call, and a call that is not traced, with and without it.
//!
//! `cargo run --release -p nospace-bpf --features ebpf --example cost`

#![allow(clippy::print_stdout, reason = "an example")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nospace_bpf::trace::{Options, Tracer};
use rustix::fs::inotify;

const CALLS: u32 = 20_000;
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let without = measure()?;
    let mut tracer = Tracer::start(Options::default())?;
    let done = AtomicBool::new(false);
    let with = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let _ = tracer.poll(Duration::from_millis(20), |_| {});
            }
        });
        let with = measure().map_err(|e| e.to_string());
        done.store(true, Ordering::Relaxed);
        with
    })?;
    println!("ns a call, median of {ROUNDS}: without, with the trace, difference");
    for (name, without, with) in [
        ("inotify_add_watch and _rm_watch", without.0, with.0),
        ("getppid, which is not traced", without.1, with.1),
    ] {
        println!("{name}: {without:.0} {with:.0} {:.0}", with - without);
    }
    Ok(())
}

fn measure() -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let instance = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    let (mut watches, mut others) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS / 2 {
            let wd =
                inotify::add_watch(&instance, Path::new("/"), inotify::WatchFlags::DELETE_SELF)?;
            inotify::remove_watch(&instance, wd)?;
        }
        watches.push(nanoseconds(start));
        let start = Instant::now();
        for _ in 0..CALLS {
            std::hint::black_box(rustix::process::getppid());
        }
        others.push(nanoseconds(start));
    }
    Ok((median(watches), median(others)))
}

fn nanoseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
