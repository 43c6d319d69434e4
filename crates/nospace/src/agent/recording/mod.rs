//! The agent's recording: a timeline of the last hours, in pieces in the state directory.
//!
//! ```text
//! CollectLoop ─ Recorder ─ chunk ─▶ recording-000000000120.zst ─┐
//!                                   recording-000000000090.zst ─┴─ Recordings ─▶ /api/v1/recording
//! ```
//!
//! A chunk has 30 samples at most and is complete in itself: the oldest is removed, and the rest is still a timeline. Of an
//! agent that was killed the newest chunk is cut; the next one ends it after its last complete sample.

mod chunks;
mod serve;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nospace_core::model::Snapshot;

use crate::collect::collect;
use crate::host::archive::TimelineWriter;
use crate::host::live::Live;
use crate::host::recording::Recording;
use crate::host::{Host as _, ReadError};
use crate::ui::warn;
use chunks::Chunks;
pub use serve::{Answer, Recordings};

/// Samples of a chunk at most.
const CHUNK_SAMPLES: usize = 30;
/// Bytes from which a chunk ends.
const CHUNK_BYTES: u64 = 2 << 20;

/// Records collections.
pub struct Recorder {
    chunks: Chunks,
    recordings: Arc<Recordings>,
    every: Duration,
    keep: f64,
    writer: Option<TimelineWriter<File>>,
    due: Option<Instant>,
    /// What the seconds of samples are counted from, and when that was.
    begin: (f64, Instant),
    /// It could be written the last time.
    well: bool,
}

impl Recorder {
    /// Goes on with what an earlier agent has left in `directory`, which must be this agent's alone. What cannot be used is said on standard error.
    pub fn open(
        recordings: Arc<Recordings>,
        directory: &Path,
        every: Duration,
        keep: Duration,
    ) -> Self {
        let chunks = Chunks::open(directory);
        // As long as the time of day says, if it says that it was later.
        let begin = chunks.last().map_or(0.0, |last| {
            let since = Timestamp::now().duration_since(last.taken_at);
            last.seconds + since.as_secs_f64().max(0.0)
        });
        recordings.begin(&chunks, every);
        Self {
            chunks,
            recordings,
            every,
            keep: keep.as_secs_f64(),
            writer: None,
            due: None,
            begin: (begin, Instant::now()),
            well: true,
        }
    }

    /// Collects from `host`, and records it when that is due.
    pub fn collect(&mut self, host: &Live) -> Snapshot {
        let now = Instant::now();
        if self.due.is_some_and(|due| now < due) {
            return collect(host);
        }
        self.due = Some(now + self.every);
        let writer = match self.writer.take() {
            Some(writer) => Ok(writer),
            None => self.chunks.begin(),
        };
        let writer = match writer {
            Ok(writer) => writer,
            Err(why) => {
                self.complain(&why);
                return collect(host);
            }
        };
        let recording = Recording::new(host, writer, false);
        let snapshot = collect(&recording);
        let unknown = "an agent records none; its /api/v1/history has their number";
        recording.keep_refusals(&Err(ReadError::Failed(unknown.to_owned())));
        let mut writer = recording.into_writer();
        let seconds = self.begin.0 + self.begin.1.elapsed().as_secs_f64();
        let ended = writer.end_sample(host.look(), (seconds * 1e3).round() / 1e3);
        let kept = ended.and_then(|()| self.keep(writer, seconds));
        match kept {
            Ok(()) if !self.well => {
                self.well = true;
                self.recordings.failed(None);
                warn("the recording is written again");
            }
            Ok(()) => {}
            Err(why) => {
                self.chunks.seal();
                self.complain(&why);
            }
        }
        self.recordings.update(&self.chunks, host.look());
        snapshot
    }

    fn keep(&mut self, writer: TimelineWriter<File>, seconds: f64) -> anyhow::Result<()> {
        let size = self.chunks.measure()?;
        let samples = writer.samples();
        if samples >= CHUNK_SAMPLES || size >= CHUNK_BYTES || writer.begins_frame() {
            writer.finish_chunk()?;
            self.chunks.end(samples, seconds)?;
        } else {
            self.writer = Some(writer);
        }
        self.chunks.forget(seconds - self.keep)
    }

    fn complain(&mut self, why: &anyhow::Error) {
        self.recordings.failed(Some(format!("{why:#}")));
        if std::mem::replace(&mut self.well, false) {
            warn(&format!(
                "the node cannot be recorded: {why:#}; it is tried again every {}",
                nospace_core::amount::duration(self.every)
            ));
        }
    }
}
