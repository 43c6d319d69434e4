use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::figures::{Figures, Round};
use super::load::{Load, Size};
use super::programs::Program;
use super::record::Record;
use super::{build_both, must_be_root, peers, play, play_after, root, table};

/// inotify-info takes seconds.
const ROUNDS: usize = 5;

/// `cargo xtask bench watches`: who names what is watched, and how fast.
pub fn watches(rounds: Option<&str>) -> Result<()> {
    let rounds = rounds.map_or(Ok(ROUNDS), str::parse).context("rounds")?;
    must_be_root()?;
    let root = root();
    let built = build_both(&root)?;
    let name = std::fs::read_to_string("/proc/self/comm")?;
    let programs = Program::naming(&built, peers(&root)?, name.trim());
    let mut record = Record::begin("watches", &rounds.to_string())?;
    let size = Size::times(1);
    eprintln!("bench: creating {}", size.name());
    let load = Load::make(&size)?;
    let known = play(&programs, rounds)?;
    let forgotten = play_after(&programs, rounds, || forget("2"))?;
    let cold = play_after(&programs, rounds, || forget("3"))?;
    drop(load);
    for (what, played) in [
        ("names cached", &known),
        ("names forgotten", &forgotten),
        ("nothing cached", &cold),
    ] {
        let time = Figures::milliseconds(played, 0).median();
        record.figure(format!("watches, {what}"), time, "ms");
    }
    let mut text = String::new();
    let files = rustix::fs::statvfs("/")?;
    let _ = writeln!(
        text,
        "{} inodes on `/`. The kernel has the names cached, because the runs follow one another:\n",
        files.f_files - files.f_ffree
    );
    text += &rows(&programs, &known);
    text += "\nThe kernel has dropped all unused names from its cache but keeps the disk's blocks \
             (`echo 2 > /proc/sys/vm/drop_caches` before each run), as on a node whose disk was not searched recently:\n\n";
    text += &rows(&programs, &forgotten);
    text += "\nNothing of the disk is cached (`echo 3`), not even the programs themselves: the first request:\n\n";
    text += &rows(&programs, &cold);
    record.finish(&text)
}

/// Has the kernel forget directory entries and inodes that nobody uses (2), and what it has read of disks, too (3:
/// Documentation/admin-guide/sysctl/vm.rst).
fn forget(what: &str) -> Result<()> {
    rustix::fs::sync();
    std::fs::write("/proc/sys/vm/drop_caches", what).context("/proc/sys/vm/drop_caches")
}

fn rows(programs: &[Program], played: &[Round]) -> String {
    let mut text = "| | median ms | min–max ms | nospace's time relative to it | CPU ms | peak MB | reported |\n|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for (place, program) in programs.iter().enumerate() {
        let times = Figures::milliseconds(played, place);
        let memory = Figures::of(played, |round| round[place].measured.memory as f64 / 1e6);
        let cpu = Figures::of(played, |round| {
            round[place].measured.cpu.as_secs_f64() * 1e3
        });
        let told = played.last().map_or(0, |round| round[place].counts.watches);
        let _ = writeln!(
            text,
            "| {} | {:.1} | {} | {} | {:.1} | {:.1} | {told} |",
            program.name,
            times.median(),
            table::range(&times),
            if place == 0 {
                String::new()
            } else {
                table::share(played, place)
            },
            cpu.median(),
            memory.max(),
        );
    }
    text
}
