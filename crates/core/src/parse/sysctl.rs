//! sysctl.d(5) and sysctl.conf(5): which file sets what at boot.

use std::collections::BTreeMap;

use super::lossy;
use crate::model::BootValue;

/// Directories of drop-ins, those that mask first (sysctl.d(5); procps adds /lib).
pub const DIRECTORIES: [&str; 5] = [
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
];

/// Read last of all by `sysctl --system` of procps; systemd-sysctl reads it only by way of a
/// link in a drop-in directory.
pub const SYSCTL_CONF: &str = "/etc/sysctl.conf";

/// One `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Dotted key; may hold `*`, `?` and then sets every key that it matches.
    pub key: String,
    /// The value as written, outer white space removed.
    pub value: String,
    /// Line, from 1.
    pub line: u32,
}

/// Drop-ins in the order in which they are read, from the names in each of [`DIRECTORIES`]:
/// by file name, and of two with one name only that of the first directory.
#[must_use]
pub fn reading_order(names: &[Vec<String>]) -> Vec<String> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for (directory, names) in DIRECTORIES.iter().zip(names) {
        for name in names.iter().filter(|name| name.ends_with(".conf")) {
            first.entry(name).or_insert(directory);
        }
    }
    first
        .iter()
        .map(|(name, directory)| format!("{directory}/{name}"))
        .collect()
}

/// Assignments of one file, in its order. What is no assignment is passed over, as both readers do.
#[must_use]
pub fn assignments(bytes: &[u8]) -> Vec<Assignment> {
    let numbered = bytes.split(|byte| *byte == b'\n').zip(1_u32..);
    numbered
        .filter_map(|(line, number)| assignment(line, number))
        .collect()
}

fn assignment(line: &[u8], number: u32) -> Option<Assignment> {
    let text = lossy(line);
    let text = text.trim();
    if text.starts_with(['#', ';']) {
        return None;
    }
    let (key, value) = text.split_once('=')?;
    // A leading dash only says that a failure is no error.
    let key = key.trim();
    let key = key.strip_prefix('-').unwrap_or(key).trim_start();
    (!key.is_empty()).then(|| Assignment {
        key: dotted(key),
        value: value.trim().into(),
        line: number,
    })
}

/// A key with dots between its parts: where a slash comes first, slashes separate and dots are
/// part of a name (sysctl.d(5)).
fn dotted(key: &str) -> String {
    let key = key.strip_prefix("/proc/sys/").unwrap_or(key);
    match key.find(['.', '/']) {
        Some(first) if key.as_bytes()[first] == b'/' => key
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            })
            .collect(),
        _ => key.to_owned(),
    }
}

/// The assignment of `key` that is in force after all `files` were read in their order: the last
/// explicit one, or else the last pattern that matches.
#[must_use]
pub fn winner(files: &[(String, Vec<Assignment>)], key: &str) -> Option<BootValue> {
    let all = || {
        files
            .iter()
            .flat_map(|(file, all)| all.iter().map(move |one| (file, one)))
            .rev()
    };
    let explicit = all().find(|(_, one)| one.key == key);
    let (file, one) = explicit.or_else(|| all().find(|(_, one)| matches(&one.key, key)))?;
    Some(BootValue {
        value: one.value.clone(),
        file: file.clone(),
        line: one.line,
    })
}

/// `*` for any run of characters, `?` for one; neither crosses a dot, as glob(7) does not cross `/`.
fn matches(pattern: &str, key: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return false;
    }
    let (mut patterns, mut parts) = (pattern.split('.'), key.split('.'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if part_matches(pattern.as_bytes(), part.as_bytes()) => {}
            _ => return false,
        }
    }
}

fn part_matches(pattern: &[u8], part: &[u8]) -> bool {
    // Where the last star stood, and how much of the part it has taken so far.
    let (mut p, mut s, mut star) = (0, 0, None);
    while s < part.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, s));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == part[s] => {
                p += 1;
                s += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    s = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(name: &str, text: &str) -> (String, Vec<Assignment>) {
        (name.to_owned(), assignments(text.as_bytes()))
    }

    #[test]
    fn the_first_directory_masks_and_names_sort() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let order = reading_order(&[
            names(&["99-z.conf", "10-a.conf", "README"]),
            names(&[]),
            names(&[]),
            names(&["10-a.conf", "50-m.conf"]),
        ]);
        assert_eq!(
            order,
            [
                "/etc/sysctl.d/10-a.conf",
                "/usr/lib/sysctl.d/50-m.conf",
                "/etc/sysctl.d/99-z.conf"
            ]
        );
    }

    #[test]
    fn lines_are_read_as_both_readers_do() {
        let all = assignments(b"# c\n; c\n\n-fs.inotify.max_user_watches = 5 \nnet/ipv4/conf/eth0.1/x=1\n/proc/sys/fs/file-max=9\nnonsense\n=3\n");
        let keys: Vec<_> = all
            .iter()
            .map(|one| (one.key.as_str(), one.value.as_str(), one.line))
            .collect();
        assert_eq!(
            keys,
            [
                ("fs.inotify.max_user_watches", "5", 4),
                ("net.ipv4.conf.eth0/1.x", "1", 5),
                ("fs.file-max", "9", 6),
            ]
        );
    }

    #[test]
    fn the_last_explicit_assignment_wins() {
        let files = [
            file(
                "/etc/sysctl.d/10-a.conf",
                "fs.inotify.max_user_instances=8192\n",
            ),
            file(
                "/etc/sysctl.d/20-b.conf",
                "fs.inotify.max_user_instances=128\nfs.inotify.*=7\n",
            ),
        ];
        let won = winner(&files, "fs.inotify.max_user_instances").unwrap();
        assert_eq!(
            (won.value.as_str(), won.file.as_str(), won.line),
            ("128", "/etc/sysctl.d/20-b.conf", 1)
        );
        assert_eq!(
            winner(&files, "fs.inotify.max_user_watches").unwrap().value,
            "7"
        );
        assert_eq!(winner(&files, "fs.file-max"), None);
    }

    #[test]
    fn patterns_stay_within_a_part() {
        assert!(matches(
            "fs.inotify.max_*_watches",
            "fs.inotify.max_user_watches"
        ));
        assert!(matches(
            "fs.inotify.max_user_watche?",
            "fs.inotify.max_user_watches"
        ));
        assert!(!matches("fs.*", "fs.inotify.max_user_watches"));
        assert!(!matches(
            "fs.inotify.max_user_watches",
            "fs.inotify.max_user_watches"
        ));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), key in "[a-z.*?]{0,20}") {
            let files = [("f".to_owned(), assignments(&bytes))];
            let _ = winner(&files, &key);
        }

        #[test]
        fn stars_match_what_they_replace(a in "[a-z]{0,6}", b in "[a-z]{0,6}", c in "[a-z]{0,6}") {
            let (pattern, key) = (format!("{a}*{c}"), format!("{a}{b}{c}"));
            prop_assert!(part_matches(pattern.as_bytes(), key.as_bytes()));
        }
    }
}
