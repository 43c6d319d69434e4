//! Bytes into hits, in constant memory.

use std::ops::Range;

use super::candidates::{KnownCandidates, search_beside};
use super::classify::Classifier;
use super::frame::{Frame, continues_record, starts_record};
use super::hit::{Hit, hit};
use super::wrap::{REACH, joins};
use crate::normalise::NormalForm;

/// A line longer than this is cut: its beginning is looked at, the rest is counted and dropped.
pub const LONGEST_LINE: usize = 256 << 10;
/// What is kept before the unread part, for messages that were broken into several lines.
const CONTEXT: usize = 16 << 10;
/// Enough after a candidate to know what follows it.
const LOOKAHEAD: usize = 64 << 10;
/// Input is taken in pieces of this size: they stay in a processor's cache.
const PIECE: usize = 256 << 10;
/// And of this size where several processors search them, so that they seldom wait for each other.
const LARGE_PIECE: usize = 1 << 20;
/// As many are held before what is decided on makes room: less is moved then.
const PIECES: usize = 3;

/// What went by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScannerStats {
    /// Bytes read.
    pub bytes: u64,
    /// Lines begun.
    pub lines: u64,
    /// Lines that were too long and cut.
    pub cut: u64,
    /// Messages that matched.
    pub hits: u64,
}

/// Reads a log piece by piece and hands out the messages that mean something.
///
/// Holds at most a few MiB, however long the log or a line is. Any bytes are a log.
#[derive(Debug)]
pub struct Scanner<'c> {
    classifier: &'c Classifier,
    /// Bytes of the log up to `end`, room after that.
    buffer: Vec<u8>,
    end: usize,
    /// Start of the first line that was not decided on yet.
    at: usize,
    /// Its number.
    line: u64,
    /// What was found beyond that by [`Self::fill_beside`].
    known: KnownCandidates,
    /// The most that is read at a time.
    piece: usize,
    /// Processors that search what is read.
    threads: usize,
    /// Where the last hit ended: a broken message does not reach back over it.
    floor: usize,
    /// Time and program of the message before `floor`.
    previous: (Option<String>, Option<String>),
    /// The rest of a cut line is being dropped.
    dropping: bool,
    stats: ScannerStats,
}

impl<'c> Scanner<'c> {
    /// A scanner at line 1.
    #[must_use]
    pub fn new(classifier: &'c Classifier) -> Self {
        Self::with_piece(classifier, PIECE, 1)
    }

    /// A scanner at line 1 that searches on up to `threads` processors what [`Self::fill_beside`] reads.
    #[must_use]
    pub fn on_processors(classifier: &'c Classifier, threads: usize) -> Self {
        let piece = if threads > 1 { LARGE_PIECE } else { PIECE };
        Self::with_piece(classifier, piece, threads)
    }

    fn with_piece(classifier: &'c Classifier, piece: usize, threads: usize) -> Self {
        Self {
            classifier,
            buffer: vec![0; CONTEXT + LOOKAHEAD + LONGEST_LINE + PIECES * piece],
            end: 0,
            at: 0,
            known: KnownCandidates::default(),
            piece,
            threads,
            line: 1,
            floor: 0,
            previous: (None, None),
            dropping: false,
            stats: ScannerStats::default(),
        }
    }

    /// What went by so far.
    #[must_use]
    pub fn stats(&self) -> ScannerStats {
        let begun = self.dropping || self.buffer[..self.end].last().is_some_and(|b| *b != b'\n');
        ScannerStats {
            lines: self.line - 1 + u64::from(begun),
            ..self.stats
        }
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.buffer.capacity()
    }

    /// Takes the next bytes of the log.
    pub fn push(&mut self, mut bytes: &[u8], emit: &mut dyn FnMut(Hit)) {
        while !bytes.is_empty() {
            let read = |room: &mut [u8]| {
                let n = room.len().min(bytes.len());
                let (now, later) = bytes.split_at(n);
                room[..n].copy_from_slice(now);
                bytes = later;
                Ok::<usize, std::convert::Infallible>(n)
            };
            let Ok(_) = self.fill(read, emit);
        }
    }

