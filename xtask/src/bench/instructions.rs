//! `cargo xtask bench instructions PROGRAM [--write]`: how many instructions nospace executes where its work depends on files alone, as valgrind
//! counts them. Times are noisy; these differ by less than a hundredth from run to run, so a change that costs time shows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::root;

/// What was counted when somebody last wrote it: case, instructions.
const KNOWN: &str = "tests/instructions.tsv";
const HEADING: &str = "case\tmillions of instructions\n";
/// More than this much above what is known fails; less than it by as much should be written.
const TOLERANCE: f64 = 0.10;
/// A processor of another kind takes other routines of memchr and libc.
const ARCHITECTURE: &str = "x86_64";

/// What is run, in the repository.
const CASES: [(&str, &[&str]); 8] = [
    ("start", &["--version"]),
    (
        "explain a healthy kubelet's log",
        &["explain", "--no-node", "tests/logs/v1-kubelet120-ok.log"],
    ),
    (
        "explain an exhausted kubelet's log",
        &[
            "explain",
            "--no-node",
            "tests/logs/v2-bookworm-G2-kubelet.log",
        ],
    ),
    (
        "explain lines of many programs",
        &["explain", "--no-node", "tests/lines/work.tsv"],
    ),
    (
        "check a recorded node",
        &[
            "check",
            "-o",
            "json",
            "--from",
            "tests/nodes/kubelet-v2/node.tar.zst",
        ],
    ),
    (
        "check a timeline",
        &[
            "check",
            "-o",
            "json",
            "--from",
            "tests/timelines/config-reloader.tar.zst",
        ],
    ),
    (
        "report a timeline",
        &[
            "report",
            "--from",
            "tests/timelines/config-reloader.tar.zst",
        ],
    ),
    ("plan", &["plan", "--pods", "250", "-o", "json"]),
];

/// Counts all cases with `program`; compares them with what is known, or writes that.
pub fn run(program: &str, write: bool) -> Result<()> {
    let program = Path::new(program)
        .canonicalize()
        .with_context(|| program.to_owned())?;
    if std::env::consts::ARCH != ARCHITECTURE {
        println!("skipped: the known figures are of {ARCHITECTURE}");
        return Ok(());
    }
    let path = root().join(KNOWN);
    let known = if write {
        String::new()
    } else {
        fs::read_to_string(&path).with_context(|| KNOWN.to_owned())?
    };
    let known = parse(&known)?;
    let mut text = HEADING.to_owned();
    let mut worse = Vec::new();
    for (case, arguments) in CASES {
        let now = count(&program, arguments).with_context(|| case.to_owned())?;
        let _ = writeln!(text, "{case}\t{now:.1}");
        let verdict = match known.get(case) {
            None if write => "",
            None => bail!("{KNOWN} does not have {case}: run this with --write"),
            Some(then) if now > then * (1.0 + TOLERANCE) => {
                worse.push(format!("{case}: {now:.1} million instead of {then:.1}"));
                "worse"
            }
            Some(then) if now < then * (1.0 - TOLERANCE) => "better: run this with --write",
            Some(_) => "as before",
        };
        println!("{case}: {now:.1} million instructions {verdict}");
    }
    if write {
        fs::write(&path, text)?;
    }
    ensure!(
        worse.is_empty(),
        "more instructions than before; if that is worth it, run this with --write:\n{}",
        worse.join("\n")
    );
    Ok(())
}

fn parse(text: &str) -> Result<BTreeMap<&str, f64>> {
    text.lines()
        .skip(1)
        .map(|row| {
            let (case, millions) = row.split_once('\t').context("a row without a tab")?;
            Ok((case, millions.parse().with_context(|| row.to_owned())?))
        })
        .collect()
}

/// In millions.
fn count(program: &Path, arguments: &[&str]) -> Result<f64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(program)
        .args(arguments)
        // Where it is set, each error looks up where it came from, which takes more than the rest.
        .env_remove("RUST_BACKTRACE")
        .current_dir(root())
        .output()
        .context("valgrind (Debian: valgrind)")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    // 1 and 2: something was found; 3: an error, which prints nothing, or not all was seen.
    let done = matches!(output.status.code(), Some(0..=3)) && !output.stdout.is_empty();
    ensure!(done, "{errors}");
    let line = errors.lines().find_map(|line| line.split_once("refs:"));
    let (_, number) = line.with_context(|| errors.clone().into_owned())?;
    let number: f64 = number.trim().replace(',', "").parse()?;
    Ok(number / 1e6)
}
