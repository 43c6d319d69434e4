use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::contents::{Answers, Contents};
use super::entries::{Place, compressed, decoder, each_answer, each_entry, head, whole};
use super::memory::{self, Budget};
use super::{ANSWERS, HEAD, Head, MAX_BYTES};

/// No recorded node has more entries.
const MAX_ENTRIES: usize = 1_000_000;
/// A directory is laid out no deeper than the deepest cgroup.
const MAX_DEPTH: usize = 64;

/// Reads an archive, or a directory of the same layout, into memory.
///
/// # Errors
///
/// When it cannot be read, is no archive of nospace, is cut short, would take more than [`memory::MAX_MEMORY`] bytes of
/// memory, or holds an entry that no recording writes: a link, a device, a path
/// that is absolute or has `..` in it, the same file twice.
pub fn load(path: &Path) -> anyhow::Result<Contents> {
    let mut loader = Loader::default();
    let whole = || format!("cannot read the recorded node {}", path.display());
    if path.is_dir() {
        loader.directory(path, "", 0).with_context(whole)?;
    } else {
        let file = File::open(path).with_context(whole)?;
        loader.archive(file).with_context(whole)?;
    }
    loader.finish().with_context(whole)
}

/// Reads the tar stream of an archive that is unpacked already.
///
/// # Errors
///
/// Those of [`load`].
pub fn parse(stream: impl Read) -> anyhow::Result<Contents> {
    let mut loader = Loader::default();
    loader.tar(stream)?;
    loader.finish()
}

#[derive(Default)]
struct Loader {
    memory: Budget,
    entries: usize,
    head: Option<Head>,
    files: HashMap<String, Vec<u8>>,
    answers: Option<Answers>,
}

impl Loader {
    fn archive(&mut self, file: impl Read) -> anyhow::Result<()> {
        let mut file = BufReader::new(file);
        compressed(&mut file)?;
        self.tar(decoder(file)?)
    }

    fn tar(&mut self, stream: impl Read) -> anyhow::Result<()> {
        each_entry(stream.take(MAX_BYTES + 1), &mut |name, size, contents| {
            self.entry(name, size, contents)?;
            Ok(ControlFlow::Continue(()))
        })
    }

    fn directory(&mut self, path: &Path, prefix: &str, depth: usize) -> anyhow::Result<()> {
        if depth > MAX_DEPTH {
            bail!("{} is nested more than {MAX_DEPTH} deep", path.display());
        }
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.directory(&entry.path(), &format!("{name}/"), depth + 1)?;
            } else if kind.is_file() {
                if !name.contains('/') && name != HEAD && name != ANSWERS {
                    continue; // a README or an expected report beside the node
                }
                let size = entry.metadata()?.len();
                self.entry(&name, size, &mut File::open(entry.path())?)?;
            } else {
                bail!("unexpected entry {name:?}: neither a file nor a directory");
            }
        }
        Ok(())
    }

    fn entry(&mut self, name: &str, size: u64, contents: &mut dyn Read) -> anyhow::Result<()> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            bail!("it has more than {MAX_ENTRIES} files");
        }
        match Place::of(name)? {
            Place::Head => {
                let head = head(size, contents)?;
                if head.timeline.is_some() {
                    bail!("it is a timeline, which nospace reads only from a regular file");
                }
                self.head = Some(head);
            }
            Place::Answers => self.read_answers(size, contents)?,
            Place::File(key) => {
                self.memory.take(memory::of_file(&key, size))?;
                let bytes = whole(name, size, contents)?;
                if self.files.insert(key, bytes).is_some() {
                    bail!("duplicate entry {name:?}");
                }
            }
        }
        Ok(())
    }

    fn read_answers(&mut self, size: u64, contents: &mut dyn Read) -> anyhow::Result<()> {
        let mut answers = Answers::default();
        each_answer(&mut self.memory, size, contents, &mut |q, a, cost| {
            answers.insert(q, a, cost)
        })?;
        self.answers = Some(answers);
        Ok(())
    }

    fn finish(self) -> anyhow::Result<Contents> {
        let head = self
            .head
            .with_context(|| format!("not a recorded node: {HEAD} is missing"))?;
        let answers = self
            .answers
            .with_context(|| format!("it is incomplete: {ANSWERS} is missing"))?;
        Ok(Contents {
            head,
            files: self.files,
            answers,
        })
    }
}
