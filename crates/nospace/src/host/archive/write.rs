use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use anyhow::Context as _;

use super::super::{At, Look};
use super::{ANSWERS, Answer, FILES, FORMAT, HEAD, Head, Line, Question, key};

/// Files go out as they come, answers wait for the end: they are small.
pub struct Writer<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, W>>,
    seen: HashSet<String>,
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
            answers: BTreeMap::new(),
            failed: None,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let head = Head {
            format: FORMAT,
            version,
            note: None,
            look,
        };
        writer
            .append(HEAD, &serde_json::to_vec_pretty(&head)?)
            .context("cannot write")?;
        Ok(writer)
    }

    /// Keeps the contents of a file; `whole` when that is all of it.
    pub fn file(&mut self, at: At<'_>, contents: &[u8], whole: bool) {
        let name = key(at);
        if !self.seen.insert(name.clone()) {
            return;
        }
        if !whole {
            self.answers
                .insert(Question::Read(name.clone()), Answer::Cut);
        }
        if let Err(error) = self.append(&format!("{FILES}/{name}"), contents) {
            self.failed.get_or_insert(error);
        }
    }

    /// Keeps any other answer.
    pub fn answer(&mut self, question: Question, answer: Answer) {
        self.answers.insert(question, answer);
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
        let mut lines = Vec::new();
        for (q, a) in std::mem::take(&mut self.answers) {
            serde_json::to_writer(&mut lines, &Line { q, a })?;
            lines.push(b'\n');
        }
        self.append(ANSWERS, &lines).context("cannot write")?;
        let encoder = self.tar.into_inner().context("cannot write")?;
        encoder.finish().context("cannot write")
    }

    fn append(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        self.tar.append_data(&mut header, name, contents)
    }
}
