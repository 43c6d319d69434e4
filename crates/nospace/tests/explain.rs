//! `nospace explain`, as people and scripts run it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use nospace_core::explain::{ExplainedLine, Explanation};
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
fn a_log_that_cannot_be_read_is_no_good_news() {
    let out = explain(&[&path("no-such.log")]).output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "");
    assert!(String::from_utf8_lossy(&out.stderr).contains("no-such.log: No such file"));
    let both = [path("no-such.log"), path("v1-kubelet120-ok.log")];
    let out = explain(&[&both[0], &both[1]]).output().unwrap();
    assert_eq!(out.status.code(), Some(3));
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in ["UNKNOWN", "814 lines", "1 log "] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// Node, log, and what comes of them: cause of the lines, what the node says, the cause that it decides on, exit code.
type Asked<'a> = (&'a str, &'a str, &'a str, &'a str, Option<&'a str>, i32);

const ASKED: &[Asked<'_>] = &[
    (
        "watches-v1",
        "v1-kubelet120-A-watches-exhausted-restart.log",
        "inotify-watches",
        "confirms",
        Some("inotify-watches"),
        2,
    ),
    (
        "healthy-v2",
        "v1-kubelet120-A-watches-exhausted-restart.log",
        "inotify-watches",
        "recovered",
        None,
        1,
    ),
    // Recorded within a pid namespace: who else holds watches is not known.
    (
        "healthy-v1",
        "v1-kubelet120-A-watches-exhausted-restart.log",
        "inotify-watches",
        "unknown",
        None,
        2,
    ),
    (
        "shims-v2",
        "v2-bookworm-G1-containerd.log",
        "inotify-instances",
        "confirms",
        Some("inotify-instances"),
        2,
    ),
    (
        "shims-v2",
        "v2-bookworm-G2-kubelet.log",
        "inotify-watches",
        "recovered",
        None,
        1,
    ),
    // Root's watches are used up; whose journalctl it was is not known.
    (
        "watches-v1",
        "v2-bookworm-G1-journalctl-f.log",
        "inotify-instances",
        "unknown",
        None,
        2,
    ),
    (
        "healthy-v2",
        "v1-kubelet120-B4-containerd-cri-not-loaded.log",
        "inotify-instances",
        "contradicts",
        None,
        1,
    ),
];

#[test]
fn a_recorded_node_is_asked() {
    let mut strangers = 0;
    for (node, log, cause, says, decided, code) in ASKED {
        let text = fs::read_to_string(path(log)).unwrap();
        let out = on_node(node, &["-o", "json", &path(log)], "");
        let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
        if said.causes[0].hosts == ["node1"] {
            assert_eq!(said.causes[0].node.word(), "unknown", "{node}, {log}");
            assert!(said.causes[0].node_says[0].contains("of node1"));
            assert!(said.findings[0].blame.names().is_empty());
            strangers += 1;
        }
        let own = text.replace(" node1 ", " nospace-guest ");
        let out = on_node(node, &["-o", "json"], &own);
        let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
        let all = &said.causes;
        assert_eq!(all.len(), 1, "{node}, {log}");
        let seen = (all[0].cause.code(), all[0].node.word());
        assert_eq!(seen, (*cause, *says), "{node}, {log}: {:?}", all[0]);
        assert_eq!(all[0].decided.map(|c| c.code()), *decided, "{node}, {log}");
        assert_eq!(out.status.code(), Some(*code), "{node}, {log}");
    }
    assert_eq!(strangers, 2);
}

#[test]
fn the_node_says_who_holds_and_what_nobody_can_tell() {
    let log = path("v1-kubelet120-A-watches-exhausted-restart.log");
    let out = on_node("watches-v1", &["-o", "json", &log], "");
    let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
    let node = said.causes[0].node_says.join(" ").replace(',', "");
    for part in ["uid 0", "22829", "100 %", "estimated"] {
        assert!(node.contains(part), "{part}: {node}");
    }
    let culprit = said.findings[0].blame.culprits()[0]
        .to_string()
        .replace(',', "");
    for part in ["logging/promtail-h4wzq", "22769"] {
        assert!(culprit.contains(part), "{part}: {culprit}");
    }
    let full = "no IP addresses available in range set: 10.244.1.1-10.244.1.254\n";
    let out = on_node("healthy-v2", &["-o", "json"], full);
    let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
    let ip_pool = &said.causes[0];
    assert_eq!(
        (ip_pool.cause.code(), ip_pool.node.word()),
        ("ip-pool", "unknown")
    );
    assert_eq!(out.status.code(), Some(2));
}

