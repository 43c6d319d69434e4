//! Nothing stays in the kernel: no program, map or link, after many starts and stops, nor after SIGKILL.
//!
//! Needs root, and that nobody else keeps programs in the kernel that were not there before. `NOSPACE_STARTS` sets how
//! many starts (50).
//!
//! And none of the programs comes near the number of instructions that the kernel refuses to verify.

#![allow(clippy::print_stdout, reason = "a test program of its own")]

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use libbpf_rs::query::{LinkInfoIter, MapInfoIter, ProgInfoIter};
use nospace_bpf::accounting::AccountingReader;
use nospace_bpf::support::Unsupported;
use nospace_bpf::trace::{Options, Tracer};
use nospace_bpf::watches::Lister;

/// A quarter of the kernel's limit (`BPF_COMPLEXITY_LIMIT_INSNS`, include/linux/bpf.h): verifiers differ between kernels, and time is spent on each.
const MAX_VERIFIED: u32 = 250_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some("hold") {
        return hold();
    }
    if let Err(e) = AccountingReader::load() {
        println!("skipped: {e}");
        return match env::var_os("NOSPACE_NEEDS_EBPF") {
            None => ExitCode::SUCCESS,
            Some(_) => ExitCode::FAILURE,
        };
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("FAILED: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Whether there is more of anything.
fn more(now: [usize; 3], before: [usize; 3]) -> bool {
    now.iter().zip(before).any(|(&now, before)| now > before)
}

/// Programs, maps and links in the kernel.
fn objects() -> [usize; 3] {
    [
        ProgInfoIter::default().count(),
        MapInfoIter::default().count(),
        LinkInfoIter::default().count(),
    ]
}

fn run() -> Outcome<()> {
    let starts: u32 = env::var("NOSPACE_STARTS").map_or(Ok(50), |n| n.parse())?;
    // What the first look left is freed first.
    std::thread::sleep(Duration::from_secs(1));
    let before = objects();
    for _ in 0..starts {
        AccountingReader::load()?.read()?;
        Lister::load()?.list([], |_| {})?;
        Tracer::start(Options::default())?.poll(Duration::ZERO, |_| {})?;
    }
    check("starts and stops", before)?;
    small()?;
    for _ in 0..starts / 20 {
        killed()?;
    }
    check("kills", before)?;
    println!(
        "{starts} starts ... ok ({before:?} programs, maps and links before, {:?} after)",
        objects()
    );
    Ok(())
}

/// How many instructions the kernel went through to verify each program (since 5.16).
fn small() -> Outcome<()> {
    let known: Vec<u32> = ProgInfoIter::default().map(|one| one.id).collect();
    let _held = (
        AccountingReader::load()?,
        Lister::load()?,
        Tracer::start(Options::default())?,
    );
    for program in ProgInfoIter::default().filter(|one| !known.contains(&one.id)) {
        let name = program.name.to_string_lossy();
        println!(
            "{name} ... {} instructions verified",
            program.verified_insns
        );
        if program.verified_insns > MAX_VERIFIED {
            return Err(format!("{name}: more than {MAX_VERIFIED}").into());
        }
    }
    Ok(())
}

/// A process that holds all of it, killed.
fn killed() -> Outcome<()> {
    let mut child = Command::new("/proc/self/exe")
        .arg("hold")
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut line)?;
    child.kill()?;
    child.wait()?;
    match line.trim() {
        "held" => Ok(()),
        other => Err(other.into()),
    }
}

fn hold() -> ExitCode {
    let all = || {
        Ok::<_, Unsupported>((
            AccountingReader::load()?,
            Lister::load()?,
            Tracer::start(Options::default())?,
        ))
    };
    let _held = all()
        .inspect(|_| println!("held"))
        .inspect_err(|why| println!("{why}"));
    loop {
        std::thread::park();
    }
}

fn check(after: &str, before: [usize; 3]) -> Outcome<()> {
    let now = settled(before);
    if more(now, before) {
        return Err(
            format!("after {after}: {now:?} programs, maps, links; before: {before:?}").into(),
        );
    }
    Ok(())
}

/// The kernel frees behind a grace period, and somebody else may look at the node: waits long until there is no more than `before`.
fn settled(before: [usize; 3]) -> [usize; 3] {
    let start = Instant::now();
    loop {
        let now = objects();
        if !more(now, before) || start.elapsed() > Duration::from_secs(30) {
            return now;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
