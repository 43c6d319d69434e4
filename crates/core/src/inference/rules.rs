use std::sync::LazyLock;

use serde::Deserialize;

use super::evidence::{Dialect, Place};
use crate::cause::Cause;
use crate::normalise::Errno;

/// One row of the table: what speaks for a cause, and how much.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What it speaks for.
    pub cause: Verdict,
    /// Causes whose refusals read the same.
    #[serde(default)]
    pub or: Vec<Cause>,
    /// Errnos with which it applies.
    pub errno: Vec<Errno>,
    /// Where `words` must stand.
    #[serde(default, rename = "in")]
    pub scope: Scope,
    /// One of them must be there; without any the rule needs none.
    #[serde(default)]
    pub words: Vec<String>,
    /// Words of the clause with which it does not apply.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Where the object must lie.
    #[serde(default)]
    pub place: Option<Place>,
    /// Who must have written the errno.
    #[serde(default)]
    pub dialect: Option<Dialect>,
    /// What it is called in an answer; without it the word that was found.
    #[serde(default)]
    pub says: Option<String>,
    /// How much it speaks for `cause`.
    pub points: u32,
}

/// A cause, or that no limit of those that nospace knows has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub enum Verdict {
    /// This limit.
    Cause(Cause),
    /// None of them.
    None(NoLimit),
}

/// `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum NoLimit {
    /// The only value.
    #[serde(rename = "none")]
    None,
}

/// Where words are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// In the clause that ends in the errno, and in the one that follows it.
    #[default]
    Clause,
    /// In the whole message.
    Line,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rule: Vec<Rule>,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    toml::from_str::<Document>(include_str!("rules.toml")).map_or_else(|_| Vec::new(), |d| d.rule)
});

/// The table, in the order in which it is written. Tests hold that it can be read.
#[must_use]
pub fn rules() -> &'static [Rule] {
    &RULES
}

/// The first of `words` that stands in `text`, as it stands there; both are in lower case.
///
/// A letter or digit beside a word makes another word of it, unless the word ends there in `*`. A `*` inside stands for
/// anything up to 60 bytes.
pub fn find_word<'t>(text: &'t str, words: &[String]) -> Option<&'t str> {
    words.iter().find_map(|word| find_one(text, word))
}

fn find_one<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let open_start = word.starts_with('*');
    let open_end = word.ends_with('*');
    let core = word.trim_matches('*');
    let (head, tail) = core.split_once('*').unwrap_or((core, ""));
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(head).find_map(|(start, _)| {
        let mut end = start + head.len();
        if !tail.is_empty() {
            let mut reach = text.len().min(end + 60);
            while !text.is_char_boundary(reach) {
                reach -= 1;
            }
            end += text[end..reach].find(tail)? + tail.len();
        }
        let first = head.chars().next();
        let before = text[..start].chars().next_back();
        let after = text[end..].chars().next();
        let starts = open_start || !(is_letter(first) && is_letter(before));
        let ends = open_end || !(is_letter(text[..end].chars().next_back()) && is_letter(after));
        (starts && ends).then(|| &text[start..end])
    })
}
