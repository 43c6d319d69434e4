//! Lines that make one message: a terminal or a pager broke it at its width.

use std::ops::Range;

use super::frame::{Frame, starts_record};
use crate::normalise::readable;

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
/// At one width (`hard`), every line but the last is as wide as the widest.
fn neighbours(lines: &[&[u8]], at: usize, hard: bool) -> Option<Range<usize>> {
    let width = |n: usize| String::from_utf8_lossy(lines[n]).chars().count();
    let goes_on = |n: usize| {
        width(n) >= NARROWEST
            && !lines[n + 1].trim_ascii().is_empty()
            && !starts_record(lines[n + 1])
    };
    let as_wide = |n: usize, full: usize| !hard || width(n) + 1 >= full;
    let mut range = at..at + 1;
    while range.start > 0 && goes_on(range.start - 1) {
        let full = (range.start..at + 1).map(width).max().unwrap_or(0);
        if !as_wide(range.start - 1, full) {
            break;
        }
        range.start -= 1;
    }
    let full = range.clone().map(width).max().unwrap_or(0);
    while range.end < lines.len() && goes_on(range.end - 1) && as_wide(range.end - 1, full) {
        if hard && width(range.end) > full + 1 {
            break;
        }
        range.end += 1;
    }
    (range.len() > 1).then_some(range)
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
