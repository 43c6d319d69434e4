use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path};

use anyhow::{Context as _, bail};

use super::memory::{self, Budget};
use super::{
    ANSWERS, Answer, FILES, FORMAT, HEAD, Head, Line, MAX_BYTES, MAX_HEAD, Question, is_tree,
};

/// No recorded node has more entries.
const MAX_ENTRIES: usize = 1_000_000;
/// A directory is laid out no deeper than the deepest cgroup.
const MAX_DEPTH: usize = 64;
/// No path is longer (PATH_MAX).
const MAX_NAME: u64 = 4096;
/// Base-2 logarithm of what the decompressor keeps to refer back to; `record` needs 22.
const WINDOW_LOG: u32 = 24;

/// An archive in memory.
#[derive(Debug)]
pub struct Contents {
    /// Who asked, and when.
    pub head: Head,
    /// Files by [`super::key`].
    pub files: HashMap<String, Vec<u8>>,
    /// Every other answer.
    pub answers: HashMap<Question, Answer>,
}

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
    answers: Option<HashMap<Question, Answer>>,
}

impl Loader {
    fn archive(&mut self, file: impl Read) -> anyhow::Result<()> {
        let mut file = BufReader::new(file);
        const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
        if !file.fill_buf()?.starts_with(&MAGIC) {
            bail!("it is not compressed with zstd; make it with `nospace record FILE.tar.zst`");
        }
        let mut decoder = zstd::Decoder::with_buffer(file)?;
        decoder.window_log_max(WINDOW_LOG)?;
        self.tar(decoder)
    }

    /// Reads entry by entry. Long names are handled here: the library would read one of any length into memory.
    fn tar(&mut self, stream: impl Read) -> anyhow::Result<()> {
        let mut tar = tar::Archive::new(stream.take(MAX_BYTES + 1));
        let mut long_name = None;
        for entry in tar.entries()?.raw(true) {
            let mut entry = entry.context("the archive is damaged or incomplete")?;
            let name = match long_name.take() {
                Some(name) => name,
                None => String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
            };
            let size = entry.size();
            match entry.header().entry_type() {
                tar::EntryType::Regular => self.entry(&name, size, &mut entry)?,
                tar::EntryType::Directory => {}
                tar::EntryType::GNULongName => {
                    let bytes = whole_name(size, &mut entry)?;
                    let end = bytes.iter().position(|byte| *byte == 0);
                    let bytes = &bytes[..end.unwrap_or(bytes.len())];
                    long_name = Some(String::from_utf8_lossy(bytes).into_owned());
                }
                // Of tools that pack an archive anew.
                tar::EntryType::XHeader => long_name = pax_path(&whole_name(size, &mut entry)?)?,
                tar::EntryType::XGlobalHeader => {}
                other => bail!("unexpected entry {name:?} of type {other:?}"),
            }
        }
        Ok(())
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
            Place::Head if size > MAX_HEAD => bail!("{HEAD} is longer than {MAX_HEAD} bytes"),
            Place::Head => self.head = Some(head(&whole(name, size, contents)?)?),
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

    /// Line by line, each charged before it is parsed.
    fn read_answers(&mut self, size: u64, contents: &mut dyn Read) -> anyhow::Result<()> {
        if size > self.memory.left() {
            self.memory.take(size)?;
        }
        let mut answers = HashMap::new();
        let mut reader = BufReader::new(contents.take(size));
        let (mut line, mut read) = (Vec::new(), 0);
        for number in 1.. {
            line.clear();
            // The buffer grows to twice the line.
            let longest = self.memory.left() / 2;
            let taken = reader
                .by_ref()
                .take(longest + 1)
                .read_until(b'\n', &mut line);
            let taken =
                taken.with_context(|| format!("entry {ANSWERS:?} is damaged or incomplete"))?;
            read += taken as u64;
            if taken == 0 {
                break;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            if text.is_empty() {
                continue;
            }
            let buffer = 2 * taken as u64;
            self.memory.take(memory::of_answer(text).max(buffer))?;
            let Line { q, a } = serde_json::from_slice(text)
                .with_context(|| format!("{ANSWERS}, line {number} is malformed"))?;
            answers.insert(q, a);
        }
        if read != size {
            bail!("entry {ANSWERS:?} is incomplete");
        }
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

enum Place {
    Head,
    Answers,
    File(String),
}

impl Place {
    fn of(name: &str) -> anyhow::Result<Self> {
        if name == HEAD {
            return Ok(Self::Head);
        }
        if name == ANSWERS {
            return Ok(Self::Answers);
        }
        let path = Path::new(name);
        if !path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            bail!("entry {name:?} leads out of the archive");
        }
        let key = name
            .strip_prefix(FILES)
            .and_then(|rest| rest.strip_prefix('/'));
        match key {
            Some(key) if key.split('/').next().is_some_and(is_tree) => Ok(Self::File(key.into())),
            _ => bail!("unexpected entry {name:?}"),
        }
    }
}

fn head(bytes: &[u8]) -> anyhow::Result<Head> {
    let head: Head =
        serde_json::from_slice(bytes).with_context(|| format!("{HEAD} is malformed"))?;
    if head.format != FORMAT {
        bail!(
            "its format is {}, this nospace reads {FORMAT}; use nospace {} to read it",
            head.format,
            head.version
        );
    }
    Ok(head)
}

/// What names the entry that follows.
fn whole_name(size: u64, contents: &mut dyn Read) -> anyhow::Result<Vec<u8>> {
    if size > MAX_NAME {
        bail!("a name is longer than {MAX_NAME} bytes");
    }
    whole("a long name", size, contents)
}

/// `path` of a pax header, where it has one.
fn pax_path(header: &[u8]) -> anyhow::Result<Option<String>> {
    for record in tar::PaxExtensions::new(header) {
        let record = record.context("a pax header is damaged")?;
        if record.key_bytes() == b"path" {
            return Ok(Some(
                String::from_utf8_lossy(record.value_bytes()).into_owned(),
            ));
        }
    }
    Ok(None)
}

/// All of an entry, whose size has been charged.
fn whole(name: &str, size: u64, contents: &mut dyn Read) -> anyhow::Result<Vec<u8>> {
    // Not more than there is: a header may claim any size.
    let mut bytes = Vec::new();
    contents
        .take(size)
        .read_to_end(&mut bytes)
        .with_context(|| format!("entry {name:?} is damaged or incomplete"))?;
    if bytes.len() as u64 != size {
        bail!("entry {name:?} is incomplete");
    }
    bytes.shrink_to_fit();
    Ok(bytes)
}
