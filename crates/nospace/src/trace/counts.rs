use std::cmp::Reverse;
use std::collections::BTreeMap;

use nospace_core::cause::Cause;
use nospace_core::report::{Owner, RefusingGuard};

use super::document::{CallCount, SummaryRow, TraceSummary, TracedCall};

/// Rows of a summary at most; further calls are counted without telling them apart.
const MAX_ROWS: usize = 4096;

/// Counts calls by who made them and how they ended.
#[derive(Clone, Debug, Default)]
pub struct SummaryCounts {
    rows: BTreeMap<RowKey, RowCounts>,
    calls: u64,
    failed: u64,
    refused: u64,
    refused_by_guard: u64,
    omitted: u64,
    /// Calls that were left out because a pod or container was asked for and their owner is unknown.
    pub unplaced: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    owner: Option<Owner>,
    comm: String,
    uid: u32,
    user_name: Option<String>,
    call: String,
    error: Option<String>,
    candidates: Vec<Cause>,
    otherwise: Option<String>,
    by_guard: bool,
}

#[derive(Clone, Debug, Default)]
struct RowCounts {
    calls: u64,
    count: Option<CallCount>,
    guard: Option<RefusingGuard>,
}

impl SummaryCounts {
    /// Counts a call.
    pub fn add(&mut self, call: &TracedCall) {
        self.calls += 1;
        self.failed += u64::from(call.error.is_some());
        let by_guard = call.guard.is_some();
        self.refused_by_guard += u64::from(by_guard);
        self.refused += u64::from(!call.candidates.is_empty() && !by_guard);
        let key = RowKey {
            owner: call.owner.clone(),
            comm: call.comm.clone(),
            uid: call.uid,
            user_name: call.user_name.clone(),
            call: call.call.clone(),
            error: call.error.clone(),
            candidates: call.candidates.clone(),
            otherwise: call.otherwise.clone(),
            by_guard,
        };
        let full = self.rows.len() >= MAX_ROWS;
        match self.rows.get_mut(&key) {
            Some(counts) => counts.add(call),
            None if full => self.omitted += 1,
            None => self.rows.entry(key).or_default().add(call),
        }
    }

    /// What was counted from `from` until `until`, of which `lost` calls were never counts.
    #[must_use]
    pub fn summary(&self, from: &str, until: &str, lost: u64) -> TraceSummary {
        let mut rows: Vec<SummaryRow> = self.rows.iter().map(row).collect();
        rows.sort_by_key(|row| (row.candidates.is_empty(), Reverse(row.calls)));
        TraceSummary {
            from: from.to_owned(),
            until: until.to_owned(),
            last: false,
            calls: self.calls,
            failed: self.failed,
            refused: self.refused,
            refused_by_guard: self.refused_by_guard,
            lost,
            unplaced: self.unplaced,
            rows,
            calls_omitted: self.omitted,
        }
    }
}

impl RowCounts {
    fn add(&mut self, call: &TracedCall) {
        self.calls += 1;
        self.guard = call.guard;
        if call.count.is_some() {
            self.count.clone_from(&call.count);
        }
    }
}

fn row((key, counts): (&RowKey, &RowCounts)) -> SummaryRow {
    SummaryRow {
        owner: key.owner.clone(),
        comm: key.comm.clone(),
        uid: key.uid,
        user_name: key.user_name.clone(),
        call: key.call.clone(),
        error: key.error.clone(),
        cause: sole(&key.candidates, key.otherwise.as_deref()),
        candidates: key.candidates.clone(),
        otherwise: key.otherwise.clone(),
        calls: counts.calls,
        count: counts.count.clone(),
        guard: counts.guard,
    }
}

/// The only candidate, where there is just one and nothing else it can have been.
pub fn sole(candidates: &[Cause], otherwise: Option<&str>) -> Option<Cause> {
    match (candidates, otherwise) {
        ([one], None) => Some(*one),
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
            user_name: None,
            cmdline: None,
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
            cause: sole(candidates, None),
            candidates: candidates.to_vec(),
            otherwise: None,
            count: None,
            guard: None,
            descriptor_limit: None,
        }
    }

    #[test]
    fn refusals_come_first_and_sums_are_right() {
        let mut counts = SummaryCounts::default();
        for _ in 0..5 {
            counts.add(&call("a", 1, &[]));
        }
        counts.add(&call("a", -2, &[]));
        for _ in 0..2 {
            counts.add(&call("b", -28, &[Cause::InotifyWatches]));
        }
        let summary = counts.summary("", "", 9);
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
    fn what_a_guard_refused_hit_no_limit() {
        let mut counts = SummaryCounts::default();
        let limit = call("a", -28, &[Cause::InotifyWatches]);
        counts.add(&limit);
        counts.add(&TracedCall {
            guard: Some(RefusingGuard { pid: 41, kept: 9 }),
            ..limit
        });
        let summary = counts.summary("", "", 0);
        let sums = (summary.failed, summary.refused, summary.refused_by_guard);
        assert_eq!((sums, summary.rows.len()), ((2, 1, 1), 2));
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_left_uncounted() {
        let mut counts = SummaryCounts::default();
        for n in 0..MAX_ROWS + 100 {
            counts.add(&call(&n.to_string(), 1, &[]));
        }
        counts.add(&call("0", 1, &[]));
        let summary = counts.summary("", "", 0);
        let in_rows: u64 = summary.rows.iter().map(|r| r.calls).sum();
        assert_eq!((summary.rows.len(), summary.calls_omitted), (MAX_ROWS, 100));
        assert_eq!(in_rows + summary.calls_omitted, summary.calls);
    }
}
