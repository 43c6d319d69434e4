//! `--cmdline`: command lines are shown on request, bounded and clean, and a recording has only the names of flags unless it was asked for more.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use nospace::ui::is_invisible;
use serde_json::Value;
use tempfile::TempDir;

const SECRET: &str = "hunter2";
/// No argument may be longer than 128 KiB (`MAX_ARG_STRLEN`); the kernel takes 2 MiB in all.
const LONG: usize = 120_000;

/// `tail`, which holds an instance, with arguments that do no good: secrets, escapes, no UTF-8, 1.8 MB of them.
struct Hostile(Child);

impl Hostile {
    fn start() -> Self {
        let mut tail = Command::new("tail");
        tail.args(["--lines=0", "--follow=name", "-s", "9", "/etc/passwd"])
            .arg(format!("/{SECRET}"))
            .arg(OsStr::from_bytes(b"/\x1b[2J\xff\n"));
        for _ in 0..15 {
            tail.arg("x".repeat(LONG));
        }
        let child = tail
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let tail = Self(child);
        let begin = Instant::now();
        while !tail.holds_inotify() && begin.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        tail
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn holds_inotify(&self) -> bool {
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", self.0.id())).unwrap();
        let mut links = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        links.any(|link| link.to_string_lossy() == "anon_inode:inotify")
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn nospace(arguments: &[&str]) -> String {
    let output = Command::new(cargo_bin!("nospace"))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.stdout.is_empty(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The command line of the process, where the JSON has one.
fn cmdline(json: &str, list: &str, pid: &str) -> Option<Vec<String>> {
    let document: Value = serde_json::from_str(json).unwrap();
    let processes = document[list].as_array().unwrap();
    let pid: u32 = pid.parse().unwrap();
    let process = processes.iter().find(|one| one["pid"] == pid);
    let words = process.unwrap().get("cmdline")?.as_array().unwrap().clone();
    Some(
        words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect(),
    )
}

/// Beginning of the arguments; cut at 4,096 bytes.
fn is_whole(words: &[String]) {
    let begin = [
        "tail",
        "--lines=0",
        "--follow=name",
        "-s",
        "9",
        "/etc/passwd",
    ];
    assert_eq!(words[..6], begin);
    assert_eq!(
        words[6..8],
        [format!("/{SECRET}"), "/\u{1b}[2J\u{fffd}\n".to_owned()]
    );
    assert!(words[8].starts_with("xxx") && words[8].ends_with('…'));
    assert_eq!(words.len(), 9);
    let bytes: usize = words.iter().map(|word| word.len() + 1).sum();
    assert!((4000..4200).contains(&bytes), "{bytes}");
}

#[test]
fn command_lines_are_shown_on_request_only() {
    let tail = Hostile::start();
    let pid = tail.pid();
    let json = ["check", "-o", "json", "--pid", &pid];
    assert_eq!(cmdline(&nospace(&json), "processes", &pid), None);
    let asked = [&json[..], &["--cmdline"]].concat();
    is_whole(&cmdline(&nospace(&asked), "processes", &pid).unwrap());
    let watches = nospace(&["watches", &pid, "-o", "json", "--cmdline"]);
    is_whole(&cmdline(&watches, "holders", &pid).unwrap());

    for arguments in [
        &["check", "--pid", &pid, "--cmdline"][..],
        &["check", "--pid", &pid, "--cmdline", "-v"],
        &["watches", &pid, "--cmdline"],
        &["watches", &pid, "--cmdline", "--by", "path"],
        &["watches", &pid, "--cmdline", "--by", "holder"],
    ] {
        let page = nospace(arguments);
        assert!(
            page.contains("tail --lines=0 --follow=name -s 9 /etc/passwd"),
            "{page}"
        );
        let raw = page.chars().find(|&c| is_invisible(c) && c != '\n');
        assert_eq!(raw, None, "{page}");
        let is_verbose = arguments.contains(&"-v");
        assert_eq!(page.matches("xxx").count() > 500, is_verbose, "{page}");
    }
}

#[test]
fn a_recording_has_the_names_of_flags_unless_it_was_asked_for_more() {
    let tail = Hostile::start();
    let pid = tail.pid();
    let directory = TempDir::new().unwrap();
    let archive = directory.path().join("node.tar.zst");
    let file = archive.to_str().unwrap();
    let of_record = || {
        let check = [
            "check",
            "-o",
            "json",
            "--cmdline",
            "--from",
            file,
            "--pid",
            &pid,
        ];
        cmdline(&nospace(&check), "processes", &pid).unwrap()
    };
    for timeline in [&[][..], &["--every", "0.1", "--for", "0.3"]] {
        let record = |more: &[&str]| {
            let arguments = [&["record", file], timeline, more].concat();
            let done = Command::new(cargo_bin!("nospace")).args(arguments).output();
            assert!(done.unwrap().status.success());
        };
        record(&[]);
        assert_eq!(of_record(), ["tail", "--lines=…", "--follow=…", "-s", "…"]);
        assert!(!holds(&archive, SECRET));
        record(&["--cmdline"]);
        is_whole(&of_record());
        assert!(holds(&archive, SECRET));
    }
}

fn holds(archive: &Path, text: &str) -> bool {
    let mut plain = Vec::new();
    let file = std::fs::File::open(archive).unwrap();
    zstd::stream::copy_decode(file, &mut plain).unwrap();
    let mut windows = plain.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}
