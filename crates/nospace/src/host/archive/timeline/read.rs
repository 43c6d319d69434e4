use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;

use super::super::contents::Contents;
use super::super::entries::{
    compressed, decoder, each_answer, each_entry, each_line, file_key, head, stays_inside, whole,
};
use super::super::memory::{self, Budget};
use super::super::{ANSWERS, HEAD, Head, MAX_HEAD};
use super::damage::{Remembering, Rest, is_anywhere};
use super::{END, End, GONE, Gone, MAX_BYTES, MAX_SAMPLES, SAMPLES};

/// A timeline on disk. Nothing of it is in memory but when its samples were taken.
#[derive(Debug)]
pub struct Timeline {
    file: File,
    head: Head,
    index: Index,
    rest: Rest,
}

#[derive(Debug, Default)]
struct Index {
    samples: Vec<Sample>,
    /// What the file calls the first of them: an agent's recording has forgotten those before.
    begin: Option<usize>,
    /// Where the frames begin, with the first sample of each.
    frames: Vec<Frame>,
}

/// When a sample was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// By the node's clock.
    pub taken_at: Timestamp,
    /// Seconds since the first sample, by a clock that nobody sets.
    pub seconds: f64,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    offset: u64,
    first: usize,
}

impl Timeline {
    /// Finds the samples of a timeline; `None` where the archive is of one moment.
    ///
    /// # Errors
    ///
    /// When the file is no archive of nospace, holds what no recording writes, or is cut or damaged before its first sample is complete.
    pub fn open(file: File) -> anyhow::Result<Option<Self>> {
        let Some(head) = first_head(&file)? else {
            return Ok(None);
        };
        let mut timeline = Self {
            file,
            head,
            index: Index::default(),
            rest: Rest::None,
        };
        timeline.read_index()?;
        Ok(Some(timeline))
    }

    /// What the archive says of itself.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The complete samples, in the order in which they were taken; at least one.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.index.samples
    }

    /// What comes after them.
    #[must_use]
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Sample `number`, from 0.
    ///
    /// # Errors
    ///
    /// When the timeline has no such sample, would take more than 256 MiB, or holds what no recording writes.
    pub fn sample(&self, number: usize) -> anyhow::Result<Contents> {
        let mut found = None;
        self.play(number, &mut |_, contents| {
            found = Some(std::mem::replace(contents, Contents::empty(&self.head)));
            Ok(ControlFlow::Break(()))
        })?;
        found.with_context(|| format!("there is no sample {number}"))
    }

    /// Calls `each` with the samples from `first` on, until it breaks.
    ///
    /// # Errors
    ///
    /// Those of [`Timeline::sample`], and of `each`.
    pub fn play(
        &self,
        first: usize,
        each: &mut dyn FnMut(usize, &mut Contents) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let frame = self
            .index
            .frames
            .partition_point(|frame| frame.first <= first);
        let frames = &self.index.frames[frame.saturating_sub(1)..];
        let begin = self.index.begin.unwrap_or(0);
        let mut flow = ControlFlow::Continue(());
        for frame in frames {
            if flow.is_break() || frame.first >= self.index.samples.len() {
                break;
            }
            let mut state = State::new(&self.head);
            let file = BufReader::new(Window::new(&self.file, frame.offset));
            let stream = decoder(file)?.single_frame().take(MAX_BYTES);
            each_entry(stream, &mut |name, size, contents| {
                let Some((number, rest)) = sample_entry(name)? else {
                    return Ok(ControlFlow::Continue(()));
                };
                let number = number.saturating_sub(begin);
                if number >= self.index.samples.len() {
                    return Ok(ControlFlow::Break(()));
                }
                if state.entry(name, rest, size, contents)? {
                    if number >= first {
                        flow = each(number, &mut state.contents)?;
                    }
                    // What follows may be damaged.
                    if number + 1 == self.index.samples.len() {
                        flow = ControlFlow::Break(());
                    }
                }
                Ok(flow)
            })?;
        }
        Ok(())
    }

    fn read_index(&mut self) -> anyhow::Result<()> {
        let mut file = BufReader::new(Window::new(&self.file, 0));
        let mut left = MAX_BYTES;
        self.rest = loop {
            match index_frame(&mut file, &mut self.index, &mut left)? {
                Next::More => {}
                Next::End => break Rest::None,
                // What was cut is read to its end and misses more; anything else is damage.
                Next::Unreadable(_) if file.get_ref().at_end => break Rest::Cut,
                Next::Unreadable(why) => break Rest::Damaged(why),
            }
        };
        if let Rest::Damaged(why) = &self.rest {
            ensure!(
                !self.index.samples.is_empty(),
                "it is damaged, and nothing of it can be read: {why}"
            );
        }
        ensure!(
            !self.index.samples.is_empty(),
            "it ends before its first sample is complete"
        );
        Ok(())
    }
}

/// The head of a timeline; `None` for any other archive, and where reading it whole gives the better error.
fn first_head(file: &File) -> anyhow::Result<Option<Head>> {
    let mut file = BufReader::new(Window::new(file, 0));
    compressed(&mut file)?;
    let mut found = None;
    let stream = decoder(file)?.take(2 * MAX_HEAD);
    let read = each_entry(stream, &mut |name, size, contents| {
        if name == HEAD {
            found = Some(head(size, contents)?);
        }
        Ok(ControlFlow::Break(()))
    });
    Ok(found.filter(|head| read.is_ok() && head.timeline.is_some()))
}

/// What comes after a frame.
enum Next {
    More,
    End,
    /// The frame cannot be read to its end, and why.
    Unreadable(String),
}

