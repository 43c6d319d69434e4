//! What is no refusal gives no match: a million ordinary lines, and lines that only mention the words.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read their data, and end when they cannot"
)]

use std::fs;
use std::path::{Path, PathBuf};

use nospace_core::explain::{Classifier, Hit, Scanner};
use nospace_core::signatures::Table;

/// Lines that are looked at.
const LINES: usize = 1_000_000;

fn logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/logs")
}

fn scan(classifier: &Classifier, log: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut scanner = Scanner::new(classifier);
    scanner.push(log, &mut |hit| hits.push(hit));
    scanner.finish(&mut |hit| hits.push(hit));
    hits
}

/// The lines of real logs (kubelets, containerds, systemd) that are no refusal, and of ordinary syslog.
fn ordinary(classifier: &Classifier) -> Vec<Vec<u8>> {
    let mut names: Vec<PathBuf> = fs::read_dir(logs())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|x| x == "log"))
        .collect();
    names.sort();
    names.push(logs().join("ordinary/syslog.txt"));
    let mut lines = Vec::new();
    for name in names {
        let log = fs::read(&name).unwrap();
        let refusals: Vec<u64> = scan(classifier, &log).iter().map(|h| h.number).collect();
        for (number, line) in (1..).zip(log.split(|b| *b == b'\n')) {
            if !line.is_empty() && !refusals.contains(&number) {
                lines.push(line.to_vec());
            }
        }
    }
    lines
}

/// Puts other digits in the place of those in `line`, as numbers, addresses and ids differ.
fn vary(line: &mut [u8], random: &mut u64) {
    for byte in line.iter_mut().filter(|b| b.is_ascii_digit()) {
        *random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *byte = b'0' + u8::try_from(*random >> 60).unwrap() % 10;
    }
}

#[test]
fn a_million_ordinary_lines_give_no_match() {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    let lines = ordinary(&classifier);
    assert!(lines.len() > 8_000, "{}", lines.len());
    let mut random = 7;
    let mut scanner = Scanner::new(&classifier);
    let mut wrong: Vec<String> = Vec::new();
    for number in 0..LINES {
        let mut line = lines[number % lines.len()].clone();
        // The first time as they are.
        if number >= lines.len() {
            vary(&mut line, &mut random);
        }
        line.push(b'\n');
        scanner.push(&line, &mut |hit| wrong.push(hit.text));
    }
    scanner.finish(&mut |hit| wrong.push(hit.text));
    assert_eq!(scanner.stats().lines, LINES as u64);
    assert_eq!(wrong, [] as [&str; 0]);
}

#[test]
fn lines_that_mention_the_words_give_no_match() {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    let log = fs::read(logs().join("ordinary/mentions.txt")).unwrap();
    let wrong: Vec<String> = scan(&classifier, &log)
        .into_iter()
        .map(|h| h.text)
        .collect();
    assert_eq!(wrong, [] as [&str; 0]);
}

/// The proof that the test above could fail: the same lines with one refusal among them.
#[test]
fn one_refusal_among_them_is_found() {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    let mut log = fs::read(logs().join("ordinary/mentions.txt")).unwrap();
    let end = log.split(|b| *b == b'\n').count() as u64;
    log.extend(b"inotify_add_watch /x: no space left on device\n");
    let numbers: Vec<u64> = scan(&classifier, &log).iter().map(|h| h.number).collect();
    assert_eq!(numbers, [end]);
}
