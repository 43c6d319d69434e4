use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Result;

const ORDINARY: &[&str] = &[
    "v1-kubelet120-ok.log",
    "v2-bookworm-G1-kubelet.log",
    "v2-bookworm-G1-containerd-restart.log",
];
const REFUSALS: &str = "v1-kubelet120-A-watches-exhausted-restart.log";
/// One line in this many is a refusal.
const EVERY: usize = 500;

/// Writes the lines of real logs over and over, at least `size` bytes; returns the number of lines.
pub fn write(logs: &Path, path: &Path, size: u64) -> Result<u64> {
    let mut ordinary = Vec::new();
    for name in ORDINARY {
        let text = fs::read_to_string(logs.join(name))?;
        ordinary.extend(text.lines().map(str::to_owned));
    }
    let refusals = fs::read_to_string(logs.join(REFUSALS))?;
    let refusals: Vec<&str> = refusals
        .lines()
        .filter(|l| l.contains("no space left on device"))
        .collect();
    let mut out = BufWriter::new(File::create(path)?);
    let (mut written, mut lines) = (0, 0);
    let ordinary = ordinary.iter().map(String::as_str).cycle();
    for (number, line) in ordinary.enumerate() {
        if written >= size {
            break;
        }
        let refusal = refusals[number / EVERY % refusals.len()];
        let also = (number % EVERY == EVERY - 1).then_some(refusal);
        for line in [Some(line), also].into_iter().flatten() {
            writeln!(out, "{line}")?;
            written += line.len() as u64 + 1;
            lines += 1;
        }
    }
    out.flush()?;
    Ok(lines)
}
