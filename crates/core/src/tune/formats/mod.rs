//! What tune would set, in the language of a platform: one row a format, its document in the file of its kind.
//!
//! ```text
//! Tuning ─ settings ─▶ PlatformFormat::accepts ─▶ PlatformDocument ─▶ text (comments and document) | JSON
//! ```
//!
//! A format that takes only some keys, or only some values, says so in [`Accepts`]: nothing is printed that the platform refuses,
//! and what is left out is named.

mod cloud;
mod document;
mod table;

#[cfg(test)]
mod tests;

pub use document::{NoneAccepted, OmittedKey, PlatformDocument, PlatformSetting};
pub use table::{FORMATS, format, of_node};

use crate::documents::Settings;

/// A format in which sysctls are given to a platform.
#[derive(Debug)]
pub struct PlatformFormat {
    /// What is typed after `--for`.
    pub name: &'static str,
    /// What reads it.
    pub title: &'static str,
    /// Where the document belongs, and the command that puts it there: sentences.
    pub place: &'static str,
    /// How to undo it: sentences.
    pub undo: &'static str,
    /// A node that has more already keeps it.
    pub never_lowers: bool,
    /// Where comments go.
    pub comments: Comments,
    /// Which keys it takes.
    pub accepts: Accepts,
    /// The document, from at least one setting.
    pub document: fn(&Settings<'_>) -> String,
}

impl PlatformFormat {
    /// What `key` is set to there by a document that asks for `value`: that or more; `None` where it takes no such key or value.
    #[must_use]
    pub fn takes(&self, key: &str, value: u64) -> Option<u64> {
        let Accepts::Only(keys) = self.accepts else {
            return Some(value);
        };
        let one = keys.iter().find(|one| one.key == key)?;
        (value <= one.most).then(|| value.max(one.least).max(one.usual))
    }
}

/// Where comments, which begin with `#`, go in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comments {
    /// Before everything.
    Top,
    /// After the line that reads like this, wherever it is.
    After(&'static str),
    /// The format has none.
    None,
}

/// Which sysctls a platform takes.
#[derive(Clone, Copy, Debug)]
pub enum Accepts {
    /// Any that the kernel has.
    All,
    /// Only these.
    Only(&'static [AcceptedKey]),
}

/// A sysctl that a platform takes.
#[derive(Clone, Copy, Debug)]
pub struct AcceptedKey {
    /// Dotted name.
    pub key: &'static str,
    /// The least that the platform takes.
    pub least: u64,
    /// The most that it takes.
    pub most: u64,
    /// What its nodes have if nothing is set, where that is known: a document never lowers it.
    pub usual: u64,
}
