//! What a timeline of a recorded node shows in which a pod leaks: `check`, `diff`, `report`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nospace::collect::collect;
use nospace::host::archive::{Answer, Question, Sink, TimelineWriter};
use nospace::host::recorded::Recorded;
use nospace::host::recording::Recording;
use nospace::host::replay::Replay;
use nospace::host::{At, KernelAccounting, Look, ProcessDescriptors};
use nospace::incident::Recorder;
use nospace::over_time::each_of;
use nospace_core::diff::Difference;
use nospace_core::model::{
    Descriptor, INITIAL_USER_NAMESPACE, Inotify, Instance, UserCounters, UserKey,
};
use nospace_core::report::Owner;
use serde_json::Value;
use tempfile::TempDir;

use super::{Command, cargo_bin, nospace, said};

/// Puts in place of the kernel's account one in which `pid` has this many watches.
struct Growing {
    writer: TimelineWriter<File>,
    pid: u32,
    watches: u32,
}

impl Sink for Growing {
    fn file(&mut self, at: At<'_>, contents: &[u8], whole: bool) {
        self.writer.file(at, contents, whole);
    }

    fn answer(&mut self, question: Question, answer: Answer) {
        let answer = match question {
            Question::KernelAccounting => Answer::KernelAccounting(self.accounting()),
            _ => answer,
        };
        self.writer.answer(question, answer);
    }
}

impl Growing {
    fn accounting(&self) -> KernelAccounting {
        let charged = UserKey {
            user_namespace: INITIAL_USER_NAMESPACE,
            uid: 0,
        };
        let counters = UserCounters {
            key: charged,
            instances: 1,
            watches: u64::from(self.watches),
            instances_limit: 128,
            watches_limit: 65_536,
        };
        let instance = Instance {
            watches: self.watches,
            charged,
            holders: vec![Descriptor {
                pid: self.pid,
                fd: 9,
            }],
        };
        KernelAccounting {
            inotify: Inotify {
                instances: vec![instance],
                counters: Some(vec![counters]),
                user_namespaces: Vec::new(),
            },
            processes: vec![ProcessDescriptors {
                pid: self.pid,
                descriptors: 10,
                limit: None,
            }],
            ..KernelAccounting::default()
        }
    }
}

/// A quarter of an hour of a node with a pod that takes 40 watches every 15 seconds; the pod's workload.
fn leaking(directory: &TempDir) -> (PathBuf, String) {
    leaking_after(directory, 0)
}

/// The same after this many samples in which it takes none.
fn leaking_after(directory: &TempDir, quiet: u32) -> (PathBuf, String) {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes/crio-v2/node.tar.zst");
    let recorded = Recorded::open(&node).unwrap();
    let report = nospace_core::conclude(&collect(&recorded));
    let is_pod = |owner: &Owner| matches!(owner, Owner::Pod { .. });
    let holder = report.processes.iter().find(|p| is_pod(&p.owner)).unwrap();
    let workload =
        nospace_core::workload::Workload::of_process(&holder.owner, "", &report.node.name);
    let path = directory.path().join("leak.tar.zst");
    let look = |sample: u32| Look {
        taken_at: format!(
            "2026-01-01T{:02}:{:02}:{:02}Z",
            sample / 240,
            sample / 4 % 60,
            sample % 4 * 15
        ),
        uid: 0,
        mounts_of: "self".to_owned(),
        page_size: 4096,
    };
    let writer = TimelineWriter::new(File::create(&path).unwrap(), look(0), 15_000).unwrap();
    let mut growing = Growing {
        writer,
        pid: holder.pid,
        watches: 0,
    };
    for sample in 0..=quiet + 60 {
        growing.watches = 500 + sample.saturating_sub(quiet) * 40;
        let recording = Recording::new(&recorded, growing, false);
        collect(&recording);
        growing = recording.into_writer();
        growing
            .writer
            .end_sample(look(sample), f64::from(sample * 15))
            .unwrap();
    }
    growing.writer.finish().unwrap();
    (path, workload.to_string())
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
}

