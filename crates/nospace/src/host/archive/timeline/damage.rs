//! What of a timeline cannot be read.

use std::io::{self, Read};

/// How zstd calls the contents of a frame that are not those that its checksum is of.
const WRONG_CONTENTS: &str = "checksum";

/// What comes after the samples of a timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: that is all of it.
    #[default]
    None,
    /// A sample that has no end: the recording goes on, or was interrupted.
    Cut,
    /// What cannot be read, and why.
    Damaged(String),
}

/// A stream that remembers why it ended, and ends there for good.
pub struct Remembering<R> {
    stream: R,
    error: Option<String>,
}

impl<R> Remembering<R> {
    pub fn new(stream: R) -> Self {
        Self {
            stream,
            error: None,
        }
    }

    /// The first error.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

impl<R: Read> Read for Remembering<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = &self.error {
            return Err(io::Error::other(error.clone()));
        }
        let read = self.stream.read(buffer);
        match &read {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.error = Some(error.to_string());
            }
            _ => {}
        }
        read
    }
}

/// Whether damage is anywhere in the frame that ended with this error, and not where it ended.
pub fn is_anywhere(error: &str) -> bool {
    error.contains(WRONG_CONTENTS)
}
