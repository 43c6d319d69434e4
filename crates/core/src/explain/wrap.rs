//! Lines that make one message: a terminal or a pager broke it at its width.

use std::ops::Range;

use super::frame::{Frame, starts_record};
use crate::normalise::{ends_in_errno, readable};

/// Lines before and after a candidate that may belong to its message.
pub const REACH: usize = 7;
/// Lines shorter than this are not broken by a terminal.
const NARROWEST: usize = 40;

/// Physical lines joined to one message.
pub struct Joined {
    /// Readable text.
    pub text: Vec<u8>,
    /// Where each line after the first begins in `text`.
    pub seams: Vec<usize>,
    /// Which of the given lines were joined.
    pub lines: Range<usize>,
}

/// The messages that line `at` of `lines` may be part of: as a terminal breaks (anywhere, at one
/// width), then as a pager does (at a space, with indentation), then as a container runtime does.
pub fn joins(lines: &[&[u8]], at: usize) -> Vec<Joined> {
    let mut all = Vec::new();
    if let Some(range) = runtime_pieces(lines, at) {
        all.push(join(
            lines,
            range,
            |piece| Frame::of(piece).message.into_owned(),
            false,
        ));
    }
    if let Some(range) = neighbours(lines, at, true) {
        all.push(join(lines, range, <[u8]>::to_vec, false));
    }
    if let Some(range) = neighbours(lines, at, false) {
        all.push(join(
            lines,
            range,
            |piece| piece.trim_ascii().to_vec(),
            true,
        ));
    }
    all
}

/// Lines that CRI tagged as pieces of one.
fn runtime_pieces(lines: &[&[u8]], at: usize) -> Option<Range<usize>> {
    let partial = |n: usize| Frame::of(lines[n]).partial;
    let mut range = at..at + 1;
    while range.start > 0 && partial(range.start - 1) {
        range.start -= 1;
    }
    while range.end < lines.len() && partial(range.end - 1) {
        range.end += 1;
    }
    (range.len() > 1).then_some(range)
}

/// The run of lines around `at` that one break after the other may have made of a longer one.
/// At one width (`hard`), every line but the last is as wide as the widest; else the lines after the first are indented,
/// or broken at spaces where a pager or YAML would have. A line that ends in an errno is the end of its message.
fn neighbours(lines: &[&[u8]], at: usize, hard: bool) -> Option<Range<usize>> {
    let goes_on = |n: usize| {
        width(lines[n]) >= NARROWEST
            && !lines[n + 1].trim_ascii().is_empty()
            && !starts_record(lines[n + 1])
            && !ends_in_errno(lines[n])
    };
    let fits = |range: Range<usize>| {
        if hard {
            is_cut(&lines[range])
        } else {
            is_indented(&lines[range.clone()]) || is_folded(&lines[range])
        }
    };
    let mut range = at..at + 1;
    while range.start > 0 && goes_on(range.start - 1) && fits(range.start - 1..range.end) {
        range.start -= 1;
    }
    while range.end < lines.len() && goes_on(range.end - 1) && fits(range.start..range.end + 1) {
        range.end += 1;
    }
    (range.len() > 1).then_some(range)
}

fn width(line: &[u8]) -> usize {
    String::from_utf8_lossy(line).chars().count()
}

/// Whether a terminal may have broken a message into `lines`: all but the last are of one width, which the last may not
/// exceed.
fn is_cut(lines: &[&[u8]]) -> bool {
    let full = lines.iter().map(|line| width(line)).max().unwrap_or(0);
    let Some((_, all)) = lines.split_last() else {
        return false;
    };
    all.iter().all(|line| width(line) + 1 >= full)
}

fn is_indented(lines: &[&[u8]]) -> bool {
    let blank = |line: &&[u8]| matches!(line.first(), Some(b' ' | b'\t'));
    lines.iter().skip(1).all(blank) && !lines.iter().take(1).any(blank)
}

/// Whether `lines` may have been broken at spaces for one width: by a pager, where the next word would not have fit, or
/// by YAML, behind the word that went beyond it.
fn is_folded(lines: &[&[u8]]) -> bool {
    let Some((last, all)) = lines.split_last() else {
        return false;
    };
    let blank = |b: &u8| b.is_ascii_whitespace();
    let first_word = |line: &[u8]| {
        let line = line.trim_ascii_start();
        width(&line[..line.iter().position(blank).unwrap_or(line.len())])
    };
    let without_last = |line: &[u8]| {
        let line = line.trim_ascii_end();
        width(&line[..line.iter().rposition(blank).unwrap_or(0)])
    };
    let widest = lines.iter().map(|line| width(line)).max();
    let next = lines.iter().skip(1).map(|line| first_word(line));
    let with_next = all
        .iter()
        .zip(next)
        .map(|(line, word)| width(line) + 1 + word)
        .min();
    let by_pager = widest < with_next;
    let within = lines.iter().map(|line| without_last(line)).max();
    let beyond = all.iter().map(|line| width(line)).min();
    let by_yaml = within < beyond && without_last(last) < beyond.unwrap_or(0);
    by_pager || by_yaml
}

fn join(
    lines: &[&[u8]],
    range: Range<usize>,
    piece: impl Fn(&[u8]) -> Vec<u8>,
    spaced: bool,
) -> Joined {
    let mut text: Vec<u8> = Vec::new();
    let mut seams = Vec::new();
    for (n, line) in lines[range.clone()].iter().enumerate() {
        let line = readable(&piece(line));
        if n > 0 {
            // A break inside an escape leaves its backslashes at the end.
            if matches!(line.first(), Some(b'"' | b'\\')) {
                while text.last() == Some(&b'\\') {
                    text.pop();
                }
            }
            if spaced {
                text.push(b' ');
            }
            seams.push(text.len());
        }
        text.extend_from_slice(&line);
    }
    Joined {
        text,
        seams,
        lines: range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str, at: usize) -> bool {
        let lines: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
        neighbours(&lines, at, false).is_some()
    }

    #[test]
    fn lines_that_were_folded_are_one_message() {
        let by_width = "error: failed to watch the directory /var/lib/kubelet/device-plugins:\ninotify_add_watch /var/lib/kubelet/device-plugins/x: no space left\non device";
        assert!(joined(by_width, 1));
        let indented = "a message that is longer than any terminal would be:\n    no space left\n    on device";
        assert!(joined(indented, 1));
    }

    #[test]
    fn errors_that_follow_one_another_are_not() {
        let log = "git: clone into the directory failed: Resource temporarily unavailable\nsocket.timeout: the daemon has no answer: Resource temporarily unavailable";
        assert!(!joined(log, 1));
        let log = "warning: this is a first line that is about 60 bytes wide\nshort one\nerror: fork of the worker failed, and the server goes on without it: yes";
        assert!(!joined(log, 2));
    }
}
