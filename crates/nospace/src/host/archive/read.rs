use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path};

use anyhow::{Context as _, bail};

use super::{ANSWERS, Answer, FILES, FORMAT, HEAD, Head, Line, MAX_BYTES, Question, is_tree};

/// No recorded node has more entries.
const MAX_ENTRIES: usize = 1_000_000;
/// A directory is laid out no deeper than the deepest cgroup.
const MAX_DEPTH: usize = 64;

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
/// When it cannot be read, is no archive of nospace, is cut short, is larger than
/// half a GiB unpacked, or holds an entry that no recording writes: a link, a device, a path
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
    bytes: u64,
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
        self.tar(zstd::Decoder::with_buffer(file)?)
    }

    fn tar(&mut self, stream: impl Read) -> anyhow::Result<()> {
        // The bound holds for the whole stream, so headers alone cannot fill memory either.
        let mut tar = tar::Archive::new(stream.take(MAX_BYTES + 1));
        for entry in tar.entries()? {
            let mut entry = entry.context("the archive is damaged or incomplete")?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            match entry.header().entry_type() {
                tar::EntryType::Regular => {}
                tar::EntryType::Directory => continue,
                other => bail!("unexpected entry {name:?} of type {other:?}"),
            }
            let size = entry.size();
            self.entry(&name, size, &mut entry)?;
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
        self.bytes = self.bytes.saturating_add(size).saturating_add(512);
        if self.bytes > MAX_BYTES || self.entries > MAX_ENTRIES {
            bail!(
                "it unpacks to more than {} MiB or {MAX_ENTRIES} files",
                MAX_BYTES >> 20
            );
        }
        let place = Place::of(name)?;
        let mut bytes = Vec::new();
        contents
            .take(size)
            .read_to_end(&mut bytes)
            .with_context(|| format!("entry {name:?} is damaged or incomplete"))?;
        if bytes.len() as u64 != size {
            bail!("entry {name:?} is incomplete");
        }
        match place {
            Place::Head => self.head = Some(head(&bytes)?),
            Place::Answers => self.answers = Some(answers(&bytes)?),
            Place::File(key) => {
                if self.files.insert(key, bytes).is_some() {
                    bail!("duplicate entry {name:?}");
                }
            }
        }
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

fn answers(bytes: &[u8]) -> anyhow::Result<HashMap<Question, Answer>> {
    let mut answers = HashMap::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let Line { q, a } = serde_json::from_slice(line)
            .with_context(|| format!("{ANSWERS}, line {} is malformed", number + 1))?;
        answers.insert(q, a);
    }
    Ok(answers)
}
