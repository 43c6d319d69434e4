//! `cargo xtask bench explain`: nospace against cat, grep and ripgrep with the same patterns, on a log of the size of a
//! busy node's, plain and compressed, and its memory; the figures go to docs/benchmarks.md.

mod dialect;
mod log;
mod program;
mod report;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::figures::Figures;
use super::record::Record;
use program::{Patterns, Program, play};

/// Rounds unless the command line says otherwise.
const ROUNDS: usize = 3;
/// MiB of the log unless the command line says otherwise.
const MIB: u64 = 1024;
/// Files that are read side by side.
const FILES: usize = 10;

/// Runs it all; `rounds` and `mib` as given on the command line.
pub fn explain(rounds: Option<&str>, mib: Option<&str>) -> Result<()> {
    let rounds: usize = rounds.map_or(Ok(ROUNDS), str::parse).context("rounds")?;
    let mib: u64 = mib.map_or(Ok(MIB), str::parse).context("MiB")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let nospace = super::build(&root)?.display().to_string();
    let work = tempfile::tempdir()?;
    let (logs, patterns) = (root.join("tests/logs"), Patterns::write(work.path())?);
    let path = work.path().join("kubelet.log");
    let lines = log::write(&logs, &path, mib << 20)?;
    let mut record = Record::begin("explain", &format!("{rounds} {mib}"))?;
    let plain = play(&Program::plain(&nospace, &patterns), rounds, &path)?;
    // nospace comes first, then cat, then ripgrep.
    for (at, what) in [(1, "of cat's time"), (2, "of ripgrep's time")] {
        let shares = plain[0].runs.iter().zip(&plain[at].runs);
        let share = shares.map(|(ours, run)| ours.time.as_secs_f64() / run.time.as_secs_f64());
        record.figure("one log", Figures::new(share.collect()).median(), what);
    }
    let mut text = format!(
        "{mib} MiB of real kubelet and containerd lines ({lines} lines), an error in about every 500th; page cache warm; \
         all programs ignore case.\n\n{}",
        report::table(&plain)
    );
    for (packer, name, unpack) in [
        ("gzip", "`zcat`, `rg -c`, the same patterns", "zcat"),
        ("zstd", "`zstdcat`, `rg -c`, the same patterns", "zstdcat"),
    ] {
        let packed = pack(packer, &path)?;
        let size = std::fs::metadata(&packed)?.len() / 1_000_000;
        let programs = Program::unpacking(&nospace, &patterns, name, unpack);
        let table = report::table(&play(&programs, rounds, &packed)?);
        text += &format!("\nThe same log by `{packer}`, {size} MB:\n\n{table}");
    }
    text += &format!(
        "\nMemory of nospace, {FILES} files read side by side:\n\n{}",
        memory(&nospace, rounds, &logs, work.path(), mib)?
    );
    record.finish(&text)
}

/// Compresses `log` beside it, and keeps it.
fn pack(packer: &str, log: &Path) -> Result<PathBuf> {
    let ending = if packer == "gzip" { "gz" } else { "zst" };
    let status = Command::new(packer)
        .args(["-q", "-k", "-1"])
        .arg(log)
        .status()?;
    ensure!(status.success(), "{packer}: {status}");
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    Ok(PathBuf::from(name))
}

/// What nospace takes for the log, for a tenth of it, and for ten of these side by side.
fn memory(nospace: &str, rounds: usize, logs: &Path, work: &Path, mib: u64) -> Result<String> {
    let program = Program::nospace(nospace);
    let small = (mib / FILES as u64).max(1);
    let files: Vec<PathBuf> = (0..FILES).map(|n| work.join(format!("{n}.log"))).collect();
    for file in &files {
        log::write(logs, file, small << 20)?;
    }
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let whole = work.join("kubelet.log");
    let mut text = String::from("| | median s | peak MB |\n|---|---:|---:|\n");
    for (what, logs) in [
        (format!("one file of {mib} MiB"), &[whole.as_path()][..]),
        (format!("one file of {small} MiB"), &paths[..1]),
        (format!("{FILES} files of {small} MiB"), &paths[..]),
    ] {
        let runs: Result<Vec<_>> = (0..rounds)
            .map(|_| program.run(logs).map(|(measured, _)| measured))
            .collect();
        text += &report::memory(&what, &runs?);
    }
    Ok(text)
}