fn on_node(node: &str, args: &[&str], input: &str) -> std::process::Output {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes");
    let mut command = Command::cargo_bin("nospace").unwrap();
    command.args(["explain", "--from"]);
    command.arg(nodes.join(node).join("node.tar.zst"));
    command.args(args).write_stdin(input).output().unwrap()
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
fn a_directory_is_read_in_the_order_of_writing() {
    let said = json(&mut explain(&[&logs().display().to_string()]));
    let sources: Vec<&str> = said.sources.iter().map(|s| s.source.as_str()).collect();
    let mut sorted = sources.clone();
    sorted.sort_unstable();
    assert_eq!(sources, sorted);
    assert_eq!(said.lines.len(), 54);
}

#[test]
fn packed_and_rotated_logs_are_one_story() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("k.log");
    let said = |time: &str| format!("Nov 21 00:00:0{time} n kubelet[1]: {WATCHES}");
    fs::write(&log, said("3")).unwrap();
    fs::write(
        dir.path().join("k.log.1"),
        zstd::encode_all(said("2").as_bytes(), 1).unwrap(),
    )
    .unwrap();
    let file = fs::File::create(dir.path().join("k.log.2.gz")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gz.write_all(said("1").as_bytes()).unwrap();
    gz.finish().unwrap();
    let all = json(&mut explain(&["--rotated", &log.display().to_string()]));
    assert_eq!(all.causes[0].lines, 3);
    assert_eq!(all.causes[0].first.as_deref(), Some("Nov 21 00:00:01"));
    assert_eq!(all.causes[0].last.as_deref(), Some("Nov 21 00:00:03"));
    let one = json(&mut explain(&[&log.display().to_string()]));
    assert_eq!(one.causes[0].lines, 1);
}

#[test]
fn standard_input_may_be_packed_too() {
    for input in [
        WATCHES.as_bytes().to_vec(),
        zstd::encode_all(WATCHES.as_bytes(), 1).unwrap(),
    ] {
        explain(&["-q"])
            .write_stdin(input)
            .assert()
            .code(2)
            .stdout("inotify-watches\n");
    }
    explain(&["-q", "-"])
        .write_stdin("all is well\n")
        .assert()
        .code(0)
        .stdout("");
}

#[test]
fn what_was_read_of_a_damaged_log_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cut.zst");
    let mut packed = zstd::encode_all(WATCHES.repeat(20_000).as_bytes(), 1).unwrap();
    packed.truncate(packed.len() - 4);
    fs::write(&file, packed).unwrap();
    let out = explain(&[
        "-q",
        &file.display().to_string(),
        &path("v1-kubelet120-ok.log"),
    ])
    .output()
    .unwrap();
    assert_eq!(out.status.code(), Some(2));
    let err = String::from_utf8(out.stderr).unwrap();
    assert!(err.contains("cut.zst"), "{err}");
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "inotify-watches\n");
}

#[test]
fn the_document_keeps_as_many_lines_as_it_is_told() {
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
fn own_signatures_are_used_and_their_errors_told() {
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

/// A follower that is ended with the test.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn following_survives_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("k.log");
    fs::write(&log, WATCHES).unwrap();
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("nospace"))
        .args([
            "explain",
            "--no-node",
            "-f",
            "--interval",
            "20",
            "-o",
            "json",
        ])
        .arg(&log)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut follower = Follower(child);
    let mut lines = BufReader::new(follower.0.stdout.take().unwrap()).lines();
    let mut next = || {
        let line = lines.next().unwrap().unwrap();
        let line: ExplainedLine = serde_json::from_str(&line).unwrap();
        (line.number, line.cause.code())
    };
    assert_eq!(next(), (1, "inotify-watches"));
    fs::rename(&log, dir.path().join("k.log.1")).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    fs::write(&log, "x\ncreate session key: disk quota exceeded\n").unwrap();
    assert_eq!(next(), (2, "keys"));
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(b"accept4: too many open files\n").unwrap();
    assert_eq!(next(), (3, "process-files"));
}

/// Nothing read, or not all of it, is no good news.
#[test]
fn silence_is_good_news_only_where_all_was_read() {
    for format in ["human", "json"] {
        let out = explain(&["-", "-o", format])
            .write_stdin("")
            .assert()
            .code(3);
        let said = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
        assert!(said.contains("nothing was read"), "{said}");
    }
    let long = format!("{}{WATCHES}", "x".repeat(2 << 20));
    let out = explain(&["-"]).write_stdin(long).assert().code(3);
    let said = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
    assert!(said.contains("1 line is too long"), "{said}");
    explain(&["-"])
        .write_stdin("all is well\n")
        .assert()
        .code(0);
}

/// As Windows and some consoles write logs.
#[test]
fn utf_16_is_read() {
    let units = std::iter::once(0xfeff).chain(WATCHES.encode_utf16());
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    let said = json(explain(&["-"]).write_stdin(bytes));
    assert_eq!(said.causes.len(), 1);
    assert_eq!(said.causes[0].cause.code(), "inotify-watches");
}

#[test]
fn trees_and_processes_that_are_not_there_are_errors() {
    for (args, name) in [
        (&["check", "--rootfs", "/no/such/root"][..], "/no/such/root"),
        (&["watches", "--procfs", "/no/such/proc"], "/no/such/proc"),
        (
            &["trace", "--pid", "4194304", "--duration", "1s"],
            "4194304",
        ),
    ] {
        let out = Command::cargo_bin("nospace")
            .unwrap()
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(
            !out.status.success() && said.contains(name),
            "{args:?}: {said}"
        );
        assert!(out.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_named_pipe_is_waited_for_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("log.fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let binary = assert_cmd::cargo::cargo_bin("nospace");
    let mut child = std::process::Command::new(binary)
        .args(["explain", "--no-node", "-q"])
        .arg(&pipe)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains("log.fifo: a named pipe: waiting"), "{said}");
    fs::write(&pipe, WATCHES).unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "inotify-watches\n");
}

#[test]
fn advice_is_that_of_the_place_that_the_log_is_from() {
    for (host, wanted) in [
        ("talos-abc-1", "talosctl patch machineconfig"),
        (
            "kind-worker",
            "docker exec kind-worker systemctl restart kubelet",
        ),
        ("minikube", "minikube ssh"),
        ("node1", "nospace tune --apply"),
    ] {
        let line = format!("Nov 21 00:00:01 {host} kubelet[812]: {WATCHES}");
        let explained = json(explain(&[]).write_stdin(line));
        let commands: Vec<&str> = explained.findings[0]
            .remedies
            .iter()
            .map(|r| r.command.as_str())
            .collect();
        assert!(
            commands.iter().any(|c| c.contains(wanted)),
            "{host}: {commands:?}"
        );
    }
    let page = stdout(&mut explain(&["inotify-watches"]));
    assert!(page.contains("How to fix, by platform") && page.contains("WSL2"));
}
