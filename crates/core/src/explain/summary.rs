use std::collections::BTreeMap;

use super::hit::Hit;
use super::report::{ExplainedCause, LineRef, MessageKind, Verdict};
use crate::cause::Cause;
use crate::signatures::{Confidence, Table};

/// Names of each kind that a cause keeps.
const KEPT: usize = 10;
/// Programs that are counted for one cause; more of them are not told apart.
const PROGRAMS: usize = 64;

/// Adds hits up by cause, in memory that does not grow with their number.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    causes: BTreeMap<Cause, Sum>,
    order: u64,
}

#[derive(Clone, Debug)]
struct Sum {
    lines: u64,
    times: u64,
    candidates: Vec<Cause>,
    confidence: Confidence,
    first: (u64, Place),
    last: (u64, Place),
    programs: BTreeMap<String, u64>,
    hosts: Vec<String>,
    objects: Vec<String>,
    pods: Vec<String>,
    limit: Option<u64>,
    kinds: Vec<(MessageKind, Hit)>,
    /// Index of the kind that the surest message is of.
    surest: usize,
}

#[derive(Clone, Debug)]
struct Place {
    line: LineRef,
    time: Option<String>,
}

impl Summary {
    /// Adds `hit` of `source`; hits come in the order of the log.
    pub fn add(&mut self, source: &str, hit: &Hit, table: &Table) {
        self.order += 1;
        let order = self.order;
        let place = Place {
            line: LineRef {
                source: source.to_owned(),
                number: hit.number,
            },
            time: hit.time.clone(),
        };
        let sum = self
            .causes
            .entry(hit.meaning.cause)
            .or_insert_with(|| Sum::new(order, place.clone()));
        sum.add_kind(hit, &place.line, table);
        sum.last = (order, place);
        sum.add(hit, table);
    }

    /// Adds what another log said, which comes after this one.
    pub fn merge(&mut self, later: Self) {
        let base = self.order;
        self.order += later.order;
        for (cause, mut new) in later.causes {
            new.first.0 += base;
            new.last.0 += base;
            match self.causes.get_mut(&cause) {
                Some(sum) => sum.merge(new),
                None => {
                    self.causes.insert(cause, new);
                }
            }
        }
    }

    /// `true` while nothing matched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.causes.is_empty()
    }

    /// The messages to show of `cause`, at most `most`, in the order of the log: of each kind that has
    /// something to say about what follows the first one; where none has, the surest.
    #[must_use]
    pub fn samples(&self, cause: Cause, most: usize) -> Vec<(&MessageKind, &Hit)> {
        let Some(sum) = self.causes.get(&cause) else {
            return Vec::new();
        };
        let kinds = sum.kinds.iter().map(|(kind, hit)| (kind, hit));
        let telling: Vec<_> = kinds
            .clone()
            .filter(|(kind, _)| kind.note.is_some())
            .take(most)
            .collect();
        if telling.is_empty() {
            kinds.skip(sum.surest).take(1).collect()
        } else {
            telling
        }
    }

    /// Each cause, the most frequent first; the node was not asked yet.
    #[must_use]
    pub fn causes(&self) -> Vec<ExplainedCause> {
        let mut all: Vec<(u64, ExplainedCause)> = self
            .causes
            .iter()
            .map(|(cause, sum)| (sum.first.0, sum.explained(*cause)))
            .collect();
        all.sort_by_key(|(order, c)| (std::cmp::Reverse(c.lines), *order));
        all.into_iter().map(|(_, c)| c).collect()
    }
}

impl Sum {
    fn new(order: u64, place: Place) -> Self {
        Self {
            lines: 0,
            times: 0,
            candidates: Vec::new(),
            confidence: Confidence::Possible,
            first: (order, place.clone()),
            last: (order, place),
            programs: BTreeMap::new(),
            hosts: Vec::new(),
            objects: Vec::new(),
            pods: Vec::new(),
            limit: None,
            kinds: Vec::new(),
            surest: 0,
        }
    }

