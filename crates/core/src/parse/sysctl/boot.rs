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
            Reader::Systemd => applied_by_systemd(&lines, key),
            Reader::Procps => applied_by_procps(&lines, key),
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
        lines.filter(move |line| line.one.key == key || matches(&line.one.key, key))
    }
}

#[derive(Clone, Copy)]
struct Line<'a> {
    file: &'a str,
    one: &'a Assignment,
}

impl Line<'_> {
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
fn applied_by_systemd<'a>(lines: &[Line<'a>], key: &str) -> Vec<Line<'a>> {
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
    let named = table.iter().any(|line| line.one.key == key);
    table.retain(|line| !named || line.one.key == key);
    table
}

/// One after the other; a pattern passes over what is named anywhere, however early or late
/// (`write_setting_list`, src/sysctl.c of procps).
fn applied_by_procps<'a>(lines: &[Line<'a>], key: &str) -> Vec<Line<'a>> {
    let named = lines.iter().any(|l| l.one.plain && l.one.key == key);
    let spared = |line: &Line| named && line.one.plain && line.one.is_pattern();
    let applied = lines.iter().filter(|line| !spared(line));
    applied.copied().collect()
}
