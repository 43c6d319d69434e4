use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use anyhow::Context as _;

use super::super::{At, Look};
use super::memory::{self, Budget, MAX_MEMORY};
use super::{ANSWERS, Answer, FILES, FORMAT, HEAD, Head, Line, Question, Sink, key};

/// So much is kept of all files together, and the rest is for the answers: what is longer could not be read again.
const FILES_BUDGET: u64 = MAX_MEMORY / 4 * 3;

/// As much of a file as there is room for, beside files that take `memory`, which grows by what is kept.
pub fn beginning<'c>(name: &str, contents: &'c [u8], memory: &mut u64) -> &'c [u8] {
    let room = FILES_BUDGET.saturating_sub(*memory + memory::of_file(name, 0));
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let kept = &contents[..contents.len().min(room)];
    *memory += memory::of_file(name, kept.len() as u64);
    kept
}

/// Adds an entry.
pub fn append<W: Write>(tar: &mut tar::Builder<W>, name: &str, contents: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(contents.len() as u64);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, name, contents)
}

/// Files go out as they come, answers wait for the end: they are small.
pub struct Writer<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, W>>,
    seen: HashSet<String>,
    /// Bytes of memory that the files so far take when they are read.
    memory: u64,
    answers: BTreeMap<Question, Answer>,
    /// The first error; collectors go on, the archive is refused at its end.
    failed: Option<io::Error>,
}

impl<W: Write> Writer<W> {
    /// Begins an archive.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    pub fn new(out: W, look: Look) -> anyhow::Result<Self> {
        let mut writer = Self {
            tar: tar::Builder::new(zstd::Encoder::new(out, 9)?),
            seen: HashSet::new(),
            memory: 0,
            answers: BTreeMap::new(),
            failed: None,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let head = Head {
            format: FORMAT,
            timeline: None,
            version,
            note: None,
            look,
        };
        writer
            .append(HEAD, &serde_json::to_vec_pretty(&head)?)
            .context("cannot write")?;
        Ok(writer)
    }

    /// Files of which only the beginning is kept, as `proc/1/mountinfo`.
    pub fn incomplete(&self) -> impl Iterator<Item = &str> {
        self.answers
            .iter()
            .filter_map(|(question, answer)| match question {
                Question::Read(file) if *answer == Answer::Cut => Some(file.as_str()),
                _ => None,
            })
    }

    /// Ends the archive.
    ///
    /// # Errors
    ///
    /// When anything could not be written, now or before.
    pub fn finish(mut self) -> anyhow::Result<W> {
        if let Some(error) = self.failed {
            return Err(error).context("cannot write");
        }
        let mut memory = Budget::default();
        memory.take(self.memory)?;
        let mut lines = Vec::new();
        for (q, a) in std::mem::take(&mut self.answers) {
            let begin = lines.len();
            serde_json::to_writer(&mut lines, &Line { q, a })?;
            memory
                .take(memory::of_answer(&lines[begin..]).max(2 * (lines.len() - begin) as u64))
                .context("nospace could not read the archive again")?;
            lines.push(b'\n');
        }
        self.append(ANSWERS, &lines).context("cannot write")?;
        let encoder = self.tar.into_inner().context("cannot write")?;
        encoder.finish().context("cannot write")
    }

    fn append(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        append(&mut self.tar, name, contents)
    }
}

impl<W: Write> Sink for Writer<W> {
    fn file(&mut self, at: At<'_>, contents: &[u8], whole: bool) {
        let name = key(at);
        if !self.seen.insert(name.clone()) {
            return;
        }
        let kept = beginning(&name, contents, &mut self.memory);
        if !whole || kept.len() < contents.len() {
            self.answers
                .insert(Question::Read(name.clone()), Answer::Cut);
        }
        if let Err(error) = self.append(&format!("{FILES}/{name}"), kept) {
            self.failed.get_or_insert(error);
        }
    }

    fn answer(&mut self, question: Question, answer: Answer) {
        // A file that is kept in part stays so, however else it was asked for.
        if self.answers.get(&question) != Some(&Answer::Cut) {
            self.answers.insert(question, answer);
        }
    }
}
