//! Many samples of one node in one archive: a tar in zstd frames.
//!
//! ```text
//! frame   nospace.json                head; says that this is a timeline
//!         samples/0/files/proc/…      all of the first sample
//!         samples/0/answers.jsonl
//!         samples/0/sample.json       when it was taken; the sample is complete
//!         samples/1/files/proc/…      what is not as in sample 0
//!         samples/1/answers.jsonl
//!         samples/1/gone.jsonl        what sample 0 had and sample 1 has not
//!         samples/1/sample.json
//!         …
//! frame   samples/60/…                all of sample 60, and so on
//! ```
//!
//! The first sample of a frame is complete in itself: reading a sample begins there. The compressor is flushed after each
//! sample, so whatever ends the recording, all that was flushed can be read. Each frame has a checksum: of
//! one that is damaged, the samples before the place where it can no longer be unpacked are read, and none where only the checksum
//! is wrong, as the damage may be anywhere.

pub mod chunk;
mod damage;
mod read;
mod write;

pub use damage::Rest;
pub use read::{Sample, Timeline};
pub use write::TimelineWriter;

use serde::{Deserialize, Serialize};

use super::super::Look;
use super::Question;

/// A level that costs the node little; a frame repeats itself so much that higher ones gain nothing.
const LEVEL: i32 = 3;
const SAMPLES: &str = "samples";
const GONE: &str = "gone.jsonl";
const END: &str = "sample.json";

/// Samples in a timeline at most: five days and more at five seconds.
pub const MAX_SAMPLES: usize = 100_000;
/// Bytes of a timeline when unpacked, at most. A day of a large node at five seconds takes a few GiB.
const MAX_BYTES: u64 = 16 << 30;

/// `sample.json`, the last entry of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    /// Who asked, and when.
    look: Look,
    /// Seconds since the first sample, by a clock that nobody sets.
    seconds: f64,
}

/// One line of `gone.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Gone {
    File(String),
    Answer(Question),
}
