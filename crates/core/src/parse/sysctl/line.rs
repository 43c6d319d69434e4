use super::Reader;
use super::glob::is_pattern;
use crate::parse::lossy;

/// One `key = value`, or a `-key` that only keeps patterns away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Dotted key; may hold `*`, `?` or `[` and then sets every key that it matches.
    pub key: String,
    /// The value as written, outer white space removed.
    pub value: Option<String>,
    /// Line, from 1.
    pub line: u32,
    /// The key with separators that mean nothing. procps tells keys apart by their spelling.
    pub(super) spelled: String,
}

impl Assignment {
    /// Its key is a pattern.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        is_pattern(&self.key)
    }
}

/// Assignments of one file, in its order, as `reader` reads it. What is none is passed over.
#[must_use]
pub fn assignments(bytes: &[u8], reader: Reader) -> Vec<Assignment> {
    let lines = match reader {
        Reader::Systemd => lines_of_systemd(bytes),
        Reader::Procps => lines_of_procps(bytes),
    };
    let numbered = lines.into_iter().zip(1_u32..);
    numbered
        .filter_map(|(line, number)| assignment(line, number, reader))
        .collect()
}

/// getline(3), and then C strings, which end at a NUL.
fn lines_of_procps(bytes: &[u8]) -> Vec<&[u8]> {
    let cut = |line| bytes_before(line, 0);
    bytes.split(|byte| *byte == b'\n').map(cut).collect()
}

fn bytes_before(line: &[u8], end: u8) -> &[u8] {
    let at = line.iter().position(|byte| *byte == end);
    &line[..at.unwrap_or(line.len())]
}

/// `read_line_full` of systemd: LF, CR and NUL end a line, as does one of each in a row, of which NUL is the last.
fn lines_of_systemd(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| END.contains(byte)) {
        lines.push(&rest[..at]);
        rest = &rest[at + length_of_end(&rest[at..])..];
    }
    lines.push(rest);
    lines
}

const END: [u8; 3] = [b'\n', b'\r', 0];

fn length_of_end(bytes: &[u8]) -> usize {
    let mut ends = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let new = END.contains(byte) && !bytes[..at].contains(byte);
        if !new || bytes[..at].contains(&0) {
            break;
        }
        ends = at + 1;
    }
    ends
}

fn assignment(line: &[u8], number: u32, reader: Reader) -> Option<Assignment> {
    let blank: &[char] = match reader {
        Reader::Systemd => &[' ', '\t', '\n', '\r'],
        Reader::Procps => &[' ', '\t', '\n', '\u{b}', '\u{c}', '\r'],
    };
    let text = lossy(line);
    let text = text.trim_matches(blank);
    if text.starts_with(['#', ';']) {
        return None;
    }
    let (written, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value.trim_matches(blank).to_owned())),
        // Without a value only `-key` says something.
        None => (text.starts_with('-').then_some(text)?, None),
    };
    let key = written.strip_prefix('-').unwrap_or(written);
    let key = match reader {
        Reader::Systemd => key.trim_matches(blank),
        // `setting_new` takes away one more dash, and nobody the blanks behind it.
        Reader::Procps => {
            let key = key.trim_end_matches(blank);
            key.strip_prefix('-').unwrap_or(key)
        }
    };
    let spelled = dotted(key);
    let key = collapsed(&spelled, reader);
    (!key.is_empty()).then_some(Assignment {
        key,
        spelled,
        value,
        line: number,
    })
}

/// A key with dots between its parts: where a slash comes first, slashes separate and dots are
/// part of a name (sysctl.d(5)).
fn dotted(key: &str) -> String {
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

/// Without separators that mean nothing, as a path has them. One at the end asks procps for a
/// directory, which no setting is.
fn collapsed(key: &str, reader: Reader) -> String {
    if reader == Reader::Procps && key.ends_with('.') {
        return key.to_owned();
    }
    let parts = key.split('.').filter(|part| !["", "/"].contains(part));
    parts.collect::<Vec<_>>().join(".")
}
