//! Timelines: what is read back is what was seen, whatever ended the recording, and hostile ones are refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod damage;
mod hostile;
mod incident;
mod over_time;
mod refusals;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use nospace::collect::collect;
use nospace::host::archive::{
    Answer, Question, Rest, Sink, Timeline, TimelineWriter, Writer, load,
};
use nospace::host::live::{Live, Roots};
use nospace::host::recorded::Recorded;
use nospace::host::recording::Recording;
use nospace::host::replay::Replay;
use nospace::host::{Host, Look, proc};
use proptest::prelude::*;
use tempfile::TempDir;

fn nospace(arguments: &[&str]) -> std::process::Output {
    Command::new(cargo_bin!("nospace"))
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn look(second: usize) -> Look {
    Look {
        taken_at: format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60),
        uid: 0,
        mounts_of: "self".to_owned(),
        page_size: 4096,
    }
}

/// Files of a node, by name, and who owns which pid.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    files: BTreeMap<String, Vec<u8>>,
    owners: BTreeMap<u32, u32>,
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn write<W: Write>(out: W, nodes: &[Node]) -> W {
    let mut writer = TimelineWriter::new(out, look(0), 1000).unwrap();
    for (second, node) in nodes.iter().enumerate() {
        for (name, contents) in &node.files {
            writer.file(proc(name), contents, true);
        }
        for (&pid, &uid) in &node.owners {
            writer.answer(Question::Owner(pid), Answer::Uid(uid));
        }
        writer.end_sample(look(second), second as f64).unwrap();
    }
    writer.finish().unwrap()
}

fn opened(bytes: &[u8]) -> anyhow::Result<Option<Timeline>> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.tar.zst");
    fs::write(&path, bytes).unwrap();
    Timeline::open(File::open(path).unwrap())
}