    /// Takes the next bytes of the log from `read`, which writes them where they are needed and
    /// says how many they are; 0 is the end.
    ///
    /// # Errors
    ///
    /// Those of `read`; what came before stays.
    pub fn fill<E>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
        emit: &mut dyn FnMut(Hit),
    ) -> Result<usize, E> {
        let room = &mut self.buffer[self.end..];
        let most = room.len().min(self.piece);
        let n = read(&mut room[..most])?.min(most);
        self.take(n);
        let end = self.whole_lines();
        self.decide(end, emit);
        Ok(n)
    }

    /// As [`Self::fill`], but other threads search what was read before while `read` works, and this thread helps them when it
    /// returns: what is read now is decided on with the next call, or by [`Self::finish`].
    ///
    /// # Errors
    ///
    /// Those of `read`; what came before stays.
    pub fn fill_beside<E>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
        emit: &mut dyn FnMut(Hit),
    ) -> Result<usize, E> {
        let end = self.whole_lines();
        let from = self.at.max(self.known.end());
        let (held, room) = self.buffer.split_at_mut(self.end);
        let most = room.len().min(self.piece);
        let prefilter = self.classifier.prefilter();
        let (found, n) = search_beside(prefilter, held, from..end.max(from), self.threads, || {
            read(&mut room[..most])
        });
        self.known.extend(found, end);
        let n = n?.min(most);
        self.take(n);
        self.decide(end, emit);
        Ok(n)
    }

    /// Decides on every whole line that is there, without waiting for what may follow it: for a
    /// log that is followed and has come to rest.
    pub fn flush(&mut self, emit: &mut dyn FnMut(Hit)) {
        let end = self.whole_lines();
        self.search(end, true, emit);
    }

    /// The log has ended: decides on the rest.
    pub fn finish(&mut self, emit: &mut dyn FnMut(Hit)) {
        self.search(self.end, true, emit);
    }

    /// The next `n` bytes are there.
    fn take(&mut self, n: usize) {
        self.stats.bytes += n as u64;
        self.end += n;
        if !self.dropping {
            return;
        }
        let new = self.end - n;
        let Some(newline) = memchr::memchr(b'\n', &self.buffer[new..self.end]) else {
            self.end = new;
            return;
        };
        self.buffer.copy_within(new + newline + 1..self.end, 0);
        self.end = n - newline - 1;
        self.dropping = false;
        self.line += 1;
    }

    /// Decides on the whole lines before `end`, and makes room.
    fn decide(&mut self, end: usize, emit: &mut dyn FnMut(Hit)) {
        self.search(end, false, emit);
        self.cut_long_line(emit);
        self.forget();
    }

    fn whole_lines(&self) -> usize {
        memchr::memrchr(b'\n', &self.buffer[self.at..self.end]).map_or(self.at, |n| self.at + n + 1)
    }

    /// Looks at the lines before `end`; unless it is `now`, leaves a line for later when what
    /// follows could belong to it and is not here yet.
    fn search(&mut self, end: usize, now: bool, emit: &mut dyn FnMut(Hit)) {
        while let Some(Range { start, end: stop }) = self.next_candidate(end) {
            self.pass(start);
            let alone = self.alone(start..stop);
            let is_decided = alone.as_ref().is_some_and(is_decided);
            if !is_decided && !now && !self.knows_enough(stop, end) {
                return;
            }
            let next = (stop + 1).min(end);
            let broken = if is_decided {
                None
            } else {
                self.broken(start..stop, end)
            };
            match broken.or(alone.map(|hit| (hit, next))) {
                Some((hit, after)) => {
                    self.stats.hits += 1;
                    self.previous = (hit.time.clone(), hit.program.clone());
                    emit(hit);
                    self.pass(after);
                    self.floor = self.at;
                }
                None => self.pass(next),
            }
        }
        self.pass(end);
    }

    /// The first line before `end` that is worth reading.
    fn next_candidate(&mut self, end: usize) -> Option<Range<usize>> {
        if let Some(start) = self.known.first(self.at) {
            let newline = memchr::memchr(b'\n', &self.buffer[start..end]);
            return Some(start..newline.map_or(end, |n| start + n));
        }
        let from = self.at.max(self.known.end());
        let prefilter = self.classifier.prefilter();
        prefilter.next_line(&self.buffer[..end], from)
    }

    /// Moves on to `to`, counting lines.
    fn pass(&mut self, to: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.buffer[self.at..to]).count() as u64;
        self.at = to;
    }

    fn knows_enough(&self, stop: usize, end: usize) -> bool {
        self.end - stop.min(end) >= LOOKAHEAD
            || memchr::memchr_iter(b'\n', &self.buffer[stop.min(end)..end])
                .take(REACH + 2)
                .count()
                > REACH
    }

    fn alone(&self, range: Range<usize>) -> Option<Hit> {
        let start = range.start;
        let line = trim(&self.buffer[range]);
        let mut frame = Frame::of(line);
        let normal = NormalForm::of(&frame.message);
        let meaning = self.classifier.classify_frame(&frame, &normal)?;
        if frame.time.is_none() && frame.program.is_none() && continues_record(line) {
            (frame.time, frame.program) = self.record_before(start);
        }
        Some(hit(
            self.line..self.line + 1,
            &frame,
            line,
            &normal,
            meaning,
        ))
    }

    /// Time and program of the record that a line before `start` begins: of a stack trace or
    /// a message of several lines only the first line has that. A record that begins further back than the context is not known,
    /// also if it happens to be in the buffer still.
    fn record_before(&self, start: usize) -> (Option<String>, Option<String>) {
        let reach = start.saturating_sub(CONTEXT);
        let mut stop = start;
        while stop > self.floor {
            let begin = memchr::memrchr(b'\n', &self.buffer[self.floor..stop - 1])
                .map_or(self.floor, |n| self.floor + n + 1);
            if begin < reach {
                return (None, None);
            }
            let line = trim(&self.buffer[begin..stop - 1]);
            if starts_record(line) {
                let frame = Frame::of(line);
                return (frame.time, frame.program);
            }
            if !continues_record(line) {
                return (None, None);
            }
            stop = begin;
        }
        self.previous.clone()
    }

    /// The message that the line at `range` is part of, and where the next line begins.
    fn broken(&self, range: Range<usize>, end: usize) -> Option<(Hit, usize)> {
        let (spans, at) = self.around(&range, end);
        let lines: Vec<&[u8]> = spans
            .iter()
            .map(|s| trim(&self.buffer[s.clone()]))
            .collect();
        for joined in joins(&lines, at) {
            let mut frame = Frame::of(&joined.text);
            let prefix = joined.text.len() - frame.message.len();
            let normal = NormalForm::of(&frame.message);
            let Some(meaning) = self.classifier.classify_frame(&frame, &normal) else {
                continue;
            };
            let told = normal.original(meaning.core.clone());
            let told = told.start + prefix..told.end + prefix;
            if !joined
                .seams
                .iter()
                .any(|s| told.start < *s && *s < told.end)
            {
                continue;
            }
            let before = (at - joined.lines.start) as u64;
            let after = (spans[joined.lines.end - 1].end + 1).min(end);
            let count = joined.lines.len() as u64;
            if frame.time.is_none() {
                // Of a runtime's pieces the prefixes were taken off.
                frame.time = Frame::of(lines[joined.lines.start]).time;
            }
            let first = self.line - before;
            let found = hit(first..first + count, &frame, &joined.text, &normal, meaning);
            return Some((found, after));
        }
        None
    }

    /// The lines around `range` that a message could be made of, and which of them is `range`.
    fn around(&self, range: &Range<usize>, end: usize) -> (Vec<Range<usize>>, usize) {
        let mut spans = vec![range.clone()];
        let mut start = range.start;
        while spans.len() <= REACH && start > self.floor {
            let previous = memchr::memrchr(b'\n', &self.buffer[self.floor..start - 1])
                .map_or(self.floor, |n| self.floor + n + 1);
            spans.push(previous..start - 1);
            start = previous;
        }
        spans.reverse();
        let at = spans.len() - 1;
        let mut next = range.end + 1;
        while spans.len() <= at + REACH && next < end {
            let stop = memchr::memchr(b'\n', &self.buffer[next..end]).map_or(end, |n| next + n);
            spans.push(next..stop);
            next = stop + 1;
        }
        (spans, at)
    }

    fn cut_long_line(&mut self, emit: &mut dyn FnMut(Hit)) {
        if self.end - self.at <= LONGEST_LINE || self.whole_lines() > self.at {
            return;
        }
        self.stats.cut += 1;
        let held = &self.buffer[..self.end];
        if self.classifier.prefilter().find(held, self.at).is_some()
            && let Some(hit) = self.alone(self.at..self.end)
        {
            self.stats.hits += 1;
            emit(hit);
        }
        self.end = 0;
        self.at = 0;
        self.known = KnownCandidates::default();
        self.floor = 0;
        self.previous = (None, None);
        self.dropping = true;
    }

    /// Drops what no message can reach back to any more, if room is needed.
    fn forget(&mut self) {
        if self.buffer.len() - self.end >= self.piece {
            return;
        }
        let mut keep = self.at.saturating_sub(CONTEXT).max(self.floor);
        if keep > self.floor {
            self.previous = (None, None);
            keep += memchr::memchr(b'\n', &self.buffer[keep..self.at]).map_or(0, |n| n + 1);
        }
        self.buffer.copy_within(keep..self.end, 0);
        self.end -= keep;
        self.at -= keep;
        self.known.forget(keep);
        self.floor = self.floor.saturating_sub(keep);
    }
}

/// Whether the lines around cannot change what a line says by itself: a part of a broken message may state the errno alone.
fn is_decided(hit: &Hit) -> bool {
    hit.meaning.signature.is_some()
}

fn trim(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
