use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::figures::Figures;
use super::load::{Load, Size};
use super::programs::Program;
use super::{build_both, must_be_root, peers, play, root, table, write};

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
    let size = Size::times(1);
    eprintln!("bench: making {}", size.name());
    let load = Load::make(&size)?;
    let played = play(&programs, rounds)?;
    drop(load);
    let mut text = table::circumstances(&format!("cargo xtask bench watches {rounds}"))?;
    text += "\n| | median ms | min–max ms | nospace takes of it | CPU ms | peak MB | told |\n|---|---:|---:|---:|---:|---:|---:|\n";
    for (place, program) in programs.iter().enumerate() {
        let times = Figures::milliseconds(&played, place);
        let memory = Figures::of(&played, |round| round[place].measured.memory as f64 / 1e6);
        let cpu = Figures::of(&played, |round| {
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
                table::share(&played, place)
            },
            cpu.median(),
            memory.max(),
        );
    }
    write(&root.join("docs/benchmarks.md"), "bench watches", &text)?;
    print!("{text}");
    Ok(())
}
