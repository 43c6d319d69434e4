use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::io::{self, Write};

use anyhow::{Context as _, bail};

use super::super::super::{At, Look};
use super::super::memory::{self, Budget};
use super::super::write::{append, beginning};
use super::super::{
    ANSWERS, Answer, FILES, HEAD, Head, Line, Question, Sink, TIMELINE_FORMAT, TimelineHead, key,
};
use super::{END, End, GONE, Gone, LEVEL, MAX_BYTES, MAX_SAMPLES, SAMPLES};

/// Samples in a frame at most: five minutes at five seconds.
const FRAME_SAMPLES: usize = 60;
/// Unpacked bytes from which a frame ends, so that no sample takes long to reach.
const FRAME_BYTES: u64 = 64 << 20;
/// Bytes that the compressor of a chunk looks back, as a power of two: it stays in memory between samples that are far apart.
const CHUNK_WINDOW: u32 = 19;

/// Two hashes with keys of this process: nothing that a node says makes two contents look the same.
type Digest = (u64, u64);

/// Writes a timeline sample by sample. Memory does not grow with the samples: of the one before only digests are kept.
pub struct TimelineWriter<W: Write> {
    tar: tar::Builder<Frames<W>>,
    keys: (RandomState, RandomState),
    /// Number of the first sample.
    first: usize,
    /// Samples that are complete.
    samples: usize,
    in_frame: usize,
    before: State,
    now: State,
    answers: BTreeMap<Question, Answer>,
    /// Bytes of memory that the files of this sample take when they are read.
    memory: u64,
    /// The first error; collectors go on, the sample is refused at its end.
    failed: Option<io::Error>,
}

/// What a sample has.
#[derive(Default)]
struct State {
    files: HashMap<String, Digest>,
    answers: HashMap<Question, Digest>,
}

