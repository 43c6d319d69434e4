//! Every node of tests/nodes/ gives the report that stands beside it, as text and as JSON.
//!
//! `UPDATE=1 cargo test -p nospace --test nodes` writes the reports anew; look at the diff.

#![allow(clippy::expect_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nospace::collect::collect;
use nospace::host::archive::load;
use nospace::host::recorded::Recorded;
use serde_json::Value;

/// A smaller number means that a directory was lost.
const LEAST: usize = 6;

fn cases() -> Vec<PathBuf> {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes");
    let mut cases: Vec<PathBuf> = fs::read_dir(nodes)
        .expect("tests/nodes")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= LEAST, "{cases:?}");
    cases
}

/// The archive, or the directory that one is laid out as.
fn node(case: &Path) -> PathBuf {
    let archive = case.join("node.tar.zst");
    if archive.exists() {
        archive
    } else {
        case.join("node")
    }
}

fn check(case: &Path, arguments: &[&str]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_nospace"))
        .args(["check", "--from"])
        .arg(node(case))
        .args(arguments)
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("COLUMNS", "100")
        .output()
        .expect("nospace runs");
    let code = output.status.code().expect("an exit code");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(code <= 3, "{}: exit code {code}: {errors}", case.display());
    assert!(errors.is_empty(), "{}: {errors}", case.display());
    (String::from_utf8(output.stdout).expect("UTF-8"), code)
}

/// JSON without what differs from look to look: how long each collector took.
fn json_report(case: &Path) -> (String, i32) {
    let (text, code) = check(case, &["-o", "json"]);
    let mut report: Value = serde_json::from_str(&text).expect("JSON");
    for run in report["collectors"].as_array_mut().expect("collectors") {
        run["durationMs"] = 0.into();
    }
    (
        serde_json::to_string_pretty(&report).expect("JSON") + "\n",
        code,
    )
}

fn compare(case: &Path, name: &str, made: &str) -> Result<(), String> {
    let path = case.join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, made).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let kept = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if kept == made {
        return Ok(());
    }
    let differing = kept
        .lines()
        .zip(made.lines())
        .find(|(kept, made)| kept != made);
    Err(format!(
        "{} differs, first at (kept, made) {differing:#?}\nnow it is:\n{made}",
        path.display()
    ))
}

#[test]
fn recorded_nodes_give_their_reports() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (text, code) = check(&case, &[]);
        let (json, json_code) = json_report(&case);
        assert_eq!(code, json_code, "{}", case.display());
        wrong.extend(compare(&case, "report.txt", &text).err());
        wrong.extend(compare(&case, "report.json", &json).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A namespace that is not the first, with pid 1 in it: a guest.
#[test]
fn no_neighbor_table_is_out_of_sight_but_in_the_first_namespace() {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes");
    let neighbors = |lost: &[&str]| {
        let mut contents = load(&nodes.join("machine-limits-v2/node.tar.zst")).expect("an archive");
        contents
            .files
            .retain(|name, _| !lost.iter().any(|part| name.contains(part)));
        let runs = collect(&Recorded::of(contents)).collectors;
        let run = runs.into_iter().find(|run| run.name == "neighbors");
        run.expect("the collector ran")
    };
    assert!(!neighbors(&[]).out_of_sight);
    // IPv6 is off.
    assert!(!neighbors(&["ndisc_cache", "sys/net/ipv6"]).out_of_sight);
    let guest = neighbors(&["net/stat", "gc_thresh"]);
    assert!(guest.out_of_sight && guest.gaps.len() == 2, "{guest:?}");
}
