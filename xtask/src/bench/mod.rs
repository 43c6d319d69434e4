//! `cargo xtask bench check` and `bench watches`: nospace against what people use today, on a load of known size, the
//! programs taking turns; the figures go to docs/benchmarks.md.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is for a terminal"
)]

pub mod agent;
pub mod collectors;
pub mod exhaust;
mod explain;
mod figures;
pub mod fleet;
pub mod instructions;
mod load;
pub mod measure;
mod node;
mod pods;
pub mod programs;
mod record;
pub mod recording;
pub mod scale;
mod table;
pub mod timeline;
pub mod trace;
mod watches;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

pub use explain::explain;
use figures::{Figures, Round};
use load::{Load, Size};
pub use watches::watches;

use programs::{Built, CHECK, PEERS, Program};
use record::Record;

/// Times the load of the contract.
const SCALES: [u32; 3] = [1, 3, 10];
/// Rounds at each scale unless the command line says otherwise.
const ROUNDS: usize = 15;

/// Runs it all; `rounds` as given on the command line.
pub fn check(rounds: Option<&str>) -> Result<()> {
    let rounds = rounds.map_or(Ok(ROUNDS), str::parse).context("rounds")?;
    must_be_root()?;
    let root = root();
    let programs = programs::all(&build_both(&root)?, peers(&root)?);
    let mut record = Record::begin("check", &rounds.to_string())?;
    eprintln!("bench: without load");
    let idle = play(&programs[..PEERS[0]], rounds)?;
    let times = Figures::milliseconds(&idle, CHECK);
    record.figure("whole `nospace check`, no load", times.median(), "ms");
    let mut report = table::idle(&programs, &idle)?;
    let mut growth = Vec::new();
    let scales = SCALES.map(Size::times);
    for size in scales.into_iter().chain([Size::times(1).with_watches(10)]) {
        eprintln!("bench: creating {}", size.name());
        let load = Load::make(&size)?;
        let descriptors = load.descriptors();
        // What is ten times as large takes ten times as long.
        let fewer = if size.holders * size.watches > Size::times(5).holders * 100 {
            rounds.div_ceil(3)
        } else {
            rounds
        };
        let played = play(&programs, fewer)?;
        drop(load);
        report += &table::scale(&size, descriptors, &programs, &played);
        for (what, part) in table::PARTS {
            let name = format!("{what}, {}", size.name());
            let times = Figures::of(&played, part);
            record.figure(&name, times.median(), "ms");
            let share = |round: &Round| figures::of_the_faster(round, part(round), &PEERS);
            let shares = Figures::of(&played, share);
            record.figure(name, shares.median(), "of the faster tool's time");
        }
        growth.push((size, descriptors, played));
    }
    report += &table::growth(&programs, &growth);
    record.finish(&report)
}

/// Makes the load `scale` times and keeps it until standard input ends: something to look at.
pub fn load(scale: &str) -> Result<()> {
    let size = Size::times(scale.parse().context("scale")?);
    keep(Load::make(&size)?)
}

/// Keeps a load until standard input ends.
fn keep<T>(_load: T) -> Result<()> {
    eprintln!("bench: the load is running; close standard input to stop it");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// Rounds of all programs in turn, after one that warms caches up and is not counted.
fn play(programs: &[Program], rounds: usize) -> Result<Vec<Round>> {
    play_after(programs, rounds, || Ok(()))
}

/// The same, with something done before each run.
fn play_after(
    programs: &[Program],
    rounds: usize,
    before: impl Fn() -> Result<()>,
) -> Result<Vec<Round>> {
    let mut played = Vec::new();
    for round in 0..=rounds {
        eprint!("\rbench: round {round} of {rounds}");
        let runs = programs.iter().map(|program| {
            before()?;
            program.run()
        });
        played.push(runs.collect::<Result<Round>>()?);
    }
    eprintln!();
    played.remove(0);
    Ok(played)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn must_be_root() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "the load needs many users, and nospace must see all of them: run as root"
    );
    Ok(())
}

/// nospace as releases have it; where NOSPACE is set, that program instead.
pub fn build(root: &Path) -> Result<PathBuf> {
    match std::env::var_os("NOSPACE") {
        Some(program) => Ok(PathBuf::from(program)),
        None => {
            let output = Command::new(root.join("scripts/static"))
                .args(["--dist", "--quiet"])
                .current_dir(root)
                .stderr(std::process::Stdio::inherit())
                .output()?;
            ensure!(output.status.success(), "scripts/static --dist failed");
            let path = root.join(String::from_utf8(output.stdout)?.trim());
            path.canonicalize()
                .with_context(|| path.display().to_string())
        }
    }
}

/// And what looks again and again with the programs loaded.
fn build_both(root: &Path) -> Result<Built> {
    let account = [
        "--package",
        "nospace-bpf",
        "--features",
        "nospace-bpf/ebpf",
        "--example",
        "account",
    ];
    Ok(Built {
        nospace: build(root)?,
        account: dist(root, &account, "examples/account")?,
    })
}

/// Builds `what` as for a release; the path of `binary`.
fn dist(root: &Path, what: &[&str], binary: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(&cargo)
        .args(["build", "--profile", "dist"])
        .args(what)
        .current_dir(root)
        .status()?;
    ensure!(status.success(), "cannot build {}", what.join(" "));
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let binary = root.join(target).join("dist").join(binary);
    binary
        .canonicalize()
        .with_context(|| binary.display().to_string())
}

/// The command that starts inotify-info.
pub fn peers(root: &Path) -> Result<Vec<String>> {
    let output = Command::new(root.join("xtask/src/bench/peers.sh"))
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "peers.sh could not fetch inotify-info"
    );
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Puts the figures between the marks of `WHAT` on the page, and leaves the rest of it alone.
pub fn write(page: &Path, what: &str, figures: &str) -> Result<()> {
    let (begin, end) = (
        format!("<!-- {what}: begin -->\n"),
        format!("<!-- {what}: end -->"),
    );
    let text = std::fs::read_to_string(page).with_context(|| page.display().to_string())?;
    let (before, rest) = text.split_once(&begin).context("no begin marker")?;
    let (_, after) = rest.split_once(&end).context("no end marker")?;
    std::fs::write(page, format!("{before}{begin}{figures}{end}{after}"))?;
    Ok(())
}
