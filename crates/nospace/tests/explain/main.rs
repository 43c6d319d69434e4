//! `nospace explain`, as people and scripts run it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod following;
mod node;
mod reading;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use nospace_core::explain::Explanation;
use serde_json::Value;

const WATCHES: &str =
    "Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup: no space left on device\n";

fn logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/logs")
}

fn explain(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("nospace").unwrap();
    command.args(["explain", "--no-node"]).args(args);
    command
}

fn json(command: &mut Command) -> Explanation {
    let out = command.args(["-o", "json"]).output().unwrap();
    serde_json::from_slice(&out.stdout).unwrap()
}

fn path(name: &str) -> String {
    logs().join(name).display().to_string()
}

fn stdout(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn exit_codes_are_those_of_a_monitoring_plugin() {
    for (log, code) in [
        ("v1-kubelet120-ok.log", 0),
        ("v1-kubelet120-B4-containerd-cri-not-loaded.log", 1),
        ("v1-kubelet120-A-watches-exhausted-restart.log", 2),
        ("no-such.log", 3),
    ] {
        explain(&[&path(log)]).assert().code(code);
    }
    explain(&["--no-such-option"]).assert().code(3);
}

#[test]
fn a_word_that_is_no_file_is_a_mistyped_code_or_named_as_neither() {
    for (word, answer) in [
        ("watchs", "did you mean epoll-watches or inotify-watches?"),
        ("inotify-watch", "did you mean inotify-watches?"),
        (
            "no-such-log",
            "\"no-such-log\" is neither a file nor a cause code",
        ),
        ("./watchs-of-today", "No such file or directory"),
    ] {
        let out = explain(&[word]).output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(said.contains(answer), "{word}: {said}");
        assert_eq!(out.status.code(), Some(3), "{word}");
        assert!(said.len() < 200, "{said}");
    }
}

#[test]
fn the_document_is_that_of_the_schema() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/explain.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let made = serde_json::to_value(schemars::schema_for!(Explanation)).unwrap();
    assert_eq!(schema, made, "run: cargo xtask schema");
    let out = explain(&[&path("v2-bookworm-G2-kubelet.log"), "-o", "json"])
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&said)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(said["causes"][0]["cause"], "inotify-watches");
    assert_eq!(said["causes"][0]["lines"], 23);
    assert_eq!(said["causes"][0]["node"], "unknown");
    assert_eq!(said["causes"][0]["first"], "Nov 21 00:37:42");
    assert_eq!(said["causes"][0]["last"], "Nov 21 00:38:52");
    assert_eq!(said["lines"].as_array().unwrap().len(), 23);
}

#[test]
fn the_document_keeps_as_many_lines_as_asked() {
    let said = json(explain(&["--max-lines", "5"]).write_stdin(WATCHES.repeat(12)));
    assert_eq!(
        (said.lines.len(), said.lines_omitted, said.causes[0].lines),
        (5, 7, 12)
    );
}

#[test]
fn the_story_marks_the_telling_part_and_cleans_the_rest() {
    let log = format!("\u{1b}[2Jevil {WATCHES}");
    let text = stdout(
        explain(&["--color", "always"])
            .env("LANG", "C.UTF-8")
            .write_stdin(log.clone()),
    );
    assert!(
        text.contains("evil") && !text.contains("\u{1b}[2J"),
        "{text}"
    );
    assert!(
        text.contains("\u{1b}[1mFailed to start cAdvisor inotify_add_watch"),
        "{text}"
    );
    let plain = stdout(explain(&[]).write_stdin(log));
    assert!(!plain.contains('\u{1b}'), "{plain}");
}

#[test]
fn a_cause_code_prints_its_page() {
    let text = stdout(&mut explain(&["mount-limit"]));
    assert!(
        text.contains("mount-limit") && text.contains("fs.mount-max"),
        "{text}"
    );
    explain(&["no-such-cause"]).assert().code(3);
}

#[test]
fn the_table_is_printed() {
    let text = stdout(&mut explain(&["--list"]));
    assert!(text.contains("kubelet-cadvisor-start-watches"), "{text}");
    let table: Vec<Value> =
        serde_json::from_str(&stdout(&mut explain(&["--list", "-o", "json"]))).unwrap();
    assert!(table.len() > 100);
    assert!(
        table
            .iter()
            .all(|s| s["source"].as_str().unwrap().starts_with("https://"))
    );
}

#[test]
fn own_signatures_are_used_and_their_errors_reported() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("own.toml");
    let own = "[[signature]]\nid = \"acme\"\nprogram = \"acme\"\ncause = \"keys\"\nliteral = \"acme keys\"\npattern = 'acme keys gone'\nexample = 'acme keys gone'\nsource = 'https://example.org'\n";
    fs::write(&file, own).unwrap();
    let name = file.display().to_string();
    explain(&["-q", "--signatures", &name])
        .write_stdin("acme keys gone\n")
        .assert()
        .stdout("keys\n");
    fs::write(&file, own.replace("\"keys\"", "\"kyes\"")).unwrap();
    let out = explain(&["--signatures", &name])
        .write_stdin("")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(3));
    let err = String::from_utf8(out.stderr).unwrap();
    for part in ["own.toml", "\"acme\"", "kyes"] {
        assert!(err.contains(part), "{err}");
    }
}