    fn add_kind(&mut self, hit: &Hit, line: &LineRef, table: &Table) {
        let id = hit.kind(table);
        let known = |k: &&mut (MessageKind, Hit)| k.0.signature == id;
        if let Some((kind, _)) = self.kinds.iter_mut().find(known) {
            kind.lines += 1;
            return;
        }
        let kind = MessageKind {
            signature: id,
            lines: 1,
            first_line: line.clone(),
            note: hit.note(table),
            sample: hit.text.clone(),
        };
        self.keep_kind(kind, hit.clone());
    }

    fn keep_kind(&mut self, kind: MessageKind, hit: Hit) {
        if self.kinds.len() >= KEPT {
            return;
        }
        let surest = self.kinds.get(self.surest);
        if surest.is_some_and(|(_, s)| hit.meaning.confidence > s.meaning.confidence) {
            self.surest = self.kinds.len();
        }
        self.kinds.push((kind, hit));
    }

    fn add(&mut self, hit: &Hit, table: &Table) {
        self.lines += 1;
        self.times += hit.times;
        self.confidence = self.confidence.max(hit.meaning.confidence);
        for candidate in &hit.meaning.candidates {
            remember(&mut self.candidates, candidate, Cause::ALL.len());
        }
        if let Some(program) = hit.program_in(table) {
            count(&mut self.programs, program, 1);
        }
        if let Some(host) = &hit.host {
            remember(&mut self.hosts, host, KEPT);
        }
        if let Some(name) = &hit.meaning.object.name {
            remember(&mut self.objects, name, KEPT);
        }
        if let Some(pod) = &hit.meaning.object.pod {
            remember(&mut self.pods, pod, KEPT);
        }
        self.limit = hit.meaning.object.limit.or(self.limit);
    }

    fn merge(&mut self, later: Self) {
        self.lines += later.lines;
        self.times += later.times;
        for (kind, hit) in later.kinds {
            match self
                .kinds
                .iter_mut()
                .find(|k| k.0.signature == kind.signature)
            {
                Some((known, _)) => known.lines += kind.lines,
                None => self.keep_kind(kind, hit),
            }
        }
        self.confidence = self.confidence.max(later.confidence);
        self.last = later.last;
        self.limit = later.limit.or(self.limit);
        for (program, n) in later.programs {
            count(&mut self.programs, program, n);
        }
        later
            .candidates
            .iter()
            .for_each(|c| remember(&mut self.candidates, c, Cause::ALL.len()));
        later
            .hosts
            .iter()
            .for_each(|h| remember(&mut self.hosts, h, KEPT));
        later
            .objects
            .iter()
            .for_each(|o| remember(&mut self.objects, o, KEPT));
        later
            .pods
            .iter()
            .for_each(|p| remember(&mut self.pods, p, KEPT));
    }

    fn explained(&self, cause: Cause) -> ExplainedCause {
        let mut programs: Vec<(&String, &u64)> = self.programs.iter().collect();
        programs.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        ExplainedCause {
            cause,
            candidates: self.candidates.clone(),
            confidence: self.confidence,
            lines: self.lines,
            times: self.times,
            first: self.first.1.time.clone(),
            last: self.last.1.time.clone(),
            first_line: self.first.1.line.clone(),
            last_line: self.last.1.line.clone(),
            programs: programs
                .into_iter()
                .take(KEPT)
                .map(|(p, _)| p.clone())
                .collect(),
            hosts: self.hosts.clone(),
            objects: self.objects.clone(),
            pods: self.pods.clone(),
            limit: self.limit,
            sample: self
                .kinds
                .get(self.surest)
                .map_or_else(String::new, |(kind, _)| kind.sample.clone()),
            kinds: self.kinds.iter().map(|(kind, _)| kind.clone()).collect(),
            decided: None,
            refused_by_guard: false,
            node: Verdict::Unknown,
            node_says: Vec::new(),
        }
    }
}

fn count(programs: &mut BTreeMap<String, u64>, program: String, n: u64) {
    let full = programs.len() >= PROGRAMS;
    if let Some(known) = programs.get_mut(&program) {
        *known += n;
    } else if !full {
        programs.insert(program, n);
    }
}

fn remember<T: Clone + PartialEq>(list: &mut Vec<T>, item: &T, most: usize) {
    if list.len() < most && !list.contains(item) {
        list.push(item.clone());
    }
}