impl<W: Write> TimelineWriter<W> {
    /// Begins a timeline.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    pub fn new(out: W, look: Look, every_ms: u64) -> anyhow::Result<Self> {
        let mut timeline = Self::of(Frames::new(out, None)?, 0);
        let head = Head {
            format: TIMELINE_FORMAT,
            timeline: Some(TimelineHead { every_ms }),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            note: None,
            look,
        };
        let head = serde_json::to_vec_pretty(&head)?;
        append(&mut timeline.tar, HEAD, &head).context("cannot write")?;
        Ok(timeline)
    }

    /// Begins a chunk whose first sample has this number: samples without a head, to follow others.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    pub fn chunk(out: W, first: usize) -> anyhow::Result<Self> {
        Ok(Self::of(Frames::new(out, Some(CHUNK_WINDOW))?, first))
    }

    fn of(frames: Frames<W>, first: usize) -> Self {
        Self {
            tar: tar::Builder::new(frames),
            keys: (RandomState::new(), RandomState::new()),
            first,
            samples: 0,
            in_frame: 0,
            before: State::default(),
            now: State::default(),
            answers: BTreeMap::new(),
            memory: 0,
            failed: None,
        }
    }

    /// Whether the next sample begins a frame.
    #[must_use]
    pub fn begins_frame(&self) -> bool {
        self.in_frame == 0
    }

    /// Ends a chunk, and not the timeline that it is a part of.
    ///
    /// # Errors
    ///
    /// When the rest cannot be written.
    pub fn finish_chunk(mut self) -> anyhow::Result<W> {
        let encoder = self.tar.get_mut().encoder.take();
        let encoder = encoder.context("cannot write")?;
        encoder.finish().context("cannot write")
    }

    /// Samples that are complete.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Completes a sample that was taken `seconds` after the first, and hands all of it to the output.
    ///
    /// # Errors
    ///
    /// When something could not be written, or nospace could not read the sample again. Earlier samples stay readable.
    pub fn end_sample(&mut self, look: Look, seconds: f64) -> anyhow::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error).context("cannot write");
        }
        self.write_answers()?;
        let gone = self.gone()?;
        if !gone.is_empty() {
            self.append(GONE, &gone).context("cannot write")?;
        }
        let end = serde_json::to_vec(&End { look, seconds })?;
        self.append(END, &end).context("cannot write")?;
        self.samples += 1;
        self.in_frame += 1;
        self.before = std::mem::take(&mut self.now);
        self.memory = 0;
        let frames = self.tar.get_mut();
        if self.in_frame >= FRAME_SAMPLES || frames.in_frame >= FRAME_BYTES {
            frames.next().context("cannot write")?;
            self.in_frame = 0;
            self.before = State::default();
        } else {
            frames.flush().context("cannot write")?;
        }
        if self.samples >= MAX_SAMPLES || frames.bytes >= MAX_BYTES / 8 * 7 {
            bail!("a timeline does not get longer than this; begin another");
        }
        Ok(())
    }

    /// What this sample holds only in part, as `proc/1/mountinfo`.
    pub fn incomplete(&self) -> impl Iterator<Item = &str> {
        self.answers
            .iter()
            .filter_map(|(question, answer)| match question {
                Question::Read(file) if *answer == Answer::Cut => Some(file.as_str()),
                _ => None,
            })
    }

    /// Ends the timeline.
    ///
    /// # Errors
    ///
    /// When the rest cannot be written.
    pub fn finish(self) -> anyhow::Result<W> {
        let frames = self.tar.into_inner().context("cannot write")?;
        let encoder = frames.encoder.context("cannot write")?;
        encoder.finish().context("cannot write")
    }

    fn write_answers(&mut self) -> anyhow::Result<()> {
        let mut memory = Budget::default();
        memory.take(self.memory)?;
        let mut lines = Vec::new();
        for (q, a) in std::mem::take(&mut self.answers) {
            let begin = lines.len();
            serde_json::to_writer(&mut lines, &Line { q: q.clone(), a })?;
            let line = &lines[begin..];
            memory
                .take(memory::of_answer(line).max(2 * (line.len() as u64 + 1)))
                .context("nospace could not read the sample again")?;
            let digest = self.digest(line);
            if self.before.answers.get(&q) == Some(&digest) {
                lines.truncate(begin);
            } else {
                lines.push(b'\n');
            }
            self.now.answers.insert(q, digest);
        }
        if !lines.is_empty() {
            self.append(ANSWERS, &lines).context("cannot write")?;
        }
        Ok(())
    }

    fn gone(&self) -> anyhow::Result<Vec<u8>> {
        let files = self.before.files.keys();
        let files = files.filter(|file| !self.now.files.contains_key(*file));
        let answers = self.before.answers.keys();
        let answers = answers.filter(|question| !self.now.answers.contains_key(*question));
        let mut all: Vec<_> = files.map(|file| Gone::File(file.clone())).collect();
        all.extend(answers.map(|question| Gone::Answer(question.clone())));
        let mut lines = Vec::new();
        for gone in all {
            serde_json::to_writer(&mut lines, &gone)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    fn digest(&self, bytes: &[u8]) -> Digest {
        (self.keys.0.hash_one(bytes), self.keys.1.hash_one(bytes))
    }

    fn append(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        let name = format!("{SAMPLES}/{}/{name}", self.first + self.samples);
        append(&mut self.tar, &name, contents)
    }
}

impl<W: Write> Sink for TimelineWriter<W> {
    fn file(&mut self, at: At<'_>, contents: &[u8], whole: bool) {
        let name = key(at);
        if self.now.files.contains_key(&name) {
            return;
        }
        let kept = beginning(&name, contents, &mut self.memory);
        if !whole || kept.len() < contents.len() {
            self.answers
                .insert(Question::Read(name.clone()), Answer::Cut);
        }
        let digest = self.digest(kept);
        if self.before.files.get(&name) != Some(&digest)
            && let Err(error) = self.append(&format!("{FILES}/{name}"), kept)
        {
            self.failed.get_or_insert(error);
        }
        self.now.files.insert(name, digest);
    }

    fn answer(&mut self, question: Question, answer: Answer) {
        // A file that is kept in part stays so, however else it was asked for.
        if self.answers.get(&question) != Some(&Answer::Cut) {
            self.answers.insert(question, answer);
        }
    }
}

/// A stream in zstd frames.
struct Frames<W: Write> {
    /// `None` after an error.
    encoder: Option<zstd::Encoder<'static, W>>,
    window: Option<u32>,
    /// Bytes before they are compressed: of this frame, of all.
    in_frame: u64,
    bytes: u64,
}

impl<W: Write> Frames<W> {
    fn new(out: W, window: Option<u32>) -> io::Result<Self> {
        Ok(Self {
            encoder: Some(encoder(out, window)?),
            window,
            in_frame: 0,
            bytes: 0,
        })
    }

    /// Ends this frame, hands it over, and begins another.
    fn next(&mut self) -> io::Result<()> {
        let Some(encoder) = self.encoder.take() else {
            return Err(broken());
        };
        let mut out = encoder.finish()?;
        out.flush()?;
        self.encoder = Some(self::encoder(out, self.window)?);
        self.in_frame = 0;
        Ok(())
    }
}

impl<W: Write> Write for Frames<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.encoder.as_mut().ok_or_else(broken)?.write(buffer)?;
        self.in_frame += written as u64;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.as_mut().ok_or_else(broken)?.flush()
    }
}

fn encoder<W: Write>(out: W, window: Option<u32>) -> io::Result<zstd::Encoder<'static, W>> {
    let mut encoder = zstd::Encoder::new(out, LEVEL)?;
    if let Some(window) = window {
        encoder.window_log(window)?;
    }
    encoder.include_checksum(true)?;
    Ok(encoder)
}

fn broken() -> io::Error {
    io::Error::other("an earlier sample could not be written")
}
