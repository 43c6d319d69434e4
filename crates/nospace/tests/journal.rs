//! `nospace explain --journal` on real journals: systemd-journal-remote writes them, journalctl reads them.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nospace_core::explain::{ExplainedLine, Explanation};
use tempfile::TempDir;

const NOSPACE: &str = env!("CARGO_BIN_EXE_nospace");
/// Where Debian 12, and where newer systems have it.
const WRITERS: &[&str] = &[
    "/lib/systemd/systemd-journal-remote",
    "/usr/lib/systemd/systemd-journal-remote",
];
const CADVISOR: &[u8] =
    b"F1121 00:12:31.440286    2921 kubelet.go:1335] Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup/cpuset: no space left on device";
const CNI: &[u8] =
    b"failed to create cni conf monitor: failed to create fsnotify watcher: too many open files";
/// 2025-11-21 00:00:00 UTC.
const BEGIN: u64 = 1_763_683_200;

/// An entry: seconds after [`BEGIN`], boot, unit, message.
type Entry<'a> = (u64, char, &'a str, &'a [u8]);

const ENTRIES: &[Entry<'_>] = &[
    (0, 'a', "kubelet", CADVISOR),
    (1, 'a', "containerd", CNI),
    (3600, 'b', "kubelet", b"all is well"),
    (
        3601,
        'b',
        "app",
        b"caf\xe9 \xff: write /srv/\xe9t\xe9/a: no space left on device",
    ),
    (
        3602,
        'b',
        "app",
        b"panic: it broke\ncaused by: create session key: disk quota exceeded\n  at main.go:3",
    ),
];

/// journald's export format: a value with a newline, or that is no UTF-8, goes with its length.
fn exported(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, boot, unit, message) in entries {
        let boot = boot.to_string().repeat(32);
        write!(
            out,
            "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={boot}\n\
             _MACHINE_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=node1\n_UID=0\n_PID=100\n\
             _SYSTEMD_UNIT={unit}.service\nSYSLOG_IDENTIFIER={unit}\nMESSAGE",
            (BEGIN + at) * 1_000_000,
            (1 + at) * 1_000_000,
        )
        .unwrap();
        if message.contains(&b'\n') || std::str::from_utf8(message).is_err() {
            out.push(b'\n');
            out.extend((message.len() as u64).to_le_bytes());
        } else {
            out.push(b'=');
        }
        out.extend(*message);
        out.extend(b"\n\n");
    }
    out
}

/// Writes `entries` to the end of the journal in `dir`; `false`, said, where that cannot be.
fn append(dir: &Path, entries: &[Entry<'_>]) -> bool {
    let writer = WRITERS.iter().find(|w| Path::new(w).exists());
    let reader = Command::new("journalctl").arg("--version").output();
    let (Some(writer), Ok(_)) = (writer, reader) else {
        assert!(
            std::env::var_os("NOSPACE_NEEDS_JOURNAL").is_none(),
            "there is no journalctl or no systemd-journal-remote"
        );
        eprintln!("skipped: journals are made by systemd-journal-remote and read by journalctl");
        return false;
    };
    let mut child = Command::new(writer)
        .arg("--output")
        .arg(dir.join("system.journal"))
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&exported(entries)).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    true
}

fn journal() -> Option<TempDir> {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), ENTRIES).then_some(dir)
}