#[test]
fn a_leak_is_found_and_a_difference_names_who_grew() {
    let directory = TempDir::new().unwrap();
    let (path, workload) = leaking(&directory);
    let file = path.to_str().unwrap();
    let leaks = |at: &[&str]| {
        let report = json(&nospace(
            &[&["check", "--from", file, "-o", "json"], at].concat(),
        ));
        let findings = report["findings"].as_array().unwrap().clone();
        let leaks = findings
            .into_iter()
            .filter(|finding| finding["rule"] == "leak");
        leaks.collect::<Vec<_>>()
    };
    let found = leaks(&[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["subject"], workload.as_str());
    assert_eq!(found[0]["cause"], "inotify-watches");
    // Five minutes are not enough.
    assert_eq!(leaks(&["--at", "-10m"]), Vec::<Value>::new());

    let value = json(&nospace(&["diff", file, "--at", "-10m", "-o", "json"]));
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let wrong: Vec<_> = validator
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let difference: Difference = serde_json::from_value(value).unwrap();
    let change = &difference.workloads[0];
    assert_eq!(change.workload.to_string(), workload);
    assert_eq!(
        change.after.holds.watches - change.before.holds.watches,
        1600
    );
    assert_eq!(difference.after.taken_at, "2026-01-01T00:15:00Z");
    let shown = nospace(&["diff", file]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        text.contains("+2,400") && text.contains("(15 min)"),
        "{text}"
    );
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/diff.schema.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_schema_is_current() {
    let made = serde_json::to_value(schemars::schema_for!(Difference)).unwrap();
    assert_eq!(schema(), made, "run: cargo xtask schema");
}

#[test]
fn two_recordings_are_compared_and_nothing_is_guessed() {
    let directory = TempDir::new().unwrap();
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes");
    let archive = |name: &str| nodes.join(name).join("node.tar.zst");
    let (a, b) = (archive("healthy-v2"), archive("kubelet-v2"));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let same = nospace(&["diff", a, a]);
    let text = String::from_utf8_lossy(&same.stdout).into_owned();
    assert!(text.contains("No usage and no limit changed."), "{text}");
    assert!(nospace(&["diff", a, b]).status.success());
    let other = archive("docker-podman-v2");
    let output = Command::new(cargo_bin!("nospace"))
        .args(["diff", b, other.to_str().unwrap()])
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = "        +81      ~81         -  inotify watches of 1000@4026532319 (new)";
    assert!(text.lines().any(|line| line == row), "{text}");
    let (timeline, _) = leaking(&directory);
    let timeline = timeline.to_str().unwrap();
    for (arguments, part) in [
        (
            &["diff", timeline, "--at", "-3h"][..],
            "2026-01-01T00:15:00Z",
        ),
        (&["diff", timeline, a, "--at", "-3m"], "--at"),
        (
            &[
                "diff", timeline, "--at", "-3m", "--at", "-2m", "--at", "-1m",
            ],
            "3 times",
        ),
        (&["diff", a, "--at", "-3m"], "one moment"),
        (&["diff", "/nonexistent"], "/nonexistent"),
    ] {
        let refused = nospace(arguments);
        assert!(
            !refused.status.success() && said(&refused).contains(part),
            "{arguments:?} {}",
            said(&refused)
        );
    }
}

/// A page without anything from elsewhere, that says when what grew, who did, and how it was made.
#[test]
fn a_report_shows_the_incident() {
    let directory = TempDir::new().unwrap();
    let (path, workload) = leaking(&directory);
    let file = path.to_str().unwrap();
    let log = directory.path().join("kubelet.log");
    let line = "inotify_add_watch /sys/fs/cgroup/<b>x</b>: no space left on device\n";
    fs::write(&log, line).unwrap();
    let report = |more: &[&str]| {
        let made = nospace(&[&["report", "--from", file], more].concat());
        assert!(made.status.success(), "{}", said(&made));
        String::from_utf8(made.stdout).unwrap()
    };
    let page = report(&["--logs", log.to_str().unwrap()]);
    for elsewhere in [
        "<script", "src=", "href=", "url(", "@import", "http://", "https://",
    ] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    let name = workload.split_once(' ').unwrap().1;
    assert!(page.contains("keeps taking inotify watches") && page.contains(name));
    assert!(page.contains("<svg") && page.contains("00:00:00") && page.contains("00:15:00"));
    assert!(page.contains("&lt;b&gt;x&lt;/b&gt;") && !page.contains("<b>x</b>"));
    assert!(page.contains(&format!("nospace report --from {file} --logs")));
    assert!(page.contains("What could not be seen"));
    let markdown = report(&["-o", "markdown"]);
    assert!(
        markdown.contains("### What happened") && markdown.contains("2,900"),
        "{markdown}"
    );
    let text = report(&["-o", "text"]);
    assert!(text.lines().count() <= 25, "{text}");
    assert!(
        text.contains(&format!("holds: {workload}: 2,900 watches (+2,400)")),
        "{text}"
    );
    // Ten minutes before, the leak was not there to be seen.
    let earlier = report(&["-o", "text", "--at", "-10m"]);
    assert!(
        !earlier.contains("keeps taking") && earlier.contains("1,300 watches"),
        "{earlier}"
    );
}

#[test]
fn a_report_of_one_moment_says_that_it_knows_no_more() {
    let node =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes/watches-v1/node.tar.zst");
    let made = |format: &str| {
        let made = nospace(&["report", "--from", node.to_str().unwrap(), "-o", format]);
        assert!(made.status.success(), "{}", said(&made));
        String::from_utf8(made.stdout).unwrap()
    };
    assert!(made("html").contains("what happened before is not known"));
    assert!(made("markdown").contains("what happened before is not known"));
    assert!(made("text").starts_with("CRITICAL"));
    for (arguments, part) in [
        (&["-o", "json", "report"][..], "html|markdown|text"),
        (&["report", "-o", "pdf"], "pdf"),
        (&["report", "--from", "/nonexistent"], "/nonexistent"),
        (
            &["report", "--logs", "/nonexistent", "-o", "text"],
            "/nonexistent",
        ),
    ] {
        let refused = nospace(arguments);
        assert!(
            !refused.status.success() && said(&refused).contains(part),
            "{arguments:?} {}",
            said(&refused)
        );
    }
}

/// The node was healthy for two hours: of these and the leak together, one sample in 2.5 minutes would be read.
#[test]
fn a_leak_that_began_a_quarter_of_an_hour_ago_is_found_in_a_long_timeline() {
    let directory = TempDir::new().unwrap();
    let (path, workload) = leaking_after(&directory, 480);
    let file = path.to_str().unwrap();
    let subjects = |at: &[&str]| {
        let report = json(&nospace(
            &[&["check", "--from", file, "-o", "json"], at].concat(),
        ));
        let findings = report["findings"].as_array().unwrap().clone();
        let leaks = findings.iter().filter(|f| f["rule"] == "leak");
        leaks.map(|f| f["subject"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(subjects(&[]), [workload.as_str()]);
    assert_eq!(subjects(&["--at", "-15m"]), Vec::<Value>::new());
}

#[test]
fn no_more_samples_are_read_than_allowed_and_the_last_is_one_of_them() {
    let directory = TempDir::new().unwrap();
    let replay = Replay::open(&leaking(&directory).0).unwrap();
    for (number, most) in [(60, 60), (60, 31), (59, 60), (60, 1), (0, 60)] {
        let mut read = Vec::new();
        each_of(&replay, number, most, &mut |at, _, _| {
            read.push(at);
            Ok(())
        })
        .unwrap();
        assert!(read.len() <= most, "{number} {most}: {read:?}");
        assert!(
            read.len() * 2 > most.min(number),
            "{number} {most}: {read:?}"
        );
        assert_eq!(read.last(), Some(&number));
    }
}

/// The first sample that is read need not be the first of the timeline, and one that saw nothing says nothing of holders.
#[test]
fn an_incident_begins_with_its_first_sample_and_knows_what_it_did_not_see() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes/crio-v2/node.tar.zst");
    let report = nospace_core::conclude(&collect(&Recorded::open(&node).unwrap()));
    let mut blind = report.clone();
    blind.pods.clear();
    blind.containers.clear();
    blind.processes.clear();
    for run in &mut blind.collectors {
        run.blind = run.name == "inotify";
    }
    let mut recorder = Recorder::default();
    for (seconds, report) in [(100.0, report.clone()), (115.0, blind), (130.0, report)] {
        recorder.add(report, "2026-01-01T00:00:00Z".parse().unwrap(), seconds);
    }
    let incident = recorder.finish().unwrap();
    let first = incident.events.first().unwrap();
    assert!(first.at.abs() < 1e-9, "{first:?}");
    let times: Vec<f64> = incident.workloads[0].points.iter().map(|p| p.0).collect();
    assert_eq!(times, [0.0, 30.0]);
    let started = incident
        .events
        .iter()
        .find(|event| event.text.contains("restarted"));
    assert_eq!(started, None);
    assert!(incident.gaps[0].contains("1 of 3"), "{:?}", incident.gaps);
}

#[test]
fn an_error_names_the_archive_once() {
    let directory = TempDir::new().unwrap();
    let empty = directory.path().join("empty");
    fs::write(&empty, "").unwrap();
    for path in [empty.to_str().unwrap(), "/dev/null", "/nonexistent"] {
        let refused = nospace(&["check", "--from", path]);
        let said = said(&refused);
        assert_eq!(said.matches("cannot read").count(), 1, "{said}");
    }
}
