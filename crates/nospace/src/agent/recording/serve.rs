use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::chunks::{Chunks, Kept, open};
use crate::host::Look;
use crate::host::archive::chunk::{Chunk, head, trailer};

/// Bytes that are handed over at once.
const PIECE: usize = 64 << 10;

/// What is recorded. The collecting thread adds to it, HTTP reads it.
#[derive(Debug, Default)]
pub struct Recordings(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Milliseconds between samples; `None` where nothing is recorded.
    every_ms: Option<u64>,
    look: Option<Look>,
    whole: Vec<Kept>,
    open: Option<(PathBuf, u64)>,
    /// Why the latest sample could not be written.
    failed: Option<String>,
}

/// What there is for a request.
pub enum Answer {
    /// Nothing is recorded here.
    Off,
    /// The first sample is still to come.
    Nothing,
    /// There is none, as none can be written.
    Failed(String),
    /// A timeline.
    Timeline(Box<Reader>),
}

impl Recordings {
    pub(super) fn begin(&self, chunks: &Chunks, every: Duration) {
        let mut state = self.lock();
        state.every_ms = Some(u64::try_from(every.as_millis()).unwrap_or(u64::MAX));
        (state.whole, state.open) = chunks.all();
    }

    pub(super) fn update(&self, chunks: &Chunks, look: Look) {
        let mut state = self.lock();
        state.look = Some(look);
        (state.whole, state.open) = chunks.all();
    }

    pub(super) fn failed(&self, why: Option<String>) {
        self.lock().failed = why;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is now. Files that it has opened can be read to their end, even when they are removed meanwhile.
    ///
    /// # Errors
    ///
    /// A file cannot be opened.
    pub fn read(&self) -> io::Result<Answer> {
        let state = self.lock();
        let Some(every_ms) = state.every_ms else {
            return Ok(Answer::Off);
        };
        let none = || match &state.failed {
            Some(why) => Answer::Failed(why.clone()),
            None => Answer::Nothing,
        };
        let Some(look) = state.look.clone() else {
            return Ok(none());
        };
        let file = |path| open(OpenOptions::new().read(true), path);
        let mut whole = Vec::new();
        for one in &state.whole {
            match file(&one.path) {
                Ok(file) => whole.push((file, one.bytes)),
                // It has just been forgotten, with all before it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => whole.clear(),
                Err(error) => return Err(error),
            }
        }
        let last = match &state.open {
            Some((path, bytes)) => Some((file(path)?, *bytes)),
            None => None,
        };
        if whole.is_empty() && last.is_none() {
            return Ok(none());
        }
        Ok(Answer::Timeline(Box::new(Reader {
            every_ms,
            look,
            whole,
            last,
        })))
    }
}

/// A timeline that is made of what was recorded.
pub struct Reader {
    every_ms: u64,
    look: Look,
    whole: Vec<(File, u64)>,
    last: Option<(File, u64)>,
}

impl Reader {
    /// Hands it over, piece by piece, until `each` says that nobody wants more.
    ///
    /// # Errors
    ///
    /// What was recorded cannot be read.
    pub fn each_piece(self, each: &mut dyn FnMut(Vec<u8>) -> bool) -> anyhow::Result<()> {
        if !each(head(self.look, self.every_ms)?) {
            return Ok(());
        }
        for (file, bytes) in self.whole {
            if !pieces(file.take(bytes), each)? {
                return Ok(());
            }
        }
        if let Some((mut file, bytes)) = self.last {
            // It goes on after its last sample.
            let mut begun = Vec::new();
            (&mut file).take(bytes).read_to_end(&mut begun)?;
            if let Some(chunk) = Chunk::inspect(&begun[..]) {
                let mut whole = Vec::new();
                chunk.rewrite(&begun[..], &mut whole)?;
                if !pieces(&whole[..], each)? {
                    return Ok(());
                }
            }
        }
        each(trailer()?);
        Ok(())
    }
}

/// Whether more is wanted.
fn pieces(mut from: impl io::Read, each: &mut dyn FnMut(Vec<u8>) -> bool) -> io::Result<bool> {
    loop {
        let mut piece = Vec::new();
        if (&mut from).take(PIECE as u64).read_to_end(&mut piece)? == 0 {
            return Ok(true);
        }
        if !each(piece) {
            return Ok(false);
        }
    }
}
