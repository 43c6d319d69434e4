//! The line reader: messages in any wrapping, at any chunk border, in bounded memory.
#![allow(clippy::unwrap_used, reason = "a test ends when its data is wrong")]

use std::sync::LazyLock;

use nospace_core::cause::Cause;
use nospace_core::explain::{Classifier, Hit, Scanner, ScannerStats};
use nospace_core::signatures::Table;
use proptest::prelude::*;

fn classifier() -> &'static Classifier {
    static ONCE: LazyLock<Classifier> =
        LazyLock::new(|| Classifier::new(Table::builtin().unwrap()).unwrap());
    &ONCE
}

fn scan_in(classifier: &Classifier, log: &[u8], piece: usize) -> (Vec<Hit>, ScannerStats) {
    let mut hits = Vec::new();
    let mut scanner = Scanner::new(classifier);
    for bytes in log.chunks(piece.max(1)) {
        scanner.push(bytes, &mut |hit| hits.push(hit));
    }
    scanner.finish(&mut |hit| hits.push(hit));
    (hits, scanner.stats())
}

/// As [`scan_in`], on several processors; of a read up to `piece` bytes come.
fn scan_beside(
    classifier: &Classifier,
    mut log: &[u8],
    piece: usize,
    threads: usize,
) -> (Vec<Hit>, ScannerStats) {
    let mut hits = Vec::new();
    let mut scanner = Scanner::on_processors(classifier, threads);
    let mut more = true;
    while more {
        let read = |room: &mut [u8]| {
            let (now, later) = log.split_at(piece.min(room.len()).min(log.len()));
            room[..now.len()].copy_from_slice(now);
            log = later;
            Ok::<_, std::convert::Infallible>(now.len())
        };
        let Ok(n) = scanner.fill_beside(read, &mut |hit| hits.push(hit));
        more = n > 0;
        assert!(scanner.memory() < 4 << 20, "{} bytes", scanner.memory());
    }
    scanner.finish(&mut |hit| hits.push(hit));
    (hits, scanner.stats())
}

fn scan(log: &str) -> Vec<Hit> {
    scan_in(classifier(), log.as_bytes(), usize::MAX).0
}

/// `text` as a terminal of `width` columns shows it when it is copied.
fn broken_at(text: &str, width: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    let lines: Vec<String> = chars.chunks(width).map(|c| c.iter().collect()).collect();
    lines.join("\n")
}

const LONG: &str = r#"E1121 00:12:31.440286    2921 pod_workers.go:191] Error syncing pod 297aa23a: failed to "StartContainer" for "app" with RunContainerError: "failed to start container: container create failed: container_linux.go:349: starting container process caused \"process_linux.go:449: container init caused \\\"rootfs_linux.go:58: mounting \\\\\\\"/sys\\\\\\\" to rootfs \\\\\\\"/var/lib/containers/storage/overlay/a12aa66fc67b2aff8ba5dc15537b03c6/merged\\\\\\\" at \\\\\\\"/var/lib/containers/storage/overlay/a12aa66fc67b2aff8ba5dc15537b03c6/merged/sys\\\\\\\" caused \\\\\\\"no space left on device\\\\\\\"\\\"\"""#;

#[test]
fn a_terminal_may_break_a_message_anywhere() {
    for message in [
        LONG,
        r#"W1121 00:12:31.440286    2921 raw.go:146] Failed to watch directory "/sys/fs/cgroup/blkio/kubepods.slice/kubepods-besteffort.slice": inotify_add_watch /sys/fs/cgroup/blkio/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice: no space left on device"#,
    ] {
        let whole = scan(message);
        assert_eq!(whole.len(), 1);
        for width in 60..=200 {
            let log = format!(
                "I1121 00:12:30.000000    2921 a.go:1] before\n{}\nI1121 00:12:32.000000    2921 a.go:1] after\n",
                broken_at(message, width)
            );
            let hits = scan(&log);
            assert_eq!(hits.len(), 1, "width {width}:\n{log}");
            assert_eq!(
                hits[0].meaning.cause, whole[0].meaning.cause,
                "width {width}"
            );
            assert_eq!(
                hits[0].meaning.object, whole[0].meaning.object,
                "width {width}"
            );
        }
    }
}

