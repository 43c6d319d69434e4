//! Calls that were counted by caller, in a bounded number of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nospace_core::attribute::View;
use nospace_core::metrics::OTHER;

/// Rows, not counting `other`.
pub const MAX_ROWS: usize = 200;
/// A pod that is not in the latest collection is kept this long: it may be newer.
const GRACE: Duration = Duration::from_secs(60);

/// Calls by `N` labels; those from `OWNER` on name the caller: namespace, pod, and what there is below it.
#[derive(Debug, Default)]
pub struct CallRows<const N: usize, const OWNER: usize>(BTreeMap<Row<N>, CallCount>);

type Row<const N: usize> = [String; N];

#[derive(Debug)]
struct CallCount {
    calls: u64,
    last: Instant,
}

impl<const N: usize, const OWNER: usize> CallRows<N, OWNER> {
    /// Counts calls, the last of them made at `last`; without room for another row, as those of `other`.
    pub fn add(&mut self, row: Row<N>, calls: u64, last: Instant) {
        let full = self.0.len() >= MAX_ROWS && !self.0.contains_key(&row);
        let row = if full { Self::other(row) } else { row };
        let entry = self.0.entry(row).or_insert(CallCount { calls: 0, last });
        entry.calls += calls;
        entry.last = entry.last.max(last);
    }

    /// Moves the counts of pods that no longer exist to `other`.
    pub fn fold_deleted_pods(&mut self, view: &View<'_>) {
        if self.0.is_empty() {
            return;
        }
        let logs = &view.snapshot.containers.pod_logs;
        let logs = logs.iter().map(|p| (p.name.as_str(), p.uid.as_str()));
        let holders = view.pods.iter().map(|p| (p.name.as_str(), p.uid.as_str()));
        let there: BTreeSet<&str> = logs.chain(holders).flat_map(|(n, u)| [n, u]).collect();
        let gone = |row: &Row<N>, calls: &mut CallCount| {
            let pod = row[OWNER + 1].as_str();
            !pod.is_empty() && pod != OTHER && !there.contains(pod) && calls.last.elapsed() > GRACE
        };
        let gone: Vec<_> = self.0.extract_if(.., gone).collect();
        for (row, calls) in gone {
            self.add(Self::other(row), calls.calls, calls.last);
        }
    }

    /// All rows, in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = (&Row<N>, u64)> {
        self.0.iter().map(|(row, count)| (row, count.calls))
    }

    fn other(mut row: Row<N>) -> Row<N> {
        row[OWNER..].fill(OTHER.to_owned());
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rows = CallRows<3, 1>;

    fn row(pod: &str) -> Row<3> {
        ["ENOSPC", "default", pod].map(str::to_owned)
    }

    #[test]
    fn rows_are_bounded_and_none_is_lost() {
        let mut rows = Rows::default();
        for n in 0..MAX_ROWS + 50 {
            rows.add(row(&n.to_string()), 2, Instant::now());
        }
        assert_eq!(rows.iter().count(), MAX_ROWS + 1);
        let all: u64 = rows.iter().map(|(_, calls)| calls).sum();
        assert_eq!(all, 2 * (MAX_ROWS as u64 + 50));
        let (other, calls) = rows.iter().find(|(row, _)| row[2] == OTHER).unwrap();
        assert_eq!((calls, other[0].as_str()), (100, "ENOSPC"));
    }

    #[test]
    fn pods_that_have_gone_go_over_to_other() {
        let mut rows = Rows::default();
        let long_ago = Instant::now().checked_sub(GRACE * 2).unwrap();
        rows.add(row("here"), 1, long_ago);
        rows.add(row("gone"), 5, long_ago);
        rows.add(row("new"), 3, Instant::now());
        rows.add(row(""), 4, long_ago);
        let mut snapshot = nospace_core::model::Snapshot::default();
        snapshot
            .containers
            .pod_logs
            .push(nospace_core::model::PodLog {
                namespace: "default".to_owned(),
                name: "here".to_owned(),
                uid: "1".to_owned(),
            });
        rows.fold_deleted_pods(&nospace_core::view(&snapshot));
        let mut rows: Vec<_> = rows.iter().map(|(row, n)| (row[2].as_str(), n)).collect();
        rows.sort_unstable();
        assert_eq!(rows, [("", 4), ("here", 1), ("new", 3), (OTHER, 5)]);
    }
}