/// Finds the samples of the frame that begins here.
fn index_frame(
    file: &mut BufReader<Window<'_>>,
    index: &mut Index,
    left: &mut u64,
) -> anyhow::Result<Next> {
    let Index {
        samples,
        begin,
        frames,
    } = index;
    if file.fill_buf()?.is_empty() {
        return Ok(Next::End);
    }
    let offset = file.get_ref().position - file.buffer().len() as u64;
    let first = samples.len();
    let mut stream = Remembering::new(decoder(file)?.single_frame()).take(*left);
    let read = each_entry(&mut stream, &mut |name, size, contents| {
        let Some((number, rest)) = sample_entry(name)? else {
            return Ok(ControlFlow::Continue(()));
        };
        let next = *begin.get_or_insert(number) + samples.len();
        ensure!(
            number == next,
            "entry {name:?} is out of order: sample {next} comes next"
        );
        if rest == END {
            samples.push(sample(&end(name, size, contents)?, samples.last())?);
            ensure!(
                samples.len() <= MAX_SAMPLES,
                "it has more than {MAX_SAMPLES} samples"
            );
            if samples.len() == first + 1 {
                frames.push(Frame { offset, first });
            }
        }
        Ok(ControlFlow::Continue(()))
    });
    // What is wrong in a frame that its checksum confirms was written so.
    let drained = io::copy(&mut stream, &mut io::sink());
    *left = stream.limit();
    ensure!(
        *left > 0,
        "unpacked it is longer than {} GiB, which no timeline is",
        MAX_BYTES >> 30
    );
    if let Some(why) = stream.get_ref().error() {
        if is_anywhere(why) {
            samples.truncate(first);
            frames.retain(|frame| frame.first < first);
        }
        return Ok(Next::Unreadable(why.to_owned()));
    }
    read?;
    drained?;
    Ok(Next::More)
}

/// Number of the sample that an entry belongs to, and its name there; `None` for the head.
fn sample_entry(name: &str) -> anyhow::Result<Option<(usize, &str)>> {
    if name == HEAD {
        return Ok(None);
    }
    ensure!(
        stays_inside(name),
        "entry {name:?} leads out of the archive"
    );
    let parts = name.strip_prefix(SAMPLES).and_then(|rest| {
        let (number, rest) = rest.strip_prefix('/')?.split_once('/')?;
        Some((number.parse().ok()?, rest))
    });
    match parts {
        Some(parts) => Ok(Some(parts)),
        None => bail!("unexpected entry {name:?}"),
    }
}

fn end(name: &str, size: u64, contents: &mut dyn Read) -> anyhow::Result<End> {
    ensure!(
        size <= MAX_HEAD,
        "entry {name:?} is longer than {MAX_HEAD} bytes"
    );
    let bytes = whole(name, size, contents)?;
    serde_json::from_slice(&bytes).with_context(|| format!("{name} is malformed"))
}

fn sample(end: &End, before: Option<&Sample>) -> anyhow::Result<Sample> {
    let taken_at = &end.look.taken_at;
    let first = before.map_or(0.0, |sample| sample.seconds);
    ensure!(
        end.seconds.is_finite() && end.seconds >= first,
        "its samples are not in the order of their time: {} follows {first}",
        end.seconds
    );
    Ok(Sample {
        taken_at: taken_at
            .parse()
            .with_context(|| format!("{taken_at:?} is not a time"))?,
        seconds: end.seconds,
    })
}

/// A sample in the making.
struct State {
    contents: Contents,
    memory: Budget,
}

impl State {
    fn new(head: &Head) -> Self {
        Self {
            contents: Contents::empty(head),
            memory: Budget::default(),
        }
    }

    /// Takes an entry; whether the sample is complete.
    fn entry(
        &mut self,
        name: &str,
        rest: &str,
        size: u64,
        contents: &mut dyn Read,
    ) -> anyhow::Result<bool> {
        let Contents { files, answers, .. } = &mut self.contents;
        match rest {
            END => {
                self.contents.head.look = end(name, size, contents)?.look;
                return Ok(true);
            }
            ANSWERS => each_answer(&mut self.memory, size, contents, &mut |q, a, cost| {
                answers.insert(q, a, cost)
            })?,
            GONE => each_line(
                &mut self.memory,
                name,
                size,
                contents,
                &mut |memory, line, number| {
                    // The line is in memory once more as it is parsed.
                    let transient = 3 * line.len() as u64;
                    memory.take(transient)?;
                    let gone = serde_json::from_slice(line)
                        .with_context(|| format!("{name}, line {number} is malformed"))?;
                    memory.give_back(transient);
                    memory.give_back(match gone {
                        Gone::File(key) => files
                            .remove(&key)
                            .map_or(0, |bytes| memory::of_file(&key, bytes.len() as u64)),
                        Gone::Answer(question) => answers.remove(&question).unwrap_or(0),
                    });
                    Ok(())
                },
            )?,
            _ => {
                let Some(key) = file_key(rest) else {
                    bail!("unexpected entry {name:?}");
                };
                self.memory.take(memory::of_file(key, size))?;
                let bytes = whole(name, size, contents)?;
                if let Some(replaced) = files.insert(key.to_owned(), bytes) {
                    let cost = memory::of_file(key, replaced.len() as u64);
                    self.memory.give_back(cost);
                }
            }
        }
        Ok(false)
    }
}

/// A file from some place on, whatever place others read it at.
struct Window<'f> {
    file: &'f File,
    position: u64,
    /// More was asked for than there is.
    at_end: bool,
}

impl<'f> Window<'f> {
    fn new(file: &'f File, position: u64) -> Self {
        Self {
            file,
            position,
            at_end: false,
        }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.at_end |= read == 0 && !buffer.is_empty();
        self.position += read as u64;
        Ok(read)
    }
}