#[test]
fn a_pager_breaks_at_a_space_and_indents() {
    let hits = scan(
        "Nov 21 00:12:31 node1 kubelet[2921]: Failed to watch directory \"/sys/fs/cgroup/blkio/kubepods.slice\": inotify_add_watch\n    /sys/fs/cgroup/blkio/kubepods.slice/pod1.slice: no space\n    left on device\nNov 21 00:12:32 node1 x[1]: y\n",
    );
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].meaning.cause, Cause::InotifyWatches);
    assert_eq!((hits[0].number, hits[0].lines), (1, 3));
}

#[test]
fn two_records_are_never_joined() {
    let log = "Nov 21 00:12:31 node1 kubelet[2921]: about inotify_add_watch /sys/fs/cgroup/x and what it does:\nNov 21 00:12:31 node1 other[11]: there is no space left on device\n";
    assert_eq!(scan(log), []);
    let log = "E1121 00:12:31.440286    2921 a.go:1] some long line about writing to /var/lib/kubelet/pods\nno space left on device is what people say\n";
    assert_eq!(scan(log), []);
}

#[test]
fn container_logs_are_unwrapped() {
    let said = r#"failed to watch file \"/var/log/app.log\": no space left on device"#;
    let log = format!(
        "{{\"log\":\"{said}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-21T00:00:01Z\"}}\n\
         2026-11-21T00:00:02.5Z stderr F failed to watch file \"/var/log/app.log\": no space left on device\n"
    );
    let hits = scan(&log);
    assert_eq!(hits.len(), 2);
    for hit in &hits {
        assert_eq!(hit.meaning.cause, Cause::InotifyWatches);
        assert_eq!(hit.meaning.object.name.as_deref(), Some("/var/log/app.log"));
    }
    assert_eq!(hits[0].time.as_deref(), Some("2026-11-21T00:00:01Z"));
    assert_eq!(hits[1].time.as_deref(), Some("2026-11-21T00:00:02.5Z"));
}

#[test]
fn pieces_of_a_cri_line_are_one_message() {
    let hits = scan(
        "2026-11-21T00:00:02.5Z stderr P Error: inotify_add_watch /srv/da\n\
         2026-11-21T00:00:02.5Z stderr P ta: no space le\n\
         2026-11-21T00:00:02.5Z stderr F ft on device\n\
         2026-11-21T00:00:02.6Z stderr F next\n",
    );
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].meaning.object.name.as_deref(), Some("/srv/data"));
    assert_eq!((hits[0].number, hits[0].lines), (1, 3));
    assert_eq!(hits[0].time.as_deref(), Some("2026-11-21T00:00:02.5Z"));
}

#[test]
fn dmesg_is_read_in_all_its_forms() {
    let said = "VFS: file-max limit 100000 reached";
    for (before, time) in [
        ("[88412.301942] ", "88412.301942"),
        ("<3>[    9.301942] ", "9.301942"),
        ("kern  :err   : [    9.301942] ", "9.301942"),
        ("[    9.301942][  T112] ", "9.301942"),
        ("[Sat Nov 21 12:46:38 2026] ", "Sat Nov 21 12:46:38 2026"),
        (
            "kern  :err   : [Sat Nov 21 12:46:38 2026] ",
            "Sat Nov 21 12:46:38 2026",
        ),
        (
            "2026-11-21T12:46:38,301942+00:00 ",
            "2026-11-21T12:46:38,301942+00:00",
        ),
    ] {
        let hits = scan(&format!("{before}eth0: link up\n{before}{said}\n"));
        assert_eq!(hits.len(), 1, "{before}");
        assert_eq!(hits[0].meaning.cause, Cause::SystemFiles);
        assert_eq!(hits[0].time.as_deref(), Some(time));
        assert_eq!(hits[0].message, said);
    }
}

#[test]
fn json_logs_and_describe_are_read() {
    let hits = scan(
        "{\"level\":\"error\",\"ts\":\"2026-11-21T00:00:01Z\",\"msg\":\"watch\",\"error\":\"inotify_add_watch /srv/\\u0061: no space left on device\"}\n\
         Events:\n\
         \x20 Type     Reason                    Age                From     Message\n\
         \x20 Warning  FailedCreatePodContainer  3m (x25 over 8m)   kubelet  unable to ensure pod container exists: failed to create container for [kubepods besteffort pod5f26dae8-0421-4eab-a3f7-aa51c6848e2b] : mkdir /sys/fs/cgroup/memory/kubepods/besteffort/pod5f26dae8-0421-4eab-a3f7-aa51c6848e2b: cannot allocate memory\n",
    );
    let found: Vec<_> = hits
        .iter()
        .map(|h| (h.number, h.meaning.cause, h.times))
        .collect();
    assert_eq!(
        found,
        [(1, Cause::InotifyWatches, 1), (4, Cause::CgroupKmem, 25)]
    );
    assert_eq!(
        hits[1].meaning.object.pod.as_deref(),
        Some("5f26dae8-0421-4eab-a3f7-aa51c6848e2b")
    );
}

