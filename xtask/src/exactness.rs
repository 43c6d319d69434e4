//! `cargo xtask exactness`: what nospace, `find | xargs grep -c` and inotify-info count where the kernel's own count is
//! known; into docs/exactness.md. The oracle test of crates/bpf makes each case and proves the kernel's count.

#![allow(clippy::print_stdout, reason = "it is for a terminal")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use nospace_core::report::Report;

use crate::bench::{self, programs::FIND};

/// The oracle's holders are these uids (crates/bpf/tests/common), which nobody else is.
const UIDS: std::ops::Range<u32> = 700_000..765_536;

/// Instances and watches.
type Count = (u64, u64);

/// Asks all at each case, and writes the page.
pub fn run() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "the cases need user namespaces, and nospace must see them: run as root"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let programs = Programs {
        nospace: bench::build(&root)?,
        inotify_info: bench::peers(&root)?,
    };
    let table = programs.table(&oracle(&root)?)?;
    bench::write(&root.join("docs/exactness.md"), "exactness", &table)?;
    print!("{table}");
    Ok(())
}

/// The test, built.
fn oracle(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let words =
        "test --package nospace-bpf --features ebpf --test oracle --no-run --message-format=json";
    let output = Command::new(cargo)
        .args(words.split(' '))
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let built = text.lines().find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        rest.split('"').next()
    });
    Ok(built.context("the oracle test does not build")?.into())
}

struct Programs {
    nospace: PathBuf,
    inotify_info: Vec<String>,
}

impl Programs {
    fn table(&self, oracle: &Path) -> Result<String> {
        let mut oracle = Command::new(oracle)
            .arg("--pause")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut go_on = oracle.stdin.take().context("no pipe")?;
        let mut text = "| case | the kernel | `nospace check` | `nospace check --no-ebpf` | `find` and `grep` | inotify-info |\n\
                        |---|---:|---:|---:|---:|---:|\n"
            .to_owned();
        for line in BufReader::new(oracle.stdout.take().context("no pipe")?).lines() {
            let line = line?;
            if let ["at", name, instances, watches] = line.split(' ').collect::<Vec<_>>()[..] {
                let kernel = (instances.parse()?, watches.parse()?);
                text += &self.row(name, kernel)?;
                writeln!(go_on)?;
            } else if line.contains("FAILED") {
                bail!("{line}");
            }
        }
        ensure!(oracle.wait()?.success(), "the oracle test failed");
        Ok(text)
    }

    fn row(&self, name: &str, kernel: Count) -> Result<String> {
        let counts = [
            kernel,
            self.nospace(&[])?,
            self.nospace(&["--no-ebpf"])?,
            find()?,
            self.inotify_info()?,
        ];
        let mut row = format!("| {name} |");
        for (place, (instances, watches)) in counts.into_iter().enumerate() {
            let wrong = place > 0 && (instances, watches) != kernel;
            let mark = if wrong { "**" } else { "" };
            let _ = write!(row, " {mark}{instances} / {watches}{mark} |");
        }
        Ok(row + "\n")
    }

    /// Of users that draw on none of the others.
    fn nospace(&self, more: &[&str]) -> Result<Count> {
        let output = Command::new(&self.nospace)
            .args(["check", "-o", "json"])
            .args(more)
            .output()?;
        let report: Report = serde_json::from_slice(&output.stdout)?;
        let of_case = |uid: u32| UIDS.contains(&uid);
        let users = report.users.iter().filter(|user| {
            of_case(user.uid) && !user.draws_on.as_ref().is_some_and(|on| of_case(on.uid))
        });
        Ok(users.fold((0, 0), |(instances, watches), user| {
            (instances + user.instances.used, watches + user.watches.used)
        }))
    }

    /// Rows are pid, uid, name, watches, instances, the name in colour.
    fn inotify_info(&self) -> Result<Count> {
        let (first, rest) = self.inotify_info.split_first().context("no command")?;
        let output = Command::new(first).args(rest).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let pids = pids()?;
        let mut sum = (0, 0);
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some(true) = words.first().map(|pid| pids.contains(*pid)) else {
                continue;
            };
            let (watches, instances) = match words[..] {
                [_, _, _, watches, instances] => (watches, instances),
                // It leaves the watches out where there are none.
                [_, _, _, instances] => ("0", instances),
                _ => bail!("inotify-info says {line:?}"),
            };
            let number = |word: &str| word.replace(',', "").parse::<u64>();
            sum.0 += number(instances).with_context(|| format!("inotify-info says {line:?}"))?;
            sum.1 += number(watches).with_context(|| format!("inotify-info says {line:?}"))?;
        }
        Ok(sum)
    }
}

/// `/proc/1/fdinfo/5:83` a line; `-H` since grep leaves the name of a single file out.
fn find() -> Result<Count> {
    let find = FIND.replace("xargs grep -c", "xargs -r grep -cH");
    let output = Command::new("sh").args(["-c", &find]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let pids = pids()?;
    let mut sum = (0, 0);
    for line in text.lines() {
        let (path, watches) = line.rsplit_once(':').context("no colon")?;
        if path.split('/').nth(2).is_some_and(|pid| pids.contains(pid)) {
            sum.0 += 1;
            sum.1 += watches.parse::<u64>()?;
        }
    }
    Ok(sum)
}

/// The processes of the case.
fn pids() -> Result<HashSet<String>> {
    let mut pids = HashSet::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let status = fs::read_to_string(format!("/proc/{name}/status")).unwrap_or_default();
        let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        let uid = uid.and_then(|uids| uids.split_whitespace().next()?.parse().ok());
        if uid.is_some_and(|uid| UIDS.contains(&uid)) {
            pids.insert(name);
        }
    }
    Ok(pids)
}
