//! Logs that are still written.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::Duration;

use nospace_core::explain::ExplainedLine;

use super::WATCHES;

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
