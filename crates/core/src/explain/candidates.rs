//! The lines of a log that are worth reading, found on several processors.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::literal::Prefilter;

/// What a thread takes at a time.
const BLOCK: usize = 64 << 10;
/// Less than this is searched sooner than a thread is there to help.
const WORTH_A_THREAD: usize = 4 * BLOCK;

/// Candidates that are known before the lines up to them were decided on.
#[derive(Debug, Default)]
pub struct KnownCandidates {
    /// Where each begins in the scanner's buffer.
    starts: VecDeque<usize>,
    /// They are all that there are before this place.
    end: usize,
}

impl KnownCandidates {
    /// From here on nothing is known.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The first at `from` or after it.
    pub fn first(&mut self, from: usize) -> Option<usize> {
        while self.starts.front().is_some_and(|start| *start < from) {
            self.starts.pop_front();
        }
        self.starts.front().copied()
    }

    /// Adds those up to `end`.
    pub fn extend(&mut self, starts: impl IntoIterator<Item = usize>, end: usize) {
        self.starts.extend(starts);
        self.end = self.end.max(end);
    }

    /// The first `bytes` of the buffer are dropped.
    pub fn forget(&mut self, bytes: usize) {
        self.starts.retain(|start| *start >= bytes);
        for start in &mut self.starts {
            *start -= bytes;
        }
        self.end = self.end.saturating_sub(bytes);
    }
}

/// Searches whole lines, `text[range]`, on up to `threads` processors; this thread does `first` before it takes part. Returns where
/// each candidate begins, in order.
pub fn search_beside<R>(
    prefilter: &Prefilter,
    text: &[u8],
    range: Range<usize>,
    threads: usize,
    first: impl FnOnce() -> R,
) -> (Vec<usize>, R) {
    let helpers = match range.len() {
        0..WORTH_A_THREAD => 0,
        _ => threads.saturating_sub(1),
    };
    let blocks = blocks(text, range);
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let work = || {
        let mut mine = Vec::new();
        while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut at = block.start;
            while let Some(line) = prefilter.next_line(&text[..block.end], at) {
                mine.push(line.start);
                at = (line.end + 1).min(block.end);
            }
        }
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.append(&mut mine);
    };
    let result = thread::scope(|scope| {
        for _ in 0..helpers {
            // Without it the others do its part.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        let result = first();
        work();
        result
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable();
    (found, result)
}

/// Pieces of `text[range]`, each of whole lines.
fn blocks(text: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let least = (start + BLOCK).min(range.end);
        let end = memchr::memchr(b'\n', &text[least - 1..range.end])
            .map_or(range.end, |newline| least + newline);
        blocks.push(start..end);
        start = end;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_of_whole_lines_and_leave_nothing_out() {
        let text = [b"a line of a log\n".repeat(20_000), vec![b'x'; 3 * BLOCK]].concat();
        let mut at = 5;
        for block in blocks(&text, 5..text.len()) {
            assert_eq!(block.start, at);
            assert!(block.end == text.len() || text[block.end - 1] == b'\n');
            at = block.end;
        }
        assert_eq!(at, text.len());
    }

    #[test]
    fn what_is_known_moves_with_the_buffer() {
        let mut known = KnownCandidates::default();
        known.extend([10, 30, 50], 60);
        assert_eq!(known.first(11), Some(30));
        known.forget(20);
        assert_eq!((known.first(0), known.end()), (Some(10), 40));
        known.forget(40);
        assert_eq!((known.first(0), known.end()), (None, 0));
    }
}
