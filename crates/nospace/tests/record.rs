//! What `nospace record` saves: what a look asked for, nothing secret, all or nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const SECRET: &str = "hunter2-do-not-tell";

fn nospace(arguments: &[&str]) -> std::process::Output {
    Command::new(cargo_bin!("nospace"))
        .args(arguments)
        .output()
        .unwrap()
}

fn unpacked(archive: &Path) -> Vec<u8> {
    let mut plain = Vec::new();
    zstd::Decoder::new(fs::File::open(archive).unwrap())
        .unwrap()
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

/// A shim of a container whose id is known, with a secret in its arguments and its environment.
struct Shim(Child);

impl Shim {
    fn start(directory: &Path) -> Self {
        // tail is the program that every system has and that holds an instance.
        let shim = directory.join("containerd-shim-runc-v2");
        std::os::unix::fs::symlink("/usr/bin/tail", &shim).unwrap();
        let log = directory.join(SECRET);
        fs::write(&log, "").unwrap();
        let child = Command::new(&shim)
            .arg("-f")
            .arg(&log)
            .env("TOKEN", SECRET)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A root file system whose one container has a secret in its environment and a label.
fn rootfs(directory: &Path) -> std::path::PathBuf {
    let root = directory.join("rootfs");
    let id = "f".repeat(64);
    let bundle = root
        .join("run/containerd/io.containerd.runtime.v2.task/k8s.io")
        .join(&id);
    fs::create_dir_all(&bundle).unwrap();
    let config = serde_json::json!({
        "process": {"args": ["app", SECRET], "env": [format!("TOKEN={SECRET}")]},
        "annotations": {
            "io.kubernetes.cri.sandbox-name": "web-0",
            "example.com/token": SECRET,
        },
        "linux": {"cgroupsPath": format!("/kubepods/besteffort/podx/{id}")},
    });
    fs::write(bundle.join("config.json"), config.to_string()).unwrap();
    let settings = root.join("etc/sysctl.d");
    fs::create_dir_all(&settings).unwrap();
    let text = format!(
        "# token: {SECRET}\nkernel.core_pattern = |/bin/{SECRET}\nfs.file-max = 1234567 # {SECRET}\n\
         fs.inotify.max_user_watches = 7654321\n"
    );
    fs::write(settings.join("10-local.conf"), &text).unwrap();
    fs::write(root.join("etc/sysctl.conf"), &text).unwrap();
    root
}

#[test]
fn nothing_secret_is_saved() {
    let directory = TempDir::new().unwrap();
    let shim = Shim::start(directory.path());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let instances = |shim: &Shim| {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", shim.0.id())).unwrap();
        let links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links
            .filter(|link| link.to_string_lossy() == "anon_inode:inotify")
            .count()
    };
    while instances(&shim) == 0 && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let archive = directory.path().join("node.tar.zst");
    let root = rootfs(directory.path());
    for timeline in [&[][..], &["--every", "0.1", "--for", "0.2"]] {
        let mut arguments = vec!["record", "--rootfs", root.to_str().unwrap()];
        arguments.extend(timeline);
        arguments.push(archive.to_str().unwrap());
        let saved = nospace(&arguments);
        assert!(
            saved.status.success(),
            "{}",
            String::from_utf8_lossy(&saved.stderr)
        );
        without_secrets(&archive, &shim);
    }
}

fn without_secrets(archive: &Path, shim: &Shim) {
    let plain = unpacked(archive);
    assert!(holds(&plain, "web-0"), "the container was not read at all");
    assert!(
        holds(&plain, &format!("files/proc/{}/cmdline", shim.0.id())),
        "nor the shim"
    );
    assert!(holds(&plain, "max_user_watches = 7654321"), "nor sysctl.d");
    assert!(!holds(&plain, SECRET));
    assert!(
        !holds(&plain, "core_pattern"),
        "a setting that nospace does not know"
    );
}

#[test]
fn an_archive_that_cannot_be_written_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let nowhere = directory.path().join("missing/node.tar.zst");
    let saved = nospace(&["record", nowhere.to_str().unwrap()]);
    assert_eq!(saved.status.code(), Some(1));
    let message = String::from_utf8_lossy(&saved.stderr).into_owned();
    assert!(message.contains("missing/node.tar.zst"), "{message}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// `-o` was the file before it was an argument.
#[test]
fn the_file_may_still_be_an_option() {
    let directory = TempDir::new().unwrap();
    let archive = directory.path().join("node.tar.zst");
    let file = archive.to_str().unwrap();
    let saved = nospace(&["record", "-o", file]);
    let said = String::from_utf8_lossy(&saved.stderr).into_owned();
    assert!(saved.status.success(), "{said}");
    assert!(said.contains(&format!("nospace record {file}")), "{said}");
    assert!(archive.is_file());
    let saved = nospace(&["record", file]);
    let said = String::from_utf8_lossy(&saved.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    for wrong in [&["record"][..], &["record", file, "-o", file]] {
        assert_eq!(nospace(wrong).status.code(), Some(3), "{wrong:?}");
    }
}

#[test]
fn an_earlier_archive_survives_a_failure() {
    let directory = TempDir::new().unwrap();
    let target = directory.path().join("node.tar.zst");
    // A directory of that name cannot be replaced by a file.
    fs::create_dir(&target).unwrap();
    let saved = nospace(&["record", target.to_str().unwrap()]);
    assert_eq!(saved.status.code(), Some(1));
    assert!(target.is_dir());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// What is not a regular file is written to as it is, and stays.
#[test]
fn a_fifo_is_written_to() {
    let directory = TempDir::new().unwrap();
    let fifo = directory.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let mut reader = Command::new("cat")
        .arg(&fifo)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let saved = nospace(&["record", fifo.to_str().unwrap()]);
    assert!(saved.status.success(), "{saved:?}");
    let mut archive = Vec::new();
    reader
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut archive)
        .unwrap();
    reader.wait().unwrap();
    assert!(zstd::decode_all(archive.as_slice()).is_ok_and(|plain| !plain.is_empty()));
    use std::os::unix::fs::FileTypeExt as _;
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn standard_output_is_a_file_too() {
    for stdout in ["-", "/dev/stdout"] {
        let saved = nospace(&["record", stdout]);
        assert!(saved.status.success(), "{saved:?}");
        assert!(zstd::decode_all(saved.stdout.as_slice()).is_ok_and(|plain| !plain.is_empty()));
    }
}

/// What runs on a node is nobody else's business, and a link may lead anywhere.
#[test]
fn an_archive_is_its_owners_alone_and_no_link_is_followed() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = TempDir::new().unwrap();
    let archive = directory.path().join("node.tar.zst");
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&archive, &link).unwrap();
    let saved = nospace(&["record", link.to_str().unwrap()]);
    assert_eq!(saved.status.code(), Some(1));
    assert!(!archive.exists() && fs::symlink_metadata(&link).unwrap().is_symlink());
    let saved = nospace(&["record", archive.to_str().unwrap()]);
    assert!(saved.status.success(), "{saved:?}");
    assert_eq!(
        fs::metadata(&archive).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// Killed at any moment it leaves the whole archive, or nothing.
#[test]
fn nothing_half_written_stays() {
    for milliseconds in (0..100).step_by(4) {
        let signals = [Signal::KILL, Signal::INT, Signal::TERM, Signal::HUP];
        let signal = signals[milliseconds / 4 % signals.len()];
        let directory = TempDir::new().unwrap();
        let archive = directory.path().join("node.tar.zst");
        end_recording(&archive, milliseconds, signal);
        let left = names(directory.path());
        if !left.is_empty() {
            assert_eq!(left, ["node.tar.zst"]);
            assert!(zstd::decode_all(fs::File::open(&archive).unwrap()).is_ok());
        }
    }
}

/// Ended at any moment it leaves the earlier archive or the new one, and nothing else.
#[test]
fn an_archive_is_replaced_or_stays() {
    for milliseconds in (0..100).step_by(4) {
        let signals = [Signal::INT, Signal::TERM, Signal::HUP];
        let signal = signals[milliseconds / 4 % signals.len()];
        let directory = TempDir::new().unwrap();
        let archive = directory.path().join("node.tar.zst");
        fs::write(&archive, "earlier").unwrap();
        end_recording(&archive, milliseconds, signal);
        assert_eq!(names(directory.path()), ["node.tar.zst"]);
        let now = fs::read(&archive).unwrap();
        assert!(now == b"earlier" || zstd::decode_all(now.as_slice()).is_ok());
    }
}

/// Starts recording to `archive`, and sends `signal` after `milliseconds`.
fn end_recording(archive: &Path, milliseconds: usize, signal: Signal) {
    let mut recording = Command::new(cargo_bin!("nospace"))
        .arg("record")
        .arg(archive)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(milliseconds as u64));
    // It may have ended already.
    let _ = kill_process(Pid::from_child(&recording), signal);
    recording.wait().unwrap();
}

/// The names in a directory.
fn names(directory: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}
