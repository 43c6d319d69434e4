//! The entries of an archive, one by one, and nothing of them is trusted.

use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Component, Path};

use anyhow::{Context as _, bail};

use super::memory::{self, Budget};
use super::{
    ANSWERS, Answer, FILES, FORMAT, HEAD, Head, Line, MAX_HEAD, Question, TIMELINE_FORMAT, is_tree,
};

/// No path is longer (PATH_MAX).
const MAX_NAME: u64 = 4096;
/// Base-2 logarithm of what the decompressor keeps to refer back to; `record` needs 22.
const WINDOW_LOG: u32 = 24;

/// Name, size and contents of an entry.
pub type Each<'f> = &'f mut dyn FnMut(&str, u64, &mut dyn Read) -> anyhow::Result<ControlFlow<()>>;

/// A line with its number, and the memory that is left.
pub type EachLine<'f> = &'f mut dyn FnMut(&mut Budget, &[u8], usize) -> anyhow::Result<()>;

/// Whether `file` begins as zstd does.
///
/// # Errors
///
/// It does not, or is empty.
pub fn compressed(file: &mut impl BufRead) -> anyhow::Result<()> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let begin = file.fill_buf()?;
    if begin.is_empty() {
        bail!("it is empty");
    }
    if !begin.starts_with(&MAGIC) {
        bail!("it is not compressed with zstd; make it with `nospace record FILE.tar.zst`");
    }
    Ok(())
}

/// Decompresses within bounded memory.
pub fn decoder<R: BufRead>(file: R) -> std::io::Result<zstd::Decoder<'static, R>> {
    let mut decoder = zstd::Decoder::with_buffer(file)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(decoder)
}

/// Reads a tar stream until `each` breaks. Long names are handled here: the library would read one of any length into memory.
pub fn each_entry(stream: impl Read, each: Each<'_>) -> anyhow::Result<()> {
    let mut tar = tar::Archive::new(stream);
    let mut long_name = None;
    for entry in tar.entries()?.raw(true) {
        let mut entry = entry.context("the archive is damaged or incomplete")?;
        let name = match long_name.take() {
            Some(name) => name,
            None => String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
        };
        let size = entry.size();
        match entry.header().entry_type() {
            tar::EntryType::Regular => {
                if each(&name, size, &mut entry)?.is_break() {
                    return Ok(());
                }
            }
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

/// What an entry of a recording is, by its name.
pub enum Place {
    Head,
    Answers,
    File(String),
}

impl Place {
    pub fn of(name: &str) -> anyhow::Result<Self> {
        if name == HEAD {
            return Ok(Self::Head);
        }
        if name == ANSWERS {
            return Ok(Self::Answers);
        }
        if !stays_inside(name) {
            bail!("entry {name:?} leads out of the archive");
        }
        match file_key(name) {
            Some(key) => Ok(Self::File(key.into())),
            None => bail!("unexpected entry {name:?}"),
        }
    }
}

/// Nothing but names: no root, no `..`.
pub fn stays_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}

/// The file that an entry below `files/` holds.
pub fn file_key(name: &str) -> Option<&str> {
    let key = name.strip_prefix(FILES)?.strip_prefix('/')?;
    key.split('/').next().is_some_and(is_tree).then_some(key)
}

/// The head, whose size is not checked yet.
pub fn head(size: u64, contents: &mut dyn Read) -> anyhow::Result<Head> {
    if size > MAX_HEAD {
        bail!("{HEAD} is longer than {MAX_HEAD} bytes");
    }
    let bytes = whole(HEAD, size, contents)?;
    let head: Head =
        serde_json::from_slice(&bytes).with_context(|| format!("{HEAD} is malformed"))?;
    let reads = match head.timeline {
        Some(_) => TIMELINE_FORMAT,
        None => FORMAT,
    };
    if head.format != reads {
        bail!(
            "its format is {}, this nospace reads {reads}; use nospace {} to read it",
            head.format,
            head.version
        );
    }
    Ok(head)
}

/// Calls `each` with every answer and its cost, which has been charged to `memory` before it was parsed; what `each` returns is
/// given back.
pub fn each_answer(
    memory: &mut Budget,
    size: u64,
    contents: &mut dyn Read,
    each: &mut dyn FnMut(Question, Answer, u64) -> u64,
) -> anyhow::Result<()> {
    each_line(
        memory,
        ANSWERS,
        size,
        contents,
        &mut |memory, text, number| {
            let cost = memory::of_answer(text).max(2 * (text.len() as u64 + 1));
            memory.take(cost)?;
            let Line { q, a } = serde_json::from_slice(text)
                .with_context(|| format!("{ANSWERS}, line {number} is malformed"))?;
            memory.give_back(each(q, a, cost));
            Ok(())
        },
    )
}

/// Reads an entry line by line; a line takes no more than half of what is left of `memory`.
pub fn each_line(
    memory: &mut Budget,
    name: &str,
    size: u64,
    contents: &mut dyn Read,
    each: EachLine<'_>,
) -> anyhow::Result<()> {
    if size > memory.left() {
        memory.take(size)?;
    }
    let mut reader = BufReader::new(contents.take(size));
    let (mut line, mut read) = (Vec::new(), 0);
    for number in 1.. {
        line.clear();
        // The buffer grows to twice the line.
        let longest = memory.left() / 2;
        let taken = reader
            .by_ref()
            .take(longest + 1)
            .read_until(b'\n', &mut line);
        let taken = taken.with_context(|| format!("entry {name:?} is damaged or incomplete"))?;
        read += taken as u64;
        if taken == 0 {
            break;
        }
        if taken as u64 > longest {
            memory.take(memory.left() + 1)?;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if !text.is_empty() {
            each(memory, text, number)?;
        }
    }
    if read != size {
        bail!("entry {name:?} is incomplete");
    }
    Ok(())
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
pub fn whole(name: &str, size: u64, contents: &mut dyn Read) -> anyhow::Result<Vec<u8>> {
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
