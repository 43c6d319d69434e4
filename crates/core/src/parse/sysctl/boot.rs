use super::glob::matches;
use super::{Assignment, Reader, SYSCTL_CONF, assignments};
use crate::model::BootValue;

/// Everything that is read at boot, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Who reads.
    pub reader: Reader,
    /// Files with their assignments.
    pub files: Vec<(String, Vec<Assignment>)>,
}

impl Boot {
    /// The line that decides what `key` is afterwards; `takes` says whether the kernel would take a
    /// value. `None` where nothing sets it.
    #[must_use]
    pub fn winner(&self, key: &str, takes: impl Fn(&str) -> bool) -> Option<BootValue> {
        let lines: Vec<Line> = self.lines(key).collect();
        let applied = match self.reader {
            Reader::Systemd => applied_by_systemd(&lines, &names(key)),
            Reader::Procps => applied_by_procps(&lines, &names(key)),
        };
        let mut kept = applied.into_iter().rev();
        kept.find_map(|line| line.value().filter(|one| takes(&one.value)))
    }

    /// Every line that gives `key` a value, in reading order.
    #[must_use]
    pub fn setters(&self, key: &str) -> Vec<BootValue> {
        self.lines(key).filter_map(Line::value).collect()
    }

    /// What is read once `path`, a drop-in of the first directory, has `text` for contents.
    #[must_use]
    pub fn with(&self, path: &str, text: &str) -> Self {
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let mut files = self.files.clone();
        files.retain(|(file, _)| file == SYSCTL_CONF || name(file) != name(path));
        let later = |(file, _): &(String, _)| file == SYSCTL_CONF || name(file) > name(path);
        let at = files.iter().position(later).unwrap_or(files.len());
        let read = assignments(text.as_bytes(), self.reader);
        files.insert(at, (path.to_owned(), read));
        Self {
            reader: self.reader,
            files,
        }
    }

    /// What is read once `path` is gone.
    #[must_use]
    pub fn without(&self, path: &str) -> Self {
        let files = self.files.iter().filter(|(file, _)| file != path);
        Self {
            reader: self.reader,
            files: files.cloned().collect(),
        }
    }

    fn lines<'a>(&'a self, key: &str) -> impl Iterator<Item = Line<'a>> {
        let lines = self.files.iter().flat_map(|(file, all)| {
            let line = move |one| Line { file, one };
            all.iter().map(line)
        });
        let names = names(key);
        lines.filter(move |line| names.iter().any(|name| line.sets(name)))
    }
}

/// Two names of one number each: `init_user_ns.ucount_max` (fs/notify/inotify/inotify_user.c, kernel/ucount.c).
const SAME: [(&str, &str); 2] = [
    (
        "fs.inotify.max_user_instances",
        "user.max_inotify_instances",
    ),
    ("fs.inotify.max_user_watches", "user.max_inotify_watches"),
];

/// Every name of what `key` names, in the initial user namespace, where files are read.
fn names(key: &str) -> Vec<String> {
    let other = SAME.iter().find_map(|(one, other)| match key {
        key if key == *one => Some(*other),
        key if key == *other => Some(*one),
        _ => None,
    });
    std::iter::once(key)
        .chain(other)
        .map(str::to_owned)
        .collect()
}

#[derive(Clone, Copy)]
struct Line<'a> {
    file: &'a str,
    one: &'a Assignment,
}

impl Line<'_> {
    fn sets(&self, name: &str) -> bool {
        self.one.key == name || matches(&self.one.key, name)
    }

    fn value(self) -> Option<BootValue> {
        Some(BootValue {
            value: self.one.value.clone()?,
            file: self.file.to_owned(),
            line: self.one.line,
        })
    }
}

/// One value a key, the last; a key with the value that it has keeps its place. Patterns set what no
/// key names (`parse_file` and `apply_all`, src/sysctl/sysctl.c of systemd).
fn applied_by_systemd<'a>(lines: &[Line<'a>], names: &[String]) -> Vec<Line<'a>> {
    let mut table: Vec<Line> = Vec::new();
    for line in lines {
        if let Some(at) = table.iter().position(|l| l.one.key == line.one.key) {
            if table[at].one.value == line.one.value {
                continue;
            }
            table.remove(at);
        }
        table.push(*line);
    }
    let named = |name: &str| table.iter().any(|line| line.one.key == name);
    let free: Vec<&String> = names.iter().filter(|name| !named(name)).collect();
    table.retain(|line| !line.one.is_pattern() || free.iter().any(|name| line.sets(name)));
    table
}

/// One after the other; a pattern passes over what is named anywhere, however early or late
/// (`write_setting_list`, src/sysctl.c of procps).
fn applied_by_procps<'a>(lines: &[Line<'a>], names: &[String]) -> Vec<Line<'a>> {
    let named = |spelled: &str| lines.iter().any(|line| line.one.spelled == spelled);
    let finds = |line: &Line, name: &String| {
        line.sets(name) && !named(&spelled_as(&line.one.spelled, name))
    };
    let applied =
        |line: &&Line| !line.one.is_pattern() || names.iter().any(|name| finds(line, name));
    lines.iter().filter(applied).copied().collect()
}

/// `name` with the needless separators of the pattern that found it.
fn spelled_as(pattern: &str, name: &str) -> String {
    let mut parts = name.split('.');
    let spelled = pattern.split('.').map(|part| match part {
        "" | "/" => part,
        _ => parts.next().unwrap_or_default(),
    });
    spelled.collect::<Vec<_>>().join(".")
}
