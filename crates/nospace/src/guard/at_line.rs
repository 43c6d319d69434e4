//! Which pods are reported, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use nospace_bpf::guard::{AtLine, Counts};
use nospace_core::model::{InotifyResource, Pair};

use super::kinds::{inotify, pair};
use super::lines::LastCall;

/// A pod at the line calls again and again.
const INTERVAL: Duration = Duration::from_secs(60);

/// What was reported of each pod. There are as many as the eBPF programs count.
#[derive(Debug, Default)]
pub struct Log {
    pods: BTreeMap<u64, Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// Calls that were told.
    calls: Pair<u64>,
    at: Option<Duration>,
    last: Pair<Option<LastCall>>,
}

/// Calls of a pod that are to be told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Id of its cgroup.
    pub pod: u64,
    /// Since the last time.
    pub calls: Pair<u64>,
    /// Since the start.
    pub total: Pair<u64>,
    /// The last call for each resource, where one was reported since the last time.
    pub last: Pair<Option<LastCall>>,
}

/// Calls at the line, in either mode: a guard keeps its mode.
pub fn calls(counts: &Counts) -> Pair<u64> {
    pair(counts.refused).plus(pair(counts.would_refuse))
}

impl Log {
    /// Takes a report of the programs.
    pub fn take(&mut self, report: &AtLine) {
        let told = self.pods.entry(report.pod).or_default();
        told.last[inotify(report.resource)] = Some(LastCall {
            pid: report.pid,
            comm: String::from_utf8_lossy(&report.comm).into_owned(),
            used: report.used,
            limit: report.limit,
        });
    }

    /// What is to be told, by what the programs have counted for each pod: a pod at most once a minute.
    pub fn due(&mut self, counts: &BTreeMap<u64, Counts>, now: Duration) -> Vec<Due> {
        self.pods.retain(|pod, _| counts.contains_key(pod));
        let mut all = Vec::new();
        for (pod, counts) in counts {
            let told = self.pods.entry(*pod).or_default();
            let total = calls(counts);
            // The programs have forgotten it meanwhile, and begun anew.
            let begun_anew = InotifyResource::BOTH
                .into_iter()
                .any(|one| total[one] < told.calls[one]);
            if begun_anew {
                told.calls = Pair::default();
            }
            let is_early = |at: Duration| now.saturating_sub(at) < INTERVAL;
            if total == told.calls || told.at.is_some_and(is_early) {
                continue;
            }
            let new = total.minus(told.calls);
            told.calls = total;
            told.at = Some(now);
            all.push(Due {
                pod: *pod,
                calls: new,
                total,
                last: std::mem::take(&mut told.last),
            });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use nospace_bpf::guard::{Both, Resource};

    use super::*;

    fn counts(watches: u64, instances: u64) -> BTreeMap<u64, Counts> {
        let refused = Both { watches, instances };
        let counts = Counts {
            refused,
            ..Counts::default()
        };
        [(7, counts)].into()
    }

    fn report(pid: u32) -> AtLine {
        AtLine {
            resource: Resource::Watches,
            refused: true,
            pid,
            comm: b"no\xffde".to_vec(),
            pod: 7,
            used: 900,
            limit: 1000,
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_pod_is_told_of_at_once_and_then_once_a_minute() {
        let mut log = Log::default();
        assert_eq!(log.due(&BTreeMap::new(), at(0)), []);
        log.take(&report(41));
        log.take(&report(42));
        let first = log.due(&counts(3, 0), at(1));
        assert_eq!((first.len(), first[0].calls), (1, Pair::of(0, 3)));
        let last = first[0].last.watches.as_ref().unwrap();
        assert_eq!((last.pid, last.comm.as_str()), (42, "no\u{fffd}de"));
        assert_eq!(first[0].last.instances, None);
        assert_eq!(log.due(&counts(9, 1), at(2)), []);
        assert_eq!(log.due(&counts(20, 1), at(60)), []);
        let second = log.due(&counts(20, 1), at(61));
        assert_eq!(second[0].calls, Pair::of(1, 17));
        assert_eq!(second[0].total, Pair::of(1, 20));
        assert_eq!(second[0].last, Pair::default());
        assert_eq!(log.due(&counts(20, 1), at(200)), []);
    }

    #[test]
    fn what_the_programs_have_forgotten_begins_anew() {
        let mut log = Log::default();
        log.due(&counts(20, 0), at(0));
        let again = log.due(&counts(2, 0), at(100));
        assert_eq!(again[0].calls, Pair::of(0, 2));
        assert_eq!(log.due(&BTreeMap::new(), at(101)), []);
        assert!(log.pods.is_empty());
    }
}