/// `nospace explain` with options, separated by spaces; the directory comes after them.
fn explain(options: &str, dir: &Path) -> Output {
    Command::new(NOSPACE)
        .args(["explain", "--no-node"])
        .args(options.split_whitespace())
        .arg(dir)
        .env("TZ", "UTC")
        .output()
        .unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn units_boots_and_moments_select() {
    let Some(dir) = journal() else { return };
    for (options, causes, code) in [
        ("", "inotify-watches inotify-instances disk-space keys", 2),
        ("-u kubelet", "inotify-watches", 2),
        (
            "-u kubelet -u containerd",
            "inotify-watches inotify-instances",
            2,
        ),
        ("-b", "disk-space keys", 2),
        ("-b -1", "inotify-watches inotify-instances", 2),
        ("-b -u kubelet", "", 0),
        ("-b -1 -u containerd.service", "inotify-instances", 2),
        (
            "--since 2025-11-21T00:00:01Z",
            "inotify-instances disk-space keys",
            2,
        ),
        ("--since 2025-11-21T00:30:00", "disk-space keys", 2),
        (
            "--until 2025-11-21T01:00:00+00:00",
            "inotify-watches inotify-instances",
            2,
        ),
        ("--since 1h", "", 0),
    ] {
        let out = explain(&format!("-q --journal {options} -D"), dir.path());
        let said = String::from_utf8(out.stdout.clone()).unwrap();
        let said: Vec<&str> = said.lines().collect();
        assert_eq!(said.join(" "), causes, "{options}: {}", error(&out));
        assert_eq!(out.status.code(), Some(code), "{options}: {}", error(&out));
    }
}

#[test]
fn messages_of_any_bytes_and_of_several_lines_are_read() {
    let Some(dir) = journal() else { return };
    let out = explain("-o json --journal -D", dir.path());
    let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
    let seen: Vec<_> = said
        .lines
        .iter()
        .map(|l| (l.cause.code(), l.program.as_deref(), l.time.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            (
                "inotify-watches",
                Some("kubelet"),
                Some("2025-11-21T00:00:00.000000+0000")
            ),
            (
                "inotify-instances",
                Some("containerd"),
                Some("2025-11-21T00:00:01.000000+0000")
            ),
            (
                "disk-space",
                Some("app"),
                Some("2025-11-21T01:00:01.000000+0000")
            ),
            // The second line of a message: its owner and time stand on the first.
            ("keys", Some("app"), Some("2025-11-21T01:00:02.000000+0000")),
        ]
    );
    assert_eq!(
        said.lines[2].object.as_deref(),
        Some("/srv/\u{fffd}t\u{fffd}/a")
    );
    assert_eq!(error(&out), "");
}

#[test]
fn a_journal_file_is_known_by_its_first_bytes() {
    let Some(dir) = journal() else { return };
    fs::rename(
        dir.path().join("system.journal"),
        dir.path().join("odd-name.bin"),
    )
    .unwrap();
    fs::write(
        dir.path().join("z.log"),
        "epoll_ctl: no space left on device\n",
    )
    .unwrap();
    let out = explain("-o json", dir.path());
    let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
    let causes: Vec<&str> = said.lines.iter().map(|l| l.cause.code()).collect();
    assert_eq!(
        causes,
        [
            "inotify-watches",
            "inotify-instances",
            "disk-space",
            "keys",
            "epoll-watches"
        ]
    );
    assert!(
        said.sources[0].source.ends_with("odd-name.bin"),
        "{:?}",
        said.sources
    );
}

#[test]
fn what_cannot_be_read_is_no_good_news() {
    let Some(dir) = journal() else { return };
    for (options, place, code, words) in [
        // No unit has that name; one that was silent lately is another thing.
        ("--journal -u kublet -D", ".", 3, "kublet"),
        (
            "--journal -u kubelet --since 2040-01-01 -D",
            ".",
            0,
            dir.path().to_str().unwrap(),
        ),
        ("--journal -b -7 -D", ".", 3, "-7"),
        ("--journal -D", "nowhere", 3, "No such file or directory"),
        ("--journal --since Whitsun -D", ".", 3, "Whitsun"),
    ] {
        let out = explain(options, &dir.path().join(place));
        assert_eq!(out.status.code(), Some(code), "{options}: {}", error(&out));
        assert!(error(&out).contains(words), "{options}: {}", error(&out));
        if code == 3 {
            assert_eq!(String::from_utf8_lossy(&out.stdout), "", "{options}");
        }
    }
    let empty = tempfile::tempdir().unwrap();
    let out = explain("--journal -D", empty.path());
    assert_eq!(out.status.code(), Some(3));
    assert!(error(&out).contains("No journal files"), "{}", error(&out));
    assert_eq!(out.stdout, b"");
}

#[test]
fn following_goes_on_after_the_last_entry() {
    let Some(dir) = journal() else { return };
    let mut child = Command::new(NOSPACE)
        .args([
            "explain",
            "--no-node",
            "-o",
            "json",
            "-f",
            "--interval",
            "20",
        ])
        .args(["--journal", "-u", "kubelet", "-D"])
        .arg(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Follower)
        .unwrap();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut next = || {
        let line: ExplainedLine = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        line.cause.code()
    };
    assert_eq!(next(), "inotify-watches");
    append(
        dir.path(),
        &[(3700, 'b', "kubelet", b"accept4: too many open files")],
    );
    assert_eq!(next(), "process-files");
    append(dir.path(), &[(3701, 'b', "kubelet", CNI)]);
    assert_eq!(next(), "inotify-instances");
}

/// A follower that is ended with the test.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs with a `journalctl` of the test's own, or with none.
fn with_journalctl(script: Option<&str>) -> Output {
    let dir = tempfile::tempdir().unwrap();
    if let Some(script) = script {
        let path = dir.path().join("journalctl");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    Command::new(NOSPACE)
        .args(["explain", "--no-node", "-q", "--journal"])
        .env("PATH", dir.path())
        .output()
        .unwrap()
}

#[test]
fn without_journalctl_the_error_says_what_to_do() {
    let out = with_journalctl(None);
    assert_eq!(out.status.code(), Some(3));
    assert!(
        error(&out).contains("journalctl | nospace explain"),
        "{}",
        error(&out)
    );
    assert_eq!(out.stdout, b"");
}

#[test]
fn a_journalctl_that_is_killed_does_not_hide_what_it_said() {
    let line = "echo 'x kubelet: inotify_add_watch /x: no space left on device'";
    let out = with_journalctl(Some(&format!("{line}; kill -9 $$")));
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(out.stdout, b"inotify-watches\n");
    assert!(error(&out).contains("SIGKILL"), "{}", error(&out));
    let out = with_journalctl(Some("kill -9 $$"));
    assert_eq!(out.status.code(), Some(3));
    assert_eq!(out.stdout, b"");
}

#[test]
fn a_journalctl_that_complains_much_does_not_wait_for_ever() {
    let noise = "i=0; while [ $i -lt 20000 ]; do echo 'a file is truncated' >&2; i=$((i+1)); done";
    let out = with_journalctl(Some(&format!("{noise}; echo all is well")));
    assert_eq!(out.status.code(), Some(0));
    assert!(error(&out).contains("a file is truncated"));
}
