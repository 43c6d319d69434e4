//! A recorded node on disk: a tar, compressed with zstd, or the same laid out as a directory.
//!
//! ```text
//! nospace.json         format version, who asked and when
//! files/proc/…         contents of the files that were read, redacted
//! files/sys/…
//! files/root/…
//! answers.jsonl        every other answer, one a line, sorted
//! ```
//!
//! A timeline has these once for each sample, below `samples/N/`, and of a sample only what is not as in the one before; see
//! [`timeline`].
//!
//! Nothing of an archive is ever written to disk or followed.

mod contents;
mod entries;
mod memory;
mod read;
mod timeline;
mod write;

pub use contents::{Answers, Contents};
pub use read::{load, parse};
pub use timeline::{MAX_SAMPLES, Rest, Sample, Timeline, TimelineWriter, chunk};
pub use write::Writer;

use nospace_core::model::{Descriptor, FilesystemUsage, UserNamespace};
use nospace_core::report::Refusals;
use serde::{Deserialize, Serialize};

use super::{At, Descriptors, KernelAccounting, Look, ReadError, ReadResult, Subdirectory, Tree};

/// Raised when an older nospace could not read the archive.
pub const FORMAT: u32 = 1;
/// The same for timelines: a nospace that does not know them says so, and does not take one for a damaged archive.
pub const TIMELINE_FORMAT: u32 = 2;
/// No recorded node is larger than this when unpacked, tar headers included; a bomb is.
const MAX_BYTES: u64 = 512 << 20;
/// The largest head.
const MAX_HEAD: u64 = 64 << 10;
const HEAD: &str = "nospace.json";
const ANSWERS: &str = "answers.jsonl";
const FILES: &str = "files";

/// First entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// [`FORMAT`]; of a timeline [`TIMELINE_FORMAT`].
    pub format: u32,
    /// Only in a timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<TimelineHead>,
    /// Version of the nospace that recorded it.
    pub version: String,
    /// Where the archive comes from, in words: recorded, or composed by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who asked, and when.
    pub look: Look,
}

/// What a timeline says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineHead {
    /// Milliseconds between samples, as asked for.
    pub every_ms: u64,
}

/// Takes the answers of a look, in an archive.
pub trait Sink {
    /// Keeps the contents of a file, `whole` when that is all of it, or as much as the archive has room for.
    fn file(&mut self, at: At<'_>, contents: &[u8], whole: bool);
    /// Keeps any other answer.
    fn answer(&mut self, question: Question, answer: Answer);
}

/// What was asked, other than a file that could be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Question {
    /// [`super::Host::read`], when it failed or was cut.
    Read(String),
    /// [`super::Host::list`].
    List(String),
    /// [`super::Host::subdirectories`].
    Subdirectories(String),
    /// [`super::Host::link`].
    Link(String),
    /// [`super::Host::statfs`].
    Statfs(String),
    /// [`super::Host::pids`].
    Pids,
    /// [`super::Host::owner`].
    Owner(u32),
    /// [`super::Host::descriptors`].
    Descriptors(u32),
    /// [`super::Host::user_namespace`].
    UserNamespace(u32),
    /// [`super::Host::same_files`].
    SameFiles,
    /// [`super::Host::accounting`].
    #[serde(rename = "books")]
    KernelAccounting,
    /// [`super::Host::refusals`].
    Refusals,
}

/// What the host said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// Nothing, and why.
    #[serde(rename = "absent")]
    Error(ReadError),
    /// The file among `files/` is only its beginning.
    Cut,
    /// Names.
    Names(Vec<String>),
    /// Directories.
    Subdirectories(Vec<Subdirectory>),
    /// A link's target.
    Target(String),
    /// Space of a file system.
    Space(FilesystemUsage),
    /// Processes.
    Pids(Vec<u32>),
    /// A uid.
    Uid(u32),
    /// What a process has open.
    Descriptors(Descriptors),
    /// A user namespace.
    UserNamespace(UserNamespace),
    /// The kernel's account.
    #[serde(rename = "books")]
    KernelAccounting(KernelAccounting),
    /// Calls that were refused.
    Refusals(Refusals),
    /// Descriptors with the number of the open file that each leads to.
    Files(Vec<(Descriptor, u32)>),
}

impl Answer {
    /// An answer, or why there is none.
    pub fn of<T: Clone>(asked: &ReadResult<T>, wrap: impl FnOnce(T) -> Self) -> Self {
        match asked {
            Ok(found) => wrap(found.clone()),
            Err(error) => Self::Error(error.clone()),
        }
    }
}

/// One line of `answers.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    q: Question,
    a: Answer,
}

/// Name of a place in an archive, `proc/1/status`.
pub fn key(at: At<'_>) -> String {
    if at.path.as_os_str().is_empty() {
        return at.tree.name().to_owned();
    }
    format!("{}/{}", at.tree.name(), at.path.to_string_lossy())
}

/// Path of a descriptor's fdinfo below procfs.
pub fn fdinfo_path(descriptor: Descriptor) -> String {
    format!("{}/fdinfo/{}", descriptor.pid, descriptor.fd)
}

fn is_tree(name: &str) -> bool {
    [Tree::Proc, Tree::Sys, Tree::Root]
        .iter()
        .any(|tree| tree.name() == name)
}
