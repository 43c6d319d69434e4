//! Lines of public threads, labelled before nospace saw them: how many it names, by cause and by confidence.
//!
//! `cargo test -p nospace-core --test lines -- --nocapture` prints the score and every miss. `sealed` has the lines
//! that nobody develops against: it prints figures alone, and runs only when asked for (`-- --ignored --nocapture`).
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests read their data, print the score, and end when they cannot"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use nospace_core::cause::Cause;
use nospace_core::explain::{Classifier, Hit, Scanner};
use nospace_core::signatures::{Confidence, Table};

/// A line and the causes that are right for it; none where nothing may be named.
struct Labelled {
    line: String,
    right: Vec<String>,
}

impl Labelled {
    fn allows(&self, cause: Option<Cause>) -> bool {
        let code = cause.map_or("none", Cause::code);
        self.right.iter().any(|right| right == code)
    }

    fn is_near_miss(&self) -> bool {
        self.right == ["none"]
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/lines")
}

/// The files that nobody develops against; none once all have been opened.
fn sealed_files() -> Vec<String> {
    let files = fs::read_dir(directory()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut sealed: Vec<_> = names.filter(|name| name.starts_with("sealed-")).collect();
    sealed.sort();
    sealed
}

fn rows(name: &str) -> Vec<String> {
    let text = fs::read_to_string(directory().join(name)).unwrap();
    text.lines()
        .filter(|row| !row.starts_with('#') && !row.starts_with("thread\t"))
        .map(str::to_owned)
        .collect()
}

/// The rows of a file; `label` and `line` are the columns that hold those.
fn read(name: &str, label: usize, line: usize) -> Vec<Labelled> {
    let rows = rows(name);
    rows.iter()
        .map(|row| {
            let columns: Vec<&str> = row.splitn(line + 1, '\t').collect();
            Labelled {
                line: columns[line].replace("\\t", "\t"),
                right: columns[label].split('|').map(str::to_owned).collect(),
            }
        })
        .collect()
}

fn explain(classifier: &Classifier, line: &str) -> Option<Hit> {
    let mut hits = Vec::new();
    let mut scanner = Scanner::new(classifier);
    scanner.push(line.as_bytes(), &mut |hit| hits.push(hit));
    scanner.finish(&mut |hit| hits.push(hit));
    hits.into_iter().next()
}

#[derive(Default)]
struct Score {
    /// Right and all, by the first code of the label.
    by_cause: BTreeMap<String, (usize, usize)>,
    /// Right and all of the lines that nospace named, by its confidence.
    by_confidence: BTreeMap<Confidence, (usize, usize)>,
    right: usize,
    all: usize,
    accused: usize,
    misses: Vec<String>,
}

impl Score {
    fn of(lines: &[Labelled]) -> Self {
        let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
        let mut score = Self::default();
        for labelled in lines {
            let hit = explain(&classifier, &labelled.line);
            score.add(labelled, hit.as_ref());
        }
        score
    }

    fn add(&mut self, labelled: &Labelled, hit: Option<&Hit>) {
        let cause = hit.map(|h| h.meaning.cause);
        let right = labelled.allows(cause);
        self.all += 1;
        self.right += usize::from(right);
        let of_cause = self.by_cause.entry(labelled.right[0].clone()).or_default();
        of_cause.0 += usize::from(right);
        of_cause.1 += 1;
        if let Some(hit) = hit {
            let of_confidence = self
                .by_confidence
                .entry(hit.meaning.confidence)
                .or_default();
            of_confidence.0 += usize::from(right);
            of_confidence.1 += 1;
            self.accused += usize::from(labelled.is_near_miss());
        }
        if !right {
            let said = hit.map_or_else(
                || "nothing".to_owned(),
                |h| {
                    format!(
                        "{} ({}, {:?})",
                        h.meaning.cause,
                        h.meaning.confidence.word(),
                        h.meaning.reasons
                    )
                },
            );
            self.misses.push(format!(
                "{} and not {said}: {}",
                labelled.right.join("|"),
                labelled.line
            ));
        }
    }

    fn print(&self, name: &str) {
        println!(
            "{name}: {} of {} right, {} near misses accused",
            self.right, self.all, self.accused
        );
        for (cause, (right, all)) in &self.by_cause {
            println!("  {cause:<20} {right:>3} of {all}");
        }
        for (confidence, (right, all)) in &self.by_confidence {
            println!("  {:<20} {right:>3} of {all}", confidence.word());
        }
    }
}

#[test]
fn public() {
    let score = Score::of(&read("public.tsv", 0, 2));
    score.print("public.tsv");
    println!("{}", score.misses.join("\n"));
    assert!(
        score.right * 100 >= score.all * 95,
        "{} of {}",
        score.right,
        score.all
    );
    assert_eq!(score.accused, 0);
}

#[test]
fn work() {
    let score = Score::of(&read("work.tsv", 1, 3));
    score.print("work.tsv");
    println!("{}", score.misses.join("\n"));
    assert!(
        score.right * 100 >= score.all * 97,
        "{} of {}",
        score.right,
        score.all
    );
    assert_eq!(score.accused, 0);
}

/// Of the lines called certain 99 % are right, of those called likely 90 %.
#[test]
fn confidence_is_calibrated() {
    let mut lines = read("work.tsv", 1, 3);
    lines.extend(read("public.tsv", 0, 2));
    let score = Score::of(&lines);
    for (confidence, percent) in [(Confidence::Certain, 99), (Confidence::Likely, 90)] {
        let (right, all) = score.by_confidence[&confidence];
        let word = confidence.word();
        println!("{word}: {right} of {all} right, {percent} % wanted");
        assert!(all >= 50, "{word}: {all} are too few");
        assert!(right * 100 >= all * percent, "{word}: {right} of {all}");
    }
}

#[test]
#[ignore = "lines that nobody develops against: scored at the end"]
fn sealed() {
    for name in sealed_files() {
        Score::of(&read(&name, 1, 3)).print(&name);
    }
}

/// A sealed line whose thread is in another file would have been seen. Names of sealed threads are not printed.
#[test]
fn each_thread_is_in_one_file() {
    let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in sealed_files().into_iter().chain(["work.tsv".to_owned()]) {
        for row in rows(&name) {
            let thread = row.split('\t').next().unwrap();
            let thread = thread.split(" (").next().unwrap().to_owned();
            files.entry(thread).or_default().insert(name.clone());
        }
    }
    let twice: Vec<_> = files.into_values().filter(|of| of.len() > 1).collect();
    assert_eq!(twice, [] as [BTreeSet<String>; 0]);
}

/// What programs print in fifteen languages.
#[test]
fn translated() {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    for labelled in read("l10n.tsv", 0, 2) {
        let hit = explain(&classifier, &labelled.line);
        let cause = hit.map(|h| h.meaning.cause);
        assert!(labelled.allows(cause), "{cause:?}: {}", labelled.line);
    }
}
