//! Lines of logs in one form, whatever logger, language or encoding they went through.
//!
//! ```text
//! line ─ decode → readable text ─ in_english → normal form ─ mentions → errnos
//! ```
//!
//! What matches sees only the normal form; what is shown is cut from the line by [`NormalForm::original`].

mod errno;
mod escape;
mod spans;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use errno::{Errno, Form, Mention, Spelling, ends_in_errno, is_translated, spellings};
use spans::Spans;

/// A text without escapes, colours and odd quotes, in which every errno in words is what glibc says in English.
///
/// The normal form of a normal form is itself. Letter case stays: patterns ignore it, and it tells who wrote an errno.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalForm {
    spans: Spans,
}

impl NormalForm {
    /// The normal form of `line`; any bytes are a line.
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        Self {
            spans: errno::in_english(&escape::decode(line)),
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.spans.text
    }

    /// What `range` of the text stands for, in bytes of the line: always inside of it, never reversed.
    #[must_use]
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        self.spans.original(range)
    }

    /// Where the text writes errnos, in the order of the text.
    #[must_use]
    pub fn mentions(&self) -> Vec<Mention> {
        errno::mentions(self.text())
    }
}

/// `line` as people read it: without escapes and colours, in its own language.
#[must_use]
pub fn readable(line: &[u8]) -> Vec<u8> {
    escape::decode(line).text
}
