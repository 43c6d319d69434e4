use std::collections::BTreeMap;
use std::ops::Range;

use super::evidence::{Dialect, Evidence, Place};
use super::rules::{Rule, Scope, Verdict, find_word, rules};
use super::statement::{Statement, Surroundings};
use crate::cause::Cause;
use crate::normalise::{Errno, NormalForm};
use crate::signatures::Confidence;

/// Points from which a cause is certain, if the next one is `LEAD` behind.
const CERTAIN: u32 = 10;
/// Points from which it is likely, if the next one is not as good.
const LIKELY: u32 = 6;
/// Points below which nothing is said.
const POSSIBLE: u32 = 3;
/// What a certain cause is ahead of the next one.
const LEAD: u32 = 5;
/// How far behind the best a cause is still a candidate.
const BEHIND: u32 = 4;

/// What the evidence of a line allows to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It states no errno, or too little beside it.
    Nothing,
    /// It is a refusal, but not by a limit that nospace knows.
    NoLimit,
    /// This.
    Limit(Box<Inference>),
}

/// What a line means, and by which evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// The best candidate.
    pub cause: Cause,
    /// Every cause that the evidence allows, the likeliest first.
    pub candidates: Vec<Cause>,
    /// How sure the evidence makes of `cause`.
    pub confidence: Confidence,
    /// What speaks for `cause`: the errno, then words, in the order of the table.
    pub reasons: Vec<String>,
    /// The evidence itself.
    pub evidence: Evidence,
}

/// What `message` means by the table of rules.
#[must_use]
pub fn infer(message: &NormalForm, around: Surroundings) -> Answer {
    Evidence::of(message, around).map_or(Answer::Nothing, weigh)
}

fn weigh(evidence: Evidence) -> Answer {
    let ranked = rank(&evidence);
    let (cause, best) = match ranked.first() {
        Some((Verdict::None(_), _)) => return Answer::NoLimit,
        Some((Verdict::Cause(cause), score))
            if score.points >= POSSIBLE
                && (stands_alone(&evidence) || names_call(*cause, &evidence)) =>
        {
            (*cause, score)
        }
        _ => return Answer::Nothing,
    };
    let next = ranked.get(1).map_or(0, |(_, score)| score.points);
    let confidence = match best.points {
        points if points >= CERTAIN && points - next >= LEAD && best.or.is_empty() => {
            Confidence::Certain
        }
        points if points >= LIKELY && points > next => Confidence::Likely,
        _ => Confidence::Possible,
    };
    let mut candidates = vec![cause];
    let close = ranked
        .iter()
        .filter(|(_, score)| {
            confidence < Confidence::Certain && score.points + BEHIND > best.points
        })
        .filter_map(|(verdict, _)| match verdict {
            Verdict::Cause(cause) => Some(*cause),
            Verdict::None(_) => None,
        });
    for other in best.or.iter().copied().chain(close) {
        if !candidates.contains(&other) {
            candidates.push(other);
        }
    }
    let mut reasons = vec![evidence.errno.name().to_owned()];
    reasons.extend(best.reasons.iter().cloned());
    Answer::Limit(Box::new(Inference {
        cause,
        candidates,
        confidence,
        reasons,
        evidence,
    }))
}

/// What the rules say for one verdict.
#[derive(Debug, Default)]
struct Score {
    points: u32,
    reasons: Vec<String>,
    or: Vec<Cause>,
}

/// Each verdict that a rule speaks for, the best first.
fn rank(evidence: &Evidence) -> Vec<(Verdict, Score)> {
    let mut scores: BTreeMap<Verdict, Score> = BTreeMap::new();
    for rule in rules() {
        if let Some(reason) = applies(rule, evidence) {
            let score = scores.entry(rule.cause).or_default();
            score.points += rule.points;
            score.or.extend(&rule.or);
            let new = reason.filter(|r| !score.reasons.contains(r));
            score.reasons.extend(new);
        }
    }
    let mut ranked: Vec<_> = scores.into_iter().collect();
    ranked.sort_by_key(|(_, score)| std::cmp::Reverse(score.points));
    ranked
}

/// Whether the errno says enough. ENOSPC does not, as firmware, devices and tables of the kernel answer it, too; but Go names
/// the call and the path of a file.
fn stands_alone(evidence: &Evidence) -> bool {
    match evidence.errno {
        Errno::ENFILE => true,
        Errno::ENOSPC if evidence.dialect != Some(Dialect::Go) => false,
        _ => evidence.statement == Statement::Firm,
    }
}

/// Whether more than the errno and who wrote it speaks for `cause`.
fn names_call(cause: Cause, evidence: &Evidence) -> bool {
    rules()
        .iter()
        .filter(|rule| rule.cause == Verdict::Cause(cause))
        .filter(|rule| !rule.words.is_empty() || rule.place.is_some_and(|p| p != Place::None))
        .any(|rule| applies(rule, evidence).is_some())
}

/// Whether `rule` applies to `evidence`; then what it is by, where that can be said.
fn applies(rule: &Rule, evidence: &Evidence) -> Option<Option<String>> {
    let dialect = |wanted: Dialect| evidence.dialect == Some(wanted);
    if !rule.errno.contains(&evidence.errno)
        || !rule.dialect.is_none_or(dialect)
        || rule.place.is_some_and(|place| place != evidence.place)
        || find_word(&evidence.clause, &rule.unless).is_some()
    {
        return None;
    }
    // What a file is called says nothing of a device.
    let apart = (matches!(rule.cause, Verdict::None(_)) && evidence.place == Place::Disk)
        .then(|| evidence.line_without_object());
    let text = match rule.scope {
        Scope::Clause => &evidence.clause,
        Scope::Line => apart.as_ref().unwrap_or(&evidence.line),
    };
    let found = if rule.words.is_empty() {
        None
    } else {
        Some(find_word(text, &rule.words)?)
    };
    Some(match (&rule.says, found) {
        (Some(says), _) => Some(says.clone()),
        (None, Some(word)) => Some(format!("\"{}\"", word.trim())),
        (None, None) => rule.place.and_then(|_| evidence.object.clone()),
    })
}

impl Inference {
    /// The telling part, in bytes of the normal form.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.evidence.start..self.evidence.mention.end
    }
}
