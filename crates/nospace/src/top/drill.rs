//! The watches of one holder, as a tree that can be gone into.

use std::collections::BTreeMap;
use std::sync::Arc;

use nospace_core::watches::{Tree, WatchesReport, places};

use super::holders::Key;

/// Lines of the tree, about.
const MOST_LINES: usize = 300;

/// The watches of a holder.
#[derive(Clone, Debug)]
pub struct Drill {
    /// Number of the request that asked for them.
    pub id: u64,
    /// Their owner.
    pub key: Key,
    /// The same for people; raw.
    pub title: String,
    /// Its processes.
    pub pids: Vec<u32>,
    /// The watches.
    pub content: Content,
    /// Directories that were gone into, from the outside in.
    pub inside: Vec<String>,
    /// The line that is chosen.
    pub selected: usize,
}

/// What is known of the watches.
#[derive(Clone, Debug)]
pub enum Content {
    /// They are being listed.
    Loading,
    /// They cannot be listed, and why.
    Failed(String),
    /// They are listed.
    Listed {
        /// The list.
        report: Arc<WatchesReport>,
        /// The tree of what is inside of the chosen directory.
        lines: Vec<TreeLine>,
    },
}

/// A line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeLine {
    /// Lines above it that lead to it.
    pub depth: usize,
    /// Whole path; raw.
    pub path: String,
    /// What of it the line above does not say; raw, empty for `others`.
    pub label: String,
    /// Watches on it and below it.
    pub watches: u64,
    /// Entries that are added up here.
    pub others: usize,
    /// Entries below it that have no line.
    pub folded: usize,
}

impl Drill {
    /// Watches that are being asked for.
    #[must_use]
    pub fn new(id: u64, key: Key, title: String, pids: Vec<u32>) -> Self {
        Self {
            id,
            key,
            title,
            pids,
            content: Content::Loading,
            inside: Vec::new(),
            selected: 0,
        }
    }

    /// Takes the answer.
    pub fn answer(&mut self, result: Result<Arc<WatchesReport>, String>) {
        self.content = match result {
            Ok(report) => Content::Listed {
                lines: tree(&report, self.inside.last()),
                report,
            },
            Err(why) => Content::Failed(why),
        };
        self.clamp();
    }

    /// Goes into the directory of the chosen line, where that has more to show.
    pub fn enter(&mut self) {
        let Content::Listed { report, lines } = &mut self.content else {
            return;
        };
        let Some(line) = lines.get(self.selected) else {
            return;
        };
        let path = line.path.clone();
        if path.is_empty() || self.inside.last() == Some(&path) {
            return;
        }
        *lines = tree(report, Some(&path));
        self.inside.push(path);
        self.selected = 0;
    }

    /// Goes out of a directory; whether there was one.
    pub fn leave(&mut self) -> bool {
        let was_inside = self.inside.pop().is_some();
        if let Content::Listed { report, lines } = &mut self.content {
            *lines = tree(report, self.inside.last());
        }
        self.clamp();
        was_inside
    }

    /// The lines of the tree.
    #[must_use]
    pub fn lines(&self) -> &[TreeLine] {
        match &self.content {
            Content::Listed { lines, .. } => lines,
            Content::Loading | Content::Failed(_) => &[],
        }
    }

    fn clamp(&mut self) {
        self.selected = self.selected.min(self.lines().len().saturating_sub(1));
    }
}

fn tree(report: &WatchesReport, inside: Option<&String>) -> Vec<TreeLine> {
    let places = places(&report.watches);
    let within = |place: &str| {
        inside.is_none_or(|above| {
            let rest = place.strip_prefix(above.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') || above.ends_with('/')
            })
        })
    };
    let places = places.iter().map(|(place, watches)| (&**place, *watches));
    let places: Vec<(&str, u64)> = places.filter(|(place, _)| within(place)).collect();
    let branches = Tree::new(places.iter().copied()).folded(MOST_LINES);
    let line = |branch: nospace_core::watches::Branch<'_>| TreeLine {
        depth: branch.depth,
        path: branch.path.to_owned(),
        label: branch.label.to_owned(),
        watches: branch.watches,
        others: branch.others,
        folded: branch.folded,
    };
    let lines: Vec<TreeLine> = branches.into_iter().map(line).collect();
    match inside {
        // The tree has no line for anything in it: then each entry gets one.
        Some(above) if lines.len() <= 1 => entries(&places, above),
        _ => lines,
    }
}

/// The directory, and all that is watched in it.
fn entries(places: &[(&str, u64)], above: &str) -> Vec<TreeLine> {
    let mut watches = BTreeMap::<&str, u64>::new();
    for (place, on_it) in places {
        *watches.entry(place).or_default() += on_it;
    }
    let line = |depth, path: &str, label: &str, watches| TreeLine {
        depth,
        path: path.to_owned(),
        label: label.to_owned(),
        watches,
        others: 0,
        folded: 0,
    };
    let mut lines = vec![line(
        0,
        above,
        above,
        places.iter().map(|(_, watches)| watches).sum(),
    )];
    lines.extend(
        watches
            .into_iter()
            .filter(|(path, _)| *path != above)
            .map(|(path, n)| {
                let label = path.strip_prefix(above).unwrap_or(path);
                line(1, path, label.trim_start_matches('/'), n)
            }),
    );
    lines
}
