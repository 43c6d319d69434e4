//! Bytes into the model. Parsers never open files, and take what the kernel, a runtime or a hostile
//! container wrote: any bytes give a value or [`Malformed`], never a panic.

pub mod cgroupfs;
pub mod fdinfo;
pub mod keys;
pub mod kubelet;
pub mod maps;
pub mod marks;
pub mod mountinfo;
pub mod network;
pub mod os_release;
pub mod passwd;
pub mod process;
pub mod sysctl;
pub mod system;
pub mod sysvipc;
pub mod watches;

pub mod bundle;
pub mod cgroup_path;
pub mod cmdline;
mod config;
pub mod pod_logs;

use thiserror::Error;

/// Input that is not what the kernel or the program that wrote it would write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: {why}")]
pub struct Malformed {
    /// What was read, `file-nr`.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl Malformed {
    /// `what` is wrong, and `why`.
    #[must_use]
    pub fn new(what: &'static str, why: impl Into<String>) -> Self {
        Self {
            what,
            why: why.into(),
        }
    }
}

/// The result of a parser.
pub type Parsed<T> = Result<T, Malformed>;

/// Bytes as text, whatever is no UTF-8 replaced.
#[must_use]
pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Lines without their ends; the last may lack one.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

/// Words of a line.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

/// One number with white space around it.
///
/// # Errors
///
/// When it is anything else, or does not fit 64 bits.
pub fn number(what: &'static str, bytes: &[u8]) -> Parsed<u64> {
    std::str::from_utf8(bytes.trim_ascii())
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Malformed::new(what, format!("{:?} is no number", lossy(bytes))))
}

/// The number at word `place` of a line.
pub(crate) fn word(what: &'static str, line: &[u8], place: usize) -> Parsed<u64> {
    let word = words(line).nth(place);
    number(
        what,
        word.ok_or_else(|| Malformed::new(what, format!("no word {}", place + 1)))?,
    )
}
