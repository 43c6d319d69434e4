use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, PatternID};

use super::frame::Frame;
use super::literal::Prefilter;
use super::object::Object;
use crate::cause::Cause;
use crate::inference::{Answer, Inference, Surroundings, infer, is_quoted};
use crate::normalise::NormalForm;
use crate::signatures::{Confidence, Pattern, Signature, Table, TableError};

/// Says what a message means.
#[derive(Debug)]
pub struct Classifier {
    table: Table,
    prefilter: Prefilter,
    /// What the signatures need to find in a message, in lower case: one pass tells which of them can match.
    needs: AhoCorasick,
    /// By signature, the patterns of `needs` that it needs: its literal, and the longest text of its own pattern.
    needed: Vec<Vec<PatternID>>,
    /// The signatures, the surest first.
    order: Vec<usize>,
}

/// What makes ENFILE of EMFILE.
const IN_SYSTEM: &[u8] = b" in system";

/// What a message means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Index of the signature that won, in the table; `None` where the evidence of the line decided.
    pub signature: Option<usize>,
    /// Its cause.
    pub cause: Cause,
    /// Every cause that the text allows, the likeliest first.
    pub candidates: Vec<Cause>,
    /// How sure the text makes of `cause`.
    pub confidence: Confidence,
    /// The evidence that decided: errno, words, object. Empty where a signature did.
    pub reasons: Vec<String>,
    /// What it names.
    pub object: Object,
    /// The telling part, in bytes of the normal form.
    pub span: Range<usize>,
    /// The part without which there would be no match.
    pub(super) core: Range<usize>,
}

impl Classifier {
    /// A classifier by `table`.
    ///
    /// # Errors
    /// When the table's literals make no automaton.
    pub fn new(table: Table) -> Result<Self, TableError> {
        let prefilter = Prefilter::new(&table).map_err(unusable)?;
        let (needs, needed) = needs(table.signatures())?;
        let mut order: Vec<usize> = (0..needed.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(table.signatures()[*i].confidence));
        Ok(Self {
            table,
            prefilter,
            needs,
            needed,
            order,
        })
    }

    /// The table that it goes by.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn prefilter(&self) -> &Prefilter {
        &self.prefilter
    }

    /// What `line` means, in whatever form; `None` where no signature matches and it states no refusal.
    #[must_use]
    pub fn classify(&self, line: &[u8]) -> Option<Match> {
        let frame = Frame::of(line);
        self.classify_frame(&frame, &NormalForm::of(&frame.message))
    }

    /// As [`Self::classify`], of a line whose `message` is in normal form.
    ///
    /// What no logger wrote may quote a refusal: then it means nothing.
    pub(super) fn classify_frame(&self, frame: &Frame<'_>, message: &NormalForm) -> Option<Match> {
        let around = frame.surroundings();
        let found = self.classify_normal(message, around)?;
        let told = message.original(found.core.clone());
        let quoted = !around.is_logged && is_quoted(&frame.message, told);
        (!quoted).then_some(found)
    }

    /// A signature is the strongest evidence. One that is not certain yields where the line shows that no limit is meant, and
    /// where the line shows a particular limit more clearly.
    fn classify_normal(&self, message: &NormalForm, around: Surroundings) -> Option<Match> {
        let known = self.by_signature(message.text());
        if known
            .as_ref()
            .is_some_and(|m| m.confidence == Confidence::Certain)
        {
            return known;
        }
        match (known, infer(message, around)) {
            (_, Answer::NoLimit) => None,
            (Some(known), Answer::Limit(inferred))
                if inferred.confidence > known.confidence
                    && (known.confidence == Confidence::Possible || is_particular(&inferred)) =>
            {
                Some(Match::inferred(*inferred, message.text()))
            }
            (None, Answer::Limit(inferred)) => Some(Match::inferred(*inferred, message.text())),
            (known, _) => known,
        }
    }

    fn by_signature(&self, message: &[u8]) -> Option<Match> {
        let lower = message.to_ascii_lowercase();
        let mut found = vec![false; self.needs.patterns_len()];
        for text in self.needs.find_overlapping_iter(&lower) {
            found[text.pattern().as_usize()] = true;
        }
        let mut best: Option<Match> = None;
        for &index in &self.order {
            let signature = &self.table.signatures()[index];
            if best
                .as_ref()
                .is_some_and(|b| b.confidence > signature.confidence)
            {
                break;
            }
            if !self.needed[index].iter().all(|text| found[text.as_usize()]) {
                continue;
            }
            let Some(hit) = self.try_signature(index, signature, message) else {
                continue;
            };
            if best.as_ref().is_none_or(|b| wins(&hit, b)) {
                best = Some(hit);
            }
        }
        best
    }

    fn try_signature(&self, index: usize, signature: &Signature, message: &[u8]) -> Option<Match> {
        let captures = self.table.pattern(index)?.find(signature, message)?;
        let whole = captures.get(0)?;
        // `too many open files in system` is another errno than the words that it begins with.
        let rest = message.get(whole.end()..whole.end() + IN_SYSTEM.len());
        if rest.is_some_and(|rest| rest.eq_ignore_ascii_case(IN_SYSTEM)) {
            return None;
        }
        Some(Match {
            signature: Some(index),
            cause: signature.cause,
            candidates: signature.candidates(),
            confidence: signature.confidence,
            reasons: Vec::new(),
            object: Object::of(&captures, message),
            span: whole.range(),
            core: whole.range(),
        })
    }
}

/// Whether what the line says is more than that a disk is full or a process has too many files, which any words can seem to say.
fn is_particular(inferred: &Inference) -> bool {
    !matches!(inferred.cause, Cause::DiskSpace | Cause::ProcessFiles)
}

/// An automaton for everything that `signatures` need to find, and what each of them needs.
fn needs(signatures: &[Signature]) -> Result<(AhoCorasick, Vec<Vec<PatternID>>), TableError> {
    let mut texts: Vec<String> = Vec::new();
    let mut known: HashMap<String, PatternID> = HashMap::new();
    let mut needed = Vec::with_capacity(signatures.len());
    for signature in signatures {
        let mut own = Vec::new();
        let literal = signature.literal.to_ascii_lowercase();
        for text in std::iter::once(literal).chain(Pattern::required(signature)) {
            let id = match known.get(&text) {
                Some(id) => *id,
                None => {
                    let id = PatternID::new(texts.len()).map_err(unusable)?;
                    texts.push(text.clone());
                    known.insert(text, id);
                    id
                }
            };
            own.push(id);
        }
        needed.push(own);
    }
    let needs = AhoCorasick::new(&texts).map_err(unusable)?;
    Ok((needs, needed))
}

fn unusable(why: impl ToString) -> TableError {
    TableError::Syntax {
        file: "literals".to_owned(),
        why: why.to_string(),
    }
}

impl Match {
    fn inferred(by: Inference, message: &[u8]) -> Self {
        Self {
            signature: None,
            cause: by.cause,
            candidates: by.candidates.clone(),
            confidence: by.confidence,
            span: by.span(),
            core: by.evidence.mention.clone(),
            object: Object::named(by.evidence.object, message),
            reasons: by.reasons,
        }
    }
}

/// Of two signatures that match one message: the surer one; then the one that ends later, for a
/// wrapped error has its cause at its end; then the one that stands first in the table.
fn wins(new: &Match, old: &Match) -> bool {
    (new.confidence, new.span.end) > (old.confidence, old.span.end)
}
