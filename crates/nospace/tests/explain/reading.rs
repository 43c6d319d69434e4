//! Where logs are read from, in which forms, and what was not read.

use std::fs;
use std::io::Write;

use assert_cmd::Command;

use super::{WATCHES, explain, json, logs, path};

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
fn what_was_read_of_a_damaged_log_is_reported() {
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