fn node(contents: &nospace::host::archive::Contents) -> Node {
    let files = contents.files.iter();
    let files = files.map(|(name, contents)| {
        let name = name.strip_prefix("proc/").unwrap();
        (name.to_owned(), contents.clone())
    });
    let owner = |pid| match contents.answers.get(&Question::Owner(pid))? {
        Answer::Uid(uid) => Some((pid, *uid)),
        _ => None,
    };
    let owners: BTreeMap<_, _> = (0..10).filter_map(owner).collect();
    assert_eq!(owners.len(), contents.answers.len());
    Node {
        files: files.collect(),
        owners,
    }
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let file = ("[a-c]/[a-c]", prop::collection::vec(any::<u8>(), 0..2));
    let files = prop::collection::btree_map(file.0, file.1, 0..6);
    let owners = prop::collection::btree_map(0..10_u32, 0..2_u32, 0..6);
    let node = (files, owners).prop_map(|(files, owners)| Node { files, owners });
    // Frames end after 60 samples.
    prop::collection::vec(node, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Played from any sample on, and read one by one, each is what the node was: what is gone is gone.
    #[test]
    fn every_sample_is_read_back(nodes in nodes(), first in 0_usize..150) {
        let timeline = opened(&write(Vec::new(), &nodes)).unwrap().unwrap();
        prop_assert_eq!(timeline.samples().len(), nodes.len());
        prop_assert_eq!(timeline.rest(), &Rest::None);
        let first = first % nodes.len();
        let mut at = first;
        timeline.play(first, &mut |number, contents| {
            assert_eq!((number, &node(contents)), (at, &nodes[at]));
            assert_eq!(contents.head.look, look(at));
            at += 1;
            Ok(ControlFlow::Continue(()))
        }).unwrap();
        prop_assert_eq!(at, nodes.len());
        prop_assert_eq!(&node(&timeline.sample(first).unwrap()), &nodes[first]);
        prop_assert!(timeline.sample(nodes.len()).is_err());
    }
}

/// A file and an owner that change, one that stays, one that comes and goes.
fn story(samples: usize) -> Vec<Node> {
    let node = |second: usize| {
        let mut node = Node::default();
        let changing = format!("{second} {}", "x".repeat(second * 7 % 50));
        node.files.insert("loadavg".into(), changing.into_bytes());
        node.files.insert("stays".into(), vec![b's'; 500]);
        if second.is_multiple_of(3) {
            node.files.insert("1/comes".into(), b"and goes".to_vec());
        }
        node.owners.insert(1, u32::try_from(second / 2).unwrap());
        node
    };
    (0..samples).map(node).collect()
}

/// Wherever it is cut, every sample before is there and whole.
#[test]
fn cut_anywhere_it_is_read_up_to_its_last_complete_sample() {
    let nodes = story(64);
    let whole = write(Vec::new(), &nodes);
    let mut most = 0;
    for length in 0..whole.len() {
        match opened(&whole[..length]) {
            Err(error) => assert!(most == 0, "{length}: {error:#}"),
            Ok(None) => assert!(most == 0, "{length}"),
            Ok(Some(timeline)) => {
                let samples = timeline.samples().len();
                assert!(samples >= most, "{length}: {samples} after {most}");
                most = samples;
                let last = timeline.sample(samples - 1).unwrap();
                assert_eq!(node(&last), nodes[samples - 1]);
            }
        }
    }
    assert_eq!(most, nodes.len());
}

/// What is flushed can be read: after each sample, with nothing that ends the stream.
#[test]
fn each_sample_is_handed_over_when_it_is_complete() {
    let nodes = story(62);
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.tar.zst");
    let mut writer = TimelineWriter::new(File::create(&path).unwrap(), look(0), 1000).unwrap();
    for (second, one) in nodes.iter().enumerate() {
        for (name, contents) in &one.files {
            writer.file(proc(name), contents, true);
        }
        for (&pid, &uid) in &one.owners {
            writer.answer(Question::Owner(pid), Answer::Uid(uid));
        }
        let seconds = f64::from(u32::try_from(second).unwrap());
        writer.end_sample(look(second), seconds).unwrap();
        let timeline = Timeline::open(File::open(&path).unwrap()).unwrap().unwrap();
        assert_eq!(timeline.samples().len(), second + 1);
        assert_eq!(node(&timeline.sample(second).unwrap()), *one);
    }
}

/// A recording of one moment and a timeline of the same node say the same.
#[test]
fn a_sample_is_what_a_recording_of_that_moment_is() {
    let roots = Roots {
        proc: "/proc".into(),
        sys: "/sys".into(),
        root: "/".into(),
    };
    let live = Live::open(&roots, false).unwrap();
    let directory = TempDir::new().unwrap();
    let record = |host: &dyn Host, name: &str| {
        let path = directory.path().join(name);
        let recording = Recording::new(host, Writer::new(Vec::new(), live.look()).unwrap(), false);
        collect(&recording);
        fs::write(&path, recording.into_writer().finish().unwrap()).unwrap();
        path
    };
    // The node changes while it is recorded, what was recorded does not.
    let node = Recorded::open(&record(&live, "node.tar.zst")).unwrap();
    let moment = record(&node, "moment.tar.zst");
    let recorded = Recorded::open(&moment).unwrap();
    // The same answers twice: the second sample has nothing of its own.
    let timeline = directory.path().join("timeline.tar.zst");
    let mut writer =
        TimelineWriter::new(File::create(&timeline).unwrap(), live.look(), 5000).unwrap();
    for second in [0.0, 5.0] {
        let recording = Recording::new(&recorded, writer, false);
        collect(&recording);
        writer = recording.into_writer();
        writer.end_sample(live.look(), second).unwrap();
    }
    writer.finish().unwrap();
    let replay = Replay::open(&timeline).unwrap();
    let once = load(&moment).unwrap();
    let twice = Timeline::open(File::open(&timeline).unwrap())
        .unwrap()
        .unwrap();
    for number in 0..2 {
        let sample = twice.sample(number).unwrap();
        assert_eq!(sample.files, once.files);
        assert_eq!(sample.answers.len(), once.answers.len());
        let report = |host: &dyn Host| {
            let mut report = nospace_core::conclude(&collect(host));
            for run in &mut report.collectors {
                run.duration_ms = 0.0;
            }
            report
        };
        assert_eq!(report(&replay.host(number).unwrap()), report(&recorded));
    }
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    assert!(
        size(&timeline) < size(&moment) * 3 / 2,
        "nothing was stored twice"
    );
}

fn record(path: &Path, every: &str, length: &str) -> Command {
    let mut command = Command::new(cargo_bin!("nospace"));
    command.args(["record", "--no-ebpf", "--every", every, "--for", length]);
    command.arg(path).stderr(Stdio::null());
    command
}

/// Killed at any moment it leaves a timeline that can be read, or nothing.
#[test]
fn killed_in_the_middle_it_can_be_read() {
    let mut with_samples = 0;
    for run in 0_u64..8 {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("t.tar.zst");
        let mut recording = record(&path, "0.1", "60s").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(run * 173));
        recording.kill().unwrap();
        recording.wait().unwrap();
        let left = fs::read_dir(directory.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
        if !path.exists() {
            assert!(left.is_empty(), "{left:?}");
            continue;
        }
        assert_eq!(left, std::slice::from_ref(&path));
        let replay = Replay::open(&path).unwrap();
        with_samples += replay.samples().len();
        let checked = nospace(&["check", "--from", path.to_str().unwrap(), "-o", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
        assert_eq!(
            report["takenAt"],
            replay.samples().last().unwrap().taken_at.to_string()
        );
    }
    assert!(with_samples > 0);
}

/// Ended by a signal it is complete; its owner alone may read it; times outside are named.
#[test]
fn a_timeline_is_recorded_and_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.tar.zst");
    let file = path.to_str().unwrap();
    let mut recording = record(&path, "0.1", "60s").spawn().unwrap();
    let samples = |least: usize| {
        let there = Replay::open(&path).is_ok_and(|replay| replay.samples().len() >= least);
        there.then_some(())
    };
    let mut tries = 0;
    while samples(15).is_none() {
        std::thread::sleep(Duration::from_millis(100));
        tries += 1;
        assert!(tries < 600, "no samples");
    }
    let pid = rustix::process::Pid::from_child(&recording);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert!(recording.wait().unwrap().success());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let replay = Replay::open(&path).unwrap();
    assert_eq!(replay.gap(), None);
    assert_eq!(replay.interval(), Some(0.1));
    let taken_at = |at: &[&str]| {
        let checked = nospace(&[&["check", "--from", file, "-o", "json"], at].concat());
        let report: serde_json::Value = serde_json::from_slice(&checked.stdout)
            .unwrap_or_else(|_| panic!("{}", said(&checked)));
        report["takenAt"].as_str().unwrap().to_owned()
    };
    let first = replay.samples()[0].taken_at.to_string();
    assert_eq!(taken_at(&["--at", &first]), first);
    let last = replay.samples().last().unwrap().taken_at.to_string();
    assert_eq!(taken_at(&[]), last);
    assert!(taken_at(&["--at", "-1s"]) < last);
    let log = directory.path().join("log");
    fs::write(&log, "inotify_add_watch: no space left on device\n").unwrap();
    for command in ["check", "watches", "explain", "plan", "tune"] {
        let mut arguments = vec![command, "--from", file, "--at", "-3h"];
        if command == "explain" {
            arguments.push(log.to_str().unwrap());
        }
        let outside = nospace(&arguments);
        let text = said(&outside);
        assert!(outside.status.code() != Some(0), "{command}");
        assert!(
            text.contains(&first) && text.contains(&last) && text.contains("-3h"),
            "{command}: {text}"
        );
    }
    let wrong = nospace(&["check", "--from", file, "--at", "noon"]);
    assert!(
        said(&wrong).contains("expected a time such as"),
        "{}",
        said(&wrong)
    );
    let alone = nospace(&["check", "--at", "-3m"]);
    assert!(said(&alone).contains("--from"), "{}", said(&alone));
}

#[test]
fn a_recording_of_one_moment_says_so() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("node.tar.zst");
    let file = path.to_str().unwrap();
    assert!(nospace(&["record", "--no-ebpf", file]).status.success());
    let outside = nospace(&["check", "--from", file, "--at", "-3m"]);
    assert!(said(&outside).contains("one moment"), "{}", said(&outside));
}

#[test]
fn schedules_that_cannot_be_are_refused() {
    for (every, length, part) in [
        ("0.001", "1s", "--every"),
        ("0.1", "900h", "--for"),
        ("0", "1s", "duration"),
    ] {
        let refused = nospace(&[
            "record",
            "--every",
            every,
            "--for",
            length,
            "/nonexistent/t",
        ]);
        assert!(said(&refused).contains(part), "{}", said(&refused));
        assert!(!refused.status.success());
    }
}

/// The disk fills up: what is there stays, and the message says how much.
#[test]
fn a_full_disk_ends_it_after_what_is_complete() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.tar.zst");
    // In blocks of 512 bytes: the first sample fits, some more do.
    let script = format!(
        "trap '' XFSZ; ulimit -f 96; exec {} record --no-ebpf --every 0.1 --for 60s --procfs {} {}",
        cargo_bin!("nospace").display(),
        "/proc",
        path.display()
    );
    let ended = Command::new("sh").args(["-c", &script]).output().unwrap();
    let text = said(&ended);
    assert_eq!(ended.status.code(), Some(1), "{text}");
    if path.exists() {
        assert!(text.contains("the file holds"), "{text}");
        assert!(!Replay::open(&path).unwrap().samples().is_empty());
    }
}
