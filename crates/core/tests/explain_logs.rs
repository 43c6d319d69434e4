//! Logs of real nodes with inotify used up, against what a person read in them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read their data, and end when they cannot"
)]

use std::path::Path;

use nospace_core::cause::Cause;
use nospace_core::explain::{Classifier, Hit, Scanner};
use nospace_core::signatures::Table;

fn scan(classifier: &Classifier, log: &[u8], piece: usize) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut scanner = Scanner::new(classifier);
    for bytes in log.chunks(piece) {
        scanner.push(bytes, &mut |hit| hits.push(hit));
    }
    scanner.finish(&mut |hit| hits.push(hit));
    hits
}

fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/logs")
        .join(name);
    std::fs::read(path).unwrap()
}

/// File, cause, lines that say it.
const READ_BY_HAND: &[(&str, Cause, &[u64])] = &[
    (
        "kubectl120-logs-f-instances-exhausted.log",
        Cause::InotifyInstances,
        &[3],
    ),
    (
        "kubectl120-logs-f-watches-exhausted.log",
        Cause::InotifyWatches,
        &[3],
    ),
    (
        "v1-containerd16-A-watches-exhausted-restart.log",
        Cause::InotifyWatches,
        &[49],
    ),
    (
        "v1-containerd16-B-instances-exhausted-restart.log",
        Cause::InotifyInstances,
        &[49],
    ),
    (
        "v1-kubelet120-A-watches-exhausted-restart.log",
        Cause::InotifyWatches,
        &[227, 229, 230, 237, 293],
    ),
    (
        "v2-kubelet136-watches-exhausted-restart.log",
        Cause::InotifyWatches,
        &[18, 161, 163, 164, 165],
    ),
    (
        "v2-kubelet136-plugin-registry-refused.log",
        Cause::InotifyWatches,
        &[15],
    ),
    (
        "v1-kubelet120-B-instances-exhausted-restart.log",
        Cause::InotifyInstances,
        &[224, 230, 231, 238, 282, 283],
    ),
    (
        "v1-kubelet120-B4-containerd-cri-not-loaded.log",
        Cause::InotifyInstances,
        &[228, 229, 230],
    ),
    (
        "v2-bookworm-G1-containerd.log",
        Cause::InotifyInstances,
        &[12, 20, 22],
    ),
    (
        "v2-bookworm-G1-journalctl-f.log",
        Cause::InotifyInstances,
        &[1],
    ),
    (
        "v2-bookworm-G1-kubectl-logs-f.log",
        Cause::InotifyInstances,
        &[1],
    ),
    ("v2-bookworm-G1-tail-f.log", Cause::InotifyInstances, &[2]),
    (
        "v2-bookworm-G2-kubelet.log",
        Cause::InotifyWatches,
        &[
            5, 6, 231, 236, 280, 294, 308, 1847, 1848, 2073, 2078, 2128, 2141, 2148, 3693, 3694,
            3912, 3924, 3977, 3987, 3994, 5513, 5514,
        ],
    ),
    ("v2-bookworm-G2-tail-f.log", Cause::InotifyWatches, &[2]),
];

/// Logs in which nothing was refused, or nothing is said of it.
const SILENT: &[&str] = &[
    "v1-kubelet120-ok.log",
    "v2-bookworm-G1-containerd-restart.log",
    "v2-bookworm-G1-kubelet.log",
    "v2-bookworm-G1-systemctl.log",
    "v2-bookworm-G2-journalctl-f.log",
    "v2-bookworm-G2-systemctl.log",
];

#[test]
fn every_log_is_read_as_a_person_reads_it() {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    for (name, cause, lines) in READ_BY_HAND {
        let log = read(name);
        for piece in [usize::MAX, 65_536, 1_000] {
            let hits = scan(&classifier, &log, piece);
            let numbers: Vec<u64> = hits.iter().map(|h| h.number).collect();
            assert_eq!(numbers, *lines, "{name}, in pieces of {piece}");
            for hit in &hits {
                assert_eq!(
                    hit.meaning.cause, *cause,
                    "{name}:{}: {}",
                    hit.number, hit.text
                );
            }
        }
    }
}

#[test]
fn healthy_logs_say_nothing() {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    for name in SILENT {
        let hits = scan(&classifier, &read(name), usize::MAX);
        assert_eq!(hits, [], "{name}");
    }
}

#[test]
fn no_log_was_forgotten() {
    let known: Vec<&str> = READ_BY_HAND
        .iter()
        .map(|(n, ..)| *n)
        .chain(SILENT.iter().copied())
        .collect();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/logs");
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            !name.ends_with(".log") || known.contains(&name.as_str()),
            "{name}"
        );
    }
}

#[test]
fn lines_carry_time_program_object_and_pod() {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    let hits = scan(&classifier, &read("v2-bookworm-G2-kubelet.log"), usize::MAX);
    assert_eq!(hits[0].time.as_deref(), Some("Nov 21 00:37:42"));
    assert_eq!(hits[0].program.as_deref(), Some("systemd"));
    assert_eq!(
        hits[0].meaning.object.name.as_deref(),
        Some("/system.slice/kubelet.service")
    );
    assert_eq!(hits[2].program.as_deref(), Some("kubelet"));
    assert_eq!(
        hits[2].meaning.object.name.as_deref(),
        Some("/etc/kubernetes/manifests")
    );
    let hits = scan(
        &classifier,
        &read("kubectl120-logs-f-watches-exhausted.log"),
        usize::MAX,
    );
    assert_eq!(hits[0].meaning.object.pod.as_deref(), Some("default/p1"));
}