#[test]
fn the_telling_part_is_marked() {
    let hits = scan(
        "x: Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup: no space left on device\r\n",
    );
    assert_eq!(
        &hits[0].message[hits[0].telling.clone()],
        "Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup: no space left on device"
    );
    assert!(!hits[0].text.ends_with('\r'));
}

#[test]
fn a_line_of_100_mb_is_cut_and_the_next_one_read() {
    let classifier = classifier();
    let mut scanner = Scanner::new(classifier);
    let mut hits = Vec::new();
    let filler = vec![b'x'; 1 << 20];
    scanner.push(b"tail: inotify resources exhausted ", &mut |h| hits.push(h));
    for _ in 0..100 {
        scanner.push(&filler, &mut |h| hits.push(h));
        assert!(scanner.memory() < 2 << 20, "{} bytes", scanner.memory());
    }
    scanner.push(b"\ntail: inotify resources exhausted", &mut |h| {
        hits.push(h)
    });
    scanner.finish(&mut |h| hits.push(h));
    let found: Vec<_> = hits.iter().map(|h| (h.number, h.text.len())).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[0].0, found[1].0), (1, 2));
    assert!(found[0].1 < 8192, "{found:?}");
    assert_eq!(scanner.stats().cut, 1);
    assert_eq!(scanner.stats().lines, 2);
}

#[test]
fn memory_does_not_grow_with_the_log() {
    let classifier = classifier();
    let mut scanner = Scanner::new(classifier);
    let mut count = 0;
    let log = b"I1121 00:12:30.000000    2921 a.go:1] nothing\ntail: inotify resources exhausted\n"
        .repeat(1000);
    for _ in 0..50 {
        scanner.push(&log, &mut |_| count += 1);
    }
    assert_eq!(count, 50_000);
    assert!(scanner.memory() < 2 << 20, "{} bytes", scanner.memory());
}

#[test]
fn long_lines_are_cut_on_any_number_of_processors() {
    let hit = b"tail: inotify resources exhausted\n".as_slice();
    let long = [
        b"tail: inotify resources exhausted ",
        vec![b'x'; 5 << 20].as_slice(),
        b"\n",
    ]
    .concat();
    let ordinary = b"an ordinary line\n".repeat(100_000);
    let log = [hit, &ordinary, &long, hit, &long, &ordinary, hit, &long].concat();
    for threads in 1..4 {
        let (hits, stats) = scan_beside(classifier(), &log, usize::MAX, threads);
        let numbers: Vec<u64> = hits.iter().map(|hit| hit.number).collect();
        assert_eq!(numbers, [1, 100_002, 100_003, 100_004, 200_005, 200_006]);
        assert_eq!((stats.cut, stats.lines), (3, 200_006));
        assert_eq!(stats.bytes, log.len() as u64);
    }
}

#[test]
fn a_followed_log_is_decided_at_rest() {
    let classifier = classifier();
    let mut scanner = Scanner::new(classifier);
    let mut hits = Vec::new();
    scanner.push(
        b"E1121 sync failed near inotify_add_watch /x that is wide enough: no space le",
        &mut |h| hits.push(h),
    );
    scanner.flush(&mut |h| hits.push(h));
    assert_eq!(hits, [], "the line has no end yet");
    scanner.push(b"ft on device\n", &mut |h| hits.push(h));
    scanner.flush(&mut |h| hits.push(h));
    assert_eq!(hits.len(), 1);
}

#[test]
fn a_candidate_before_an_endless_line_is_decided() {
    let classifier = classifier();
    let mut scanner = Scanner::new(classifier);
    let mut hits = Vec::new();
    scanner.push(
        b"something that mentions: no space left on device\n",
        &mut |h| hits.push(h),
    );
    for _ in 0..20 {
        scanner.push(&vec![b'x'; 100_000], &mut |h| hits.push(h));
    }
    scanner.push(b"\ntail: inotify resources exhausted\n", &mut |h| {
        hits.push(h)
    });
    scanner.finish(&mut |h| hits.push(h));
    let numbers: Vec<u64> = hits.iter().map(|h| h.number).collect();
    assert_eq!(numbers, [3]);
    assert_eq!(scanner.stats().bytes, 2_000_000 + 49 + 35);
}

