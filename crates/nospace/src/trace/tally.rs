use std::cmp::Reverse;
use std::collections::BTreeMap;

use nospace_core::cause::Cause;
use nospace_core::report::Owner;

use super::{CallCount, SummaryRow, TraceSummary, TracedCall};

/// So many kinds of calls are told apart.
const KINDS: usize = 4096;

/// Counts calls by who made them and how they ended.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    kinds: BTreeMap<Kind, Seen>,
    calls: u64,
    failed: u64,
    refused: u64,
    omitted: u64,
    /// Calls whose owner was asked for and could not be told.
    pub unplaced: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    owner: Option<Owner>,
    comm: String,
    uid: u32,
    call: String,
    error: Option<String>,
    candidates: Vec<Cause>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    calls: u64,
    count: Option<CallCount>,
}

impl Tally {
    /// Counts a call.
    pub fn add(&mut self, call: &TracedCall) {
        self.calls += 1;
        self.failed += u64::from(call.error.is_some());
        self.refused += u64::from(!call.candidates.is_empty());
        let kind = Kind {
            owner: call.owner.clone(),
            comm: call.comm.clone(),
            uid: call.uid,
            call: call.call.clone(),
            error: call.error.clone(),
            candidates: call.candidates.clone(),
        };
        let full = self.kinds.len() >= KINDS;
        match self.kinds.get_mut(&kind) {
            Some(seen) => seen.add(call),
            None if full => self.omitted += 1,
            None => self.kinds.entry(kind).or_default().add(call),
        }
    }

    /// What was counted from `from` until `until`, of which `lost` calls were never seen.
    #[must_use]
    pub fn summary(&self, from: &str, until: &str, lost: u64) -> TraceSummary {
        let mut rows: Vec<SummaryRow> = self.kinds.iter().map(row).collect();
        rows.sort_by_key(|row| (row.candidates.is_empty(), Reverse(row.calls)));
        TraceSummary {
            from: from.to_owned(),
            until: until.to_owned(),
            last: false,
            calls: self.calls,
            failed: self.failed,
            refused: self.refused,
            lost,
            unplaced: self.unplaced,
            rows,
            calls_omitted: self.omitted,
        }
    }
}

impl Seen {
    fn add(&mut self, call: &TracedCall) {
        self.calls += 1;
        self.count = call.count.or(self.count);
    }
}

fn row((kind, seen): (&Kind, &Seen)) -> SummaryRow {
    SummaryRow {
        owner: kind.owner.clone(),
        comm: kind.comm.clone(),
        uid: kind.uid,
        call: kind.call.clone(),
        error: kind.error.clone(),
        cause: sole(&kind.candidates),
        candidates: kind.candidates.clone(),
        calls: seen.calls,
        count: seen.count,
    }
}

/// The one candidate, where there is one.
pub fn sole(candidates: &[Cause]) -> Option<Cause> {
    match candidates {
        [one] => Some(*one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(comm: &str, result: i64, candidates: &[Cause]) -> TracedCall {
        TracedCall {
            time: String::new(),
            call: "inotify_add_watch".to_owned(),
            pid: 7,
            tid: 7,
            uid: 0,
            comm: comm.to_owned(),
            cgroup: None,
            owner: None,
            fd: None,
            path: None,
            path_cut: false,
            argument: 0,
            words: Vec::new(),
            result,
            error: (result < 0).then(|| "E".to_owned()),
            cause: sole(candidates),
            candidates: candidates.to_vec(),
            count: None,
            descriptor_limit: None,
        }
    }

    #[test]
    fn refusals_come_first_and_sums_are_right() {
        let mut tally = Tally::default();
        for _ in 0..5 {
            tally.add(&call("a", 1, &[]));
        }
        tally.add(&call("a", -2, &[]));
        for _ in 0..2 {
            tally.add(&call("b", -28, &[Cause::InotifyWatches]));
        }
        let summary = tally.summary("", "", 9);
        assert_eq!(
            (summary.calls, summary.failed, summary.refused, summary.lost),
            (8, 3, 2, 9)
        );
        let rows: Vec<_> = summary.rows.iter().map(|r| (r.calls, r.cause)).collect();
        assert_eq!(
            rows,
            [(2, Some(Cause::InotifyWatches)), (5, None), (1, None)]
        );
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_left_uncounted() {
        let mut tally = Tally::default();
        for n in 0..KINDS + 100 {
            tally.add(&call(&n.to_string(), 1, &[]));
        }
        tally.add(&call("0", 1, &[]));
        let summary = tally.summary("", "", 0);
        let in_rows: u64 = summary.rows.iter().map(|r| r.calls).sum();
        assert_eq!((summary.rows.len(), summary.calls_omitted), (KINDS, 100));
        assert_eq!(in_rows + summary.calls_omitted, summary.calls);
    }
}
