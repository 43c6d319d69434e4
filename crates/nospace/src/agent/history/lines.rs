//! The file of the state directory: lines, each with its checksum.
//!
//! ```text
//! 1f2e3d4c {"format":1}
//! 5b6a7988 {"boot":"7e4c…"}                           id of the boot that the times of the following slots count from
//! 0badcafe {"name":{"id":1,"name":{"budget":{…}}}}    what number 1 stands for
//! deadbeef {"slot":{"wall":1767225600000,"slot":{…}}} a slot; a later one that began at the same time replaces it
//! ```

use std::io::{BufRead, Read as _};

use nospace_core::history::{SlotRecord, TrackName};
use serde::{Deserialize, Serialize};

/// Of the file as it is written now.
pub const FORMAT: u32 = 1;
/// Bytes of a line: one of 80 tracks takes some 4 kB.
const MAX_LINE: u64 = 64 << 10;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Line {
    /// The first one.
    Format(u32),
    /// Id of a boot.
    Boot(String),
    /// What the number of a track stands for.
    Name {
        /// The number.
        id: u32,
        /// The track.
        name: TrackName,
    },
    /// A slot, and milliseconds since 1970 at its end.
    Slot {
        /// By the time of day.
        wall: i64,
        /// What is in it.
        slot: SlotRecord,
    },
}

/// Appends a line.
pub fn write(line: &Line, out: &mut Vec<u8>) {
    // Nothing in it fails to be JSON.
    let text = serde_json::to_vec(line).unwrap_or_default();
    out.extend_from_slice(format!("{:08x} ", checksum(&text)).as_bytes());
    out.extend_from_slice(&text);
    out.push(b'\n');
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Calls `each` with every line up to the end, or up to one that was not written to its end.
///
/// # Errors
///
/// In words, which line is damaged; those before it were passed on.
pub fn read(mut file: impl BufRead, each: &mut dyn FnMut(Line)) -> Result<(), String> {
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        let read = (&mut file).take(MAX_LINE).read_until(b'\n', &mut bytes);
        read.map_err(|error| format!("line {number} cannot be read: {error}"))?;
        let Some(line) = bytes.strip_suffix(b"\n") else {
            let length = bytes.len() as u64;
            return match (number, length) {
                (_, MAX_LINE..) => Err(format!("line {number} is too long")),
                // The first one is never written alone.
                (1, 1..) => Err("line 1 is damaged".to_owned()),
                // What was being written when the agent was killed.
                _ => Ok(()),
            };
        };
        let line = parse(line).ok_or_else(|| format!("line {number} is damaged"))?;
        if number == 1 && line != Line::Format(FORMAT) {
            return Err("another version of nospace wrote it".to_owned());
        }
        each(line);
    }
    Ok(())
}

fn parse(line: &[u8]) -> Option<Line> {
    let (sum, text) = line.split_at_checked(9)?;
    let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    (sum == checksum(text)).then(|| serde_json::from_slice(text).ok())?
}