fn any_log() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("I1121 00:09:33.751142   29684 flags.go:59] FLAG: --add-dir-header".to_owned()),
        Just("tail: inotify resources exhausted".to_owned()),
        Just(broken_at(LONG, 120)),
        Just("inotify_add_watch /a/b: no space left on device".to_owned()),
        Just("a line that ends in the middle of: no space left".to_owned()),
        Just("on device".to_owned()),
        Just("    indented: accept4: too many open files".to_owned()),
        Just("Nov 21 00:37:42 node1 app[7]: panic:".to_owned()),
        Just(String::new()),
        "[ -~]{0,60}",
        any::<Vec<u8>>().prop_map(|b| String::from_utf8_lossy(&b).into_owned()),
    ];
    proptest::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n").into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Where a chunk ends changes nothing, and every line is counted once.
    #[test]
    fn chunks_change_nothing(log in any_log(), piece in 1usize..3000) {
        let classifier = classifier();
        let (whole, stats) = scan_in(classifier, &log, usize::MAX);
        let (pieces, again) = scan_in(classifier, &log, piece);
        prop_assert_eq!(&whole, &pieces);
        prop_assert_eq!(stats, again);
        let newlines = log.iter().filter(|b| **b == b'\n').count() as u64;
        prop_assert_eq!(stats.lines, newlines + u64::from(!log.is_empty() && !log.ends_with(b"\n")));
        for hit in &whole {
            prop_assert!(hit.number >= 1 && hit.number + hit.lines - 1 <= stats.lines);
            prop_assert!(hit.message.get(hit.telling.clone()).is_some());
        }
    }

    #[test]
    fn any_bytes_are_a_log(log in proptest::collection::vec(any::<u8>(), 0..5000), piece in 1usize..700) {
        scan_in(classifier(), &log, piece);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// The number of processors changes nothing; the log is longer than what one of them takes at a time.
    #[test]
    fn processors_change_nothing(log in any_log(), times in 1_usize..20, piece in 1_usize..2_000_000, threads in 1_usize..5, indented: bool) {
        let mut log = log.repeat(times);
        let between = if indented { "\n    an indented line" } else { "\nan ordinary line in between" };
        log.extend(between.repeat(12_000).into_bytes());
        if indented {
            log.extend(b"\n    a: inotify_add_watch /x: no space left on device\n");
        }
        log.extend_from_within(..log.len() / 2);
        let piece = if piece < 1_000 { 1_000 } else { piece };
        prop_assert_eq!(scan_beside(classifier(), &log, piece, threads), scan_in(classifier(), &log, usize::MAX));
    }
}

#[test]
fn a_line_in_the_middle_of_a_record_came_when_the_record_did() {
    let log = "\
2026-11-21 09:14:02,113 ERROR [main] app.Watcher - cannot start
    at app.Watcher.start(Watcher.java:14)
Caused by: java.io.IOException: User limit of inotify watches reached
    at sun.nio.fs.LinuxWatchService
Nov 21 00:37:42 node1 app[7]: panic:
    write /srv/a: no space left on device
    goroutine 1: create session key: disk quota exceeded
tail: inotify resources exhausted
  indented: accept4: too many open files
";
    let seen: Vec<_> = scan(log)
        .into_iter()
        .map(|h| (h.number, h.time, h.program))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            (3, some("2026-11-21 09:14:02,113"), None),
            (6, some("Nov 21 00:37:42"), some("app")),
            (7, some("Nov 21 00:37:42"), some("app")),
            (8, None, None),
            (9, None, None),
        ]
    );
}

#[test]
fn a_record_that_began_too_far_back_is_not_known_however_much_is_read_at_once() {
    for (between, expected) in [(1_000, Some("Nov 21 00:37:42")), (2_000, None)] {
        let log = [
            "Nov 21 00:37:42 node1 app[7]: panic:\n",
            &"    at x.y\n".repeat(between),
            "    indented: accept4: too many open files\n",
        ]
        .concat();
        for piece in [1_000, usize::MAX] {
            let alone = scan_in(classifier(), log.as_bytes(), piece).0;
            let beside = scan_beside(classifier(), log.as_bytes(), piece, 2).0;
            assert_eq!(alone, beside);
            let times: Vec<_> = alone.iter().map(|hit| hit.time.as_deref()).collect();
            assert_eq!(times, [expected]);
        }
    }
}
