//! Which files are meant, and in which order they were written.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Directories below one that is named.
const DEEPEST: usize = 8;

/// The files that `paths` mean: of a directory every regular file in it, of a set that log
/// rotation made the oldest first. With `rotated`, a file brings its rotated siblings along.
///
/// # Errors
///
/// A directory cannot be listed: the error and its path.
pub fn files(paths: &[PathBuf], rotated: bool) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, 0, &mut all)?;
        } else {
            all.push(path.clone());
            if rotated {
                siblings(path, &mut all)?;
            }
        }
    }
    Ok(in_order(all))
}

fn walk(dir: &Path, depth: usize, all: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let failed = |e| (dir.to_path_buf(), e);
    let mut entries = fs::read_dir(dir)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_file() {
            all.push(entry.path());
        } else if kind.is_dir() && depth < DEEPEST {
            walk(&entry.path(), depth + 1, all)?;
        }
    }
    Ok(())
}

fn siblings(path: &Path, all: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let dir = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    for entry in fs::read_dir(dir).map_err(|e| (dir.to_path_buf(), e))? {
        let entry = entry.map_err(|e| (dir.to_path_buf(), e))?;
        let sibling = path.with_file_name(entry.file_name());
        let regular = entry.file_type().is_ok_and(|k| k.is_file());
        if regular && sibling != path && Generation::of(&sibling).base == Generation::of(path).base
        {
            all.push(sibling);
        }
    }
    Ok(())
}

/// Each set stays where its first file was named; within it the oldest comes first.
fn in_order(all: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut sets: Vec<Vec<PathBuf>> = Vec::new();
    let mut places: HashMap<PathBuf, usize> = HashMap::new();
    let mut known = HashSet::new();
    for path in all.into_iter().filter(|path| known.insert(path.clone())) {
        let place = *places
            .entry(Generation::of(&path).base)
            .or_insert(sets.len());
        if place == sets.len() {
            sets.push(Vec::new());
        }
        sets[place].push(path);
    }
    for set in &mut sets {
        set.sort_by(|a, b| Generation::of(a).cmp(&Generation::of(b)));
    }
    sets.concat()
}

/// Which generation of a rotated log a file is: `kubelet.log.3.gz` was written before `kubelet.log.2`, and
/// `0.log.20261120-101010.gz` before `0.log`.
#[derive(Debug, PartialEq, Eq)]
struct Generation {
    base: PathBuf,
    age: Age,
}

#[derive(Debug, PartialEq, Eq)]
enum Age {
    /// Rotated at this date.
    Dated(String),
    /// Rotated this many times.
    Numbered(u32),
    /// Still written to.
    Current,
}

impl Generation {
    fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let plain = name
            .strip_suffix(".gz")
            .or_else(|| name.strip_suffix(".zst"));
        let plain = plain.unwrap_or(&name);
        let cut = |at: usize, age| Self {
            base: path.with_file_name(&plain[..at]),
            age,
        };
        if let Some((stem, number)) = plain.rsplit_once('.')
            && let Ok(number) = number.parse()
            && number < 10_000
            && !stem.is_empty()
        {
            return cut(stem.len(), Age::Numbered(number));
        }
        let dated = |c: char| c.is_ascii_digit() || matches!(c, '-' | 'T' | '_');
        if let Some(at) = plain
            .rfind(['.', '-'])
            .map(|_| plain.trim_end_matches(dated).len())
            && plain[at..].chars().filter(char::is_ascii_digit).count() >= 8
            && at > 0
        {
            let date: String = plain[at..].chars().filter(char::is_ascii_digit).collect();
            let stem = plain[..at].trim_end_matches('.').len();
            return cut(stem, Age::Dated(date));
        }
        cut(plain.len(), Age::Current)
    }
}

impl Ord for Generation {
    fn cmp(&self, other: &Self) -> Ordering {
        use Age::{Current, Dated, Numbered};
        let by_age = match (&self.age, &other.age) {
            (Dated(a), Dated(b)) => a.cmp(b),
            (Numbered(a), Numbered(b)) => b.cmp(a),
            (Current, Current) => Ordering::Equal,
            (Current, _) | (Numbered(_), Dated(_)) => Ordering::Greater,
            (_, Current) | (Dated(_), Numbered(_)) => Ordering::Less,
        };
        self.base.cmp(&other.base).then(by_age)
    }
}

impl PartialOrd for Generation {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(names: &[&str]) -> Vec<String> {
        let paths = names.iter().map(PathBuf::from).collect();
        let ordered = in_order(paths);
        ordered.iter().map(|p| p.display().to_string()).collect()
    }

    #[test]
    fn the_oldest_of_a_set_comes_first() {
        assert_eq!(
            order(&[
                "kubelet.log",
                "kubelet.log.1",
                "kubelet.log.10.gz",
                "kubelet.log.2.gz"
            ]),
            [
                "kubelet.log.10.gz",
                "kubelet.log.2.gz",
                "kubelet.log.1",
                "kubelet.log"
            ]
        );
        assert_eq!(
            order(&[
                "/p/0.log",
                "/p/0.log.20261121-000000",
                "/p/0.log.20261120-235959.gz"
            ]),
            [
                "/p/0.log.20261120-235959.gz",
                "/p/0.log.20261121-000000",
                "/p/0.log"
            ]
        );
        assert_eq!(
            order(&["syslog", "syslog-20261121.zst", "syslog-20261119.zst"]),
            ["syslog-20261119.zst", "syslog-20261121.zst", "syslog"]
        );
    }

    #[test]
    fn sets_stay_in_the_order_in_which_they_were_named() {
        assert_eq!(
            order(&["z.log", "a.log", "z.log.1", "a.log"]),
            ["z.log.1", "z.log", "a.log"]
        );
    }

    #[test]
    fn siblings_come_along_when_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["k.log", "k.log.1", "k.log.2.gz", "other.log", "k.log.old"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let named = [dir.path().join("k.log")];
        let names = |rotated| {
            let all = files(&named, rotated).unwrap();
            let name = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().into_owned();
            all.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["k.log"]);
        assert_eq!(names(true), ["k.log.2.gz", "k.log.1", "k.log"]);
    }
}
