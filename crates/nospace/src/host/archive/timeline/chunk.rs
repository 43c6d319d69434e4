//! Timelines in pieces: chunks of samples that are complete in themselves. One after another, behind a head, they are a timeline.

use std::io::{self, BufReader, Read, Write};

use anyhow::Context as _;
use jiff::Timestamp;

use super::super::entries::decoder;
use super::super::write::append;
use super::super::{HEAD, Head, TIMELINE_FORMAT, TimelineHead};
use super::{END, End, LEVEL, MAX_BYTES};
use crate::host::Look;

/// What a tar ends with.
const TRAILER: [u8; 1024] = [0; 1024];
/// A `sample.json` is shorter.
const MAX_END: u64 = 64 << 10;

/// The complete samples of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// Number of the first one.
    pub first: usize,
    /// How many there are.
    pub samples: usize,
    /// When the last one was taken, by the node's clock.
    pub taken_at: Timestamp,
    /// The seconds of the last one.
    pub seconds: f64,
    /// Nothing comes after them.
    pub whole: bool,
    /// Their bytes when unpacked.
    length: u64,
}

impl Chunk {
    /// Reads a chunk as far as it goes; `None` where no sample of it is complete.
    #[must_use]
    pub fn inspect(chunk: impl Read) -> Option<Self> {
        let stream = decoder(BufReader::new(chunk)).ok()?.take(MAX_BYTES);
        let mut found: Option<Self> = None;
        let mut archive = tar::Archive::new(stream);
        let mut whole = true;
        for entry in archive.entries().ok()? {
            let Some((number, end, length)) = entry.ok().and_then(|entry| complete(entry).ok())
            else {
                whole = false;
                break;
            };
            let Some(end) = end else { continue };
            let taken_at = end.look.taken_at.parse().ok()?;
            let (first, samples) = found.map_or((number, 0), |one| (one.first, one.samples));
            if number != first + samples {
                return None;
            }
            found = Some(Self {
                first,
                samples: samples + 1,
                taken_at,
                seconds: end.seconds,
                whole: true,
                length,
            });
        }
        Some(Self { whole, ..found? })
    }

    /// Writes its complete samples, as a chunk that is whole.
    ///
    /// # Errors
    ///
    /// `chunk` cannot be read, or `out` not written.
    pub fn rewrite(&self, chunk: impl Read, out: impl Write) -> anyhow::Result<()> {
        let mut samples = decoder(BufReader::new(chunk))?.take(self.length);
        let mut encoder = zstd::Encoder::new(out, LEVEL)?;
        encoder.include_checksum(true)?;
        io::copy(&mut samples, &mut encoder)?;
        encoder.finish()?.flush()?;
        Ok(())
    }
}

/// Number of the sample that the entry belongs to; its end, if the entry is that, and where the next entry begins.
fn complete(mut entry: tar::Entry<'_, impl Read>) -> anyhow::Result<(usize, Option<End>, u64)> {
    let path = entry.path()?.into_owned();
    let mut parts = path.iter().skip(1);
    let number = parts.next().and_then(|part| part.to_str()?.parse().ok());
    let number = number.context("no sample")?;
    let next = entry.raw_file_position() + entry.size().next_multiple_of(512);
    let is_end = parts.next().is_some_and(|part| part == END) && entry.size() <= MAX_END;
    if !is_end {
        io::copy(&mut entry, &mut io::sink())?;
        return Ok((number, None, next));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok((number, Some(serde_json::from_slice(&bytes)?), next))
}

/// What comes before the first chunk: the head of a timeline with a sample every `every_ms`.
///
/// # Errors
///
/// Never on a machine that has memory left.
pub fn head(look: Look, every_ms: u64) -> anyhow::Result<Vec<u8>> {
    let head = Head {
        format: TIMELINE_FORMAT,
        timeline: Some(TimelineHead { every_ms }),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        note: None,
        look,
    };
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, HEAD, &serde_json::to_vec_pretty(&head)?)?;
    let mut bytes = tar.into_inner()?;
    bytes.truncate(bytes.len() - TRAILER.len());
    Ok(zstd::encode_all(&bytes[..], LEVEL)?)
}

/// What comes after the last chunk.
///
/// # Errors
///
/// Never on a machine that has memory left.
pub fn trailer() -> io::Result<Vec<u8>> {
    zstd::encode_all(&TRAILER[..], LEVEL)
}
