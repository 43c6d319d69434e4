//! How much a [`Summary`] may hold.

use super::summary::{BUDGETS, Omitted, Summary};
use crate::report::SCHEMA_VERSION;

/// A summary as JSON, on one line, takes no more bytes than this.
pub const SUMMARY_BYTES: usize = 4096;
/// Bytes of an answer that are read: more is not a summary. A later version may say more than this one.
pub const READ_BYTES: usize = 4 * SUMMARY_BYTES;

const FINDINGS: usize = 6;
const WORKLOADS: usize = 12;
const UNSEEN: usize = 4;
const NOT_COVERED: usize = 48;

const NAME: usize = 253;
const SENTENCE: usize = 280;
const TITLE: usize = 200;
const SHORT: usize = 100;
const WORD: usize = 48;

/// Why an answer is no summary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`READ_BYTES`].
    #[error("the answer is longer than {READ_BYTES} bytes")]
    TooLong,
    /// Of another version.
    #[error(
        "the answer has schema version {0}, and this nospace reads {SCHEMA_VERSION}: use a nospace as new as the agents"
    )]
    Version(u64),
    /// Anything else.
    #[error("the answer is not a summary of nospace: {0}")]
    Invalid(String),
}

impl Summary {
    /// Reads what [`Summary::json`] has written, or another program that claims to have.
    ///
    /// # Errors
    ///
    /// It is no summary, or one that is too long.
    pub fn read(text: &[u8]) -> Result<Self, Unreadable> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Versioned {
            schema_version: u64,
        }
        if text.len() > READ_BYTES {
            return Err(Unreadable::TooLong);
        }
        let invalid =
            |error: serde_json::Error| Unreadable::Invalid(cut(&error.to_string(), TITLE));
        let version: Versioned = serde_json::from_slice(text).map_err(invalid)?;
        if version.schema_version != u64::from(SCHEMA_VERSION) {
            return Err(Unreadable::Version(version.schema_version));
        }
        let summary: Self = serde_json::from_slice(text).map_err(invalid)?;
        Ok(summary.bounded())
    }

    /// On one line of at most [`SUMMARY_BYTES`], its end included.
    #[must_use]
    pub fn json(&self) -> String {
        // A structure of strings and numbers has a JSON form.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The same within bounds, and with what that left out.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.cut_strings();
        for (list, most) in [
            (List::Findings, FINDINGS),
            (List::Budgets, BUDGETS),
            (List::Workloads, WORKLOADS),
            (List::Unseen, UNSEEN),
            (List::NotCovered, NOT_COVERED),
        ] {
            while self.len(list) > most {
                self.drop_last(list);
            }
        }
        // What is least missed goes first.
        for (list, least) in [
            (List::Workloads, 5),
            (List::Budgets, 4),
            (List::Findings, 3),
            (List::NotCovered, 16),
            (List::Unseen, 1),
            (List::Workloads, 1),
            (List::Budgets, 2),
            (List::Findings, 1),
            (List::NotCovered, 0),
            (List::Workloads, 0),
            (List::Budgets, 0),
            (List::Unseen, 0),
            (List::Findings, 0),
        ] {
            while self.len(list) > least && escaped(&self.json()) > SUMMARY_BYTES {
                self.drop_last(list);
            }
        }
        self
    }

    fn len(&self, list: List) -> usize {
        match list {
            List::Findings => self.findings.len(),
            List::Budgets => self.budgets.len(),
            List::Workloads => self.workloads.len(),
            List::Unseen => self.unseen.len(),
            List::NotCovered => self.not_covered.len(),
        }
    }

    fn drop_last(&mut self, list: List) {
        let Omitted {
            findings,
            budgets,
            unseen,
            not_covered,
            workloads,
            instances,
            watches,
        } = &mut self.omitted;
        let count = match list {
            List::Findings => self.findings.pop().map(|_| findings),
            List::Budgets => self.budgets.pop().map(|_| budgets),
            List::Unseen => self.unseen.pop().map(|_| unseen),
            List::NotCovered => self.not_covered.pop().map(|_| not_covered),
            List::Workloads => self.workloads.pop().map(|one| {
                *instances = instances.saturating_add(one.instances);
                *watches = watches.saturating_add(one.watches);
                workloads
            }),
        };
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
    }

    fn cut_strings(&mut self) {
        let fixed = [
            (&mut self.node, NAME),
            (&mut self.kernel, SHORT),
            (&mut self.nospace_version, WORD),
            (&mut self.taken_at, WORD),
            (&mut self.headline, SENTENCE),
        ];
        fixed
            .into_iter()
            .for_each(|(text, most)| shorten(text, most));
        if let Some(next) = &mut self.next_full {
            shorten(&mut next.cause, WORD);
            shorten(&mut next.subject, SHORT);
            next.user_name
                .iter_mut()
                .for_each(|name| shorten(name, WORD));
        }
        for one in &mut self.findings {
            shorten(&mut one.cause, WORD);
            shorten(&mut one.rule, WORD);
            shorten(&mut one.subject, SHORT);
            shorten(&mut one.title, TITLE);
            one.culprit.iter_mut().for_each(|text| shorten(text, TITLE));
            one.group.iter_mut().for_each(|text| shorten(text, SHORT));
            let workload = one.workload.iter_mut();
            workload.for_each(|one| shorten_both(&mut one.namespace, &mut one.name));
        }
        for one in &mut self.budgets {
            shorten(&mut one.cause, WORD);
            shorten(&mut one.subject, SHORT);
            one.user_name
                .iter_mut()
                .for_each(|name| shorten(name, WORD));
            shorten(&mut one.unit, WORD);
        }
        for one in &mut self.workloads {
            shorten_both(&mut one.workload.namespace, &mut one.workload.name);
        }
        self.unseen.iter_mut().for_each(|text| shorten(text, TITLE));
        let codes = self.not_covered.iter_mut();
        codes.for_each(|text| shorten(text, WORD));
    }
}

#[derive(Clone, Copy)]
enum List {
    Findings,
    Budgets,
    Workloads,
    Unseen,
    NotCovered,
}

fn shorten_both(namespace: &mut String, name: &mut String) {
    shorten(namespace, 63);
    shorten(name, SHORT);
}

fn shorten(text: &mut String, most: usize) {
    if escaped(text) > most {
        *text = cut(text, most);
    }
}

/// The beginning of `text` that takes at most this many bytes as JSON, with `...` at its end where more follows.
pub fn cut(text: &str, most: usize) -> String {
    if escaped(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 3;
    for c in text.chars() {
        taken += weight(c);
        if taken > most {
            break;
        }
        kept.push(c);
    }
    kept.push_str("...");
    kept
}

/// Bytes of `text` in JSON that has nothing but ASCII in it, however it is escaped.
fn escaped(text: &str) -> usize {
    text.chars().map(weight).sum()
}

fn weight(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        ' '..='~' => 1,
        '\0'..='\u{ffff}' => 6,
        _ => 12,
    }
}
