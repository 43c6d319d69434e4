//! The floors: no circle between files or folders of a crate, no file too long to read. See "Floors" in ARCHITECTURE.md.

#![allow(clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test reads the sources")]

mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use modules::{Edges, Modules, Place};

/// Circles that are there still, as [`Circle`] prints them. Only ever shorten these lists.
const KNOWN_IN_CORE: [&str; 0] = [];
const KNOWN_IN_NOSPACE: [&str; 0] = [];

/// Files or folders side by side, each of which leads to every other.
struct Circle {
    folder: Place,
    members: BTreeSet<String>,
    /// `from → to (path)`.
    edges: Vec<String>,
}

impl Circle {
    fn name(&self) -> String {
        let members: Vec<&str> = self.members.iter().map(String::as_str).collect();
        format!("{}: {}", self.folder.join("/"), members.join(", "))
    }
}

/// Uses between the files and folders of one folder: `(from, to)` with the files' own uses below them.
type Level = BTreeMap<(String, String), Vec<String>>;

/// Sorts every use into the folder in which it leads from one file or folder to another. One between a `mod.rs` and what
/// lies below it is none of them.
fn levels(edges: &Edges) -> BTreeMap<Place, Level> {
    let mut levels: BTreeMap<Place, Level> = BTreeMap::new();
    for ((from, to), path) in edges {
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        if let (Some(a), Some(b)) = (from.get(common), to.get(common)) {
            let level = levels.entry(from[..common].to_vec()).or_default();
            let uses = level.entry((a.clone(), b.clone())).or_default();
            uses.push(format!("{} → {} ({path})", from.join("/"), to.join("/")));
        }
    }
    levels
}

fn circles(edges: &Edges) -> Vec<Circle> {
    let mut circles = Vec::new();
    for (folder, level) in levels(edges) {
        let names: BTreeSet<&String> = level.keys().flat_map(|(a, b)| [a, b]).collect();
        let reach: BTreeMap<&String, BTreeSet<&String>> = names
            .iter()
            .map(|name| (*name, reached(name, &level)))
            .collect();
        let mut members: BTreeSet<BTreeSet<String>> = BTreeSet::new();
        for name in names {
            let with = reach[name]
                .iter()
                .filter(|other| reach[**other].contains(name));
            let circle: BTreeSet<String> = with.map(|other| (*other).clone()).collect();
            if circle.len() > 1 {
                members.insert(circle);
            }
        }
        for members in members {
            let within = level
                .iter()
                .filter(|((a, b), _)| members.contains(a) && members.contains(b));
            let edges = within.flat_map(|(_, uses)| uses.clone()).collect();
            circles.push(Circle {
                folder: folder.clone(),
                members,
                edges,
            });
        }
    }
    circles
}

/// Everything that `from` leads to; itself only by way of another.
fn reached<'l>(from: &String, level: &'l Level) -> BTreeSet<&'l String> {
    let mut reached = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(name) = todo.pop() {
        for (a, b) in level.keys() {
            if a == name && reached.insert(b) {
                todo.push(b);
            }
        }
    }
    reached
}

fn holds(root: &str, known: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let edges = Modules::read(&root).edges();
    assert!(edges.len() > 50, "only {} uses were found", edges.len());
    let circles = circles(&edges);
    let mut wrong = String::new();
    for circle in &circles {
        if !known.contains(&circle.name().as_str()) {
            wrong += &format!(
                "a circle in {}\n  {}\n",
                circle.name(),
                circle.edges.join("\n  ")
            );
        }
    }
    for name in known {
        if !circles.iter().any(|circle| circle.name() == *name) {
            wrong += &format!("{name:?} is no circle any more: take it off the list\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn core_has_no_circle() {
    holds("src/lib.rs", &KNOWN_IN_CORE);
}

#[test]
fn nospace_has_no_circle() {
    holds("../nospace/src/lib.rs", &KNOWN_IN_NOSPACE);
}

/// Lines of a source file; tests beside the code count too.
const LONGEST: usize = 450;

#[test]
fn no_source_file_is_too_long() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> = ["bpf", "core", "nospace"]
        .map(|name| crates.join(name).join("src"))
        .into();
    let mut seen = 0;
    let mut wrong = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                seen += 1;
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                if lines > LONGEST {
                    wrong += &format!("{}: {lines} lines\n", path.display());
                }
            }
        }
    }
    assert!(seen > 300, "only {seen} files were found");
    assert!(wrong.is_empty(), "more than {LONGEST}:\n{wrong}");
}

#[test]
fn a_circle_over_three_files_is_found_with_its_uses() {
    let place = |path: &str| -> Place { path.split('/').map(str::to_owned).collect() };
    let edge = |from, to| ((place(from), place(to)), format!("crate::{to}"));
    let mut edges: Edges = [
        edge("a/x", "b"),
        edge("b", "c/y"),
        edge("a", "a/x"),
        edge("a/x", "a"),
        edge("d", "a"),
    ]
    .into();
    assert!(circles(&edges).is_empty());
    edges.extend([edge("c/z", "a/y")]);
    let found = circles(&edges);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name(), ": a, b, c");
    assert!(
        found[0]
            .edges
            .contains(&"c/z → a/y (crate::a/y)".to_owned())
    );
}
