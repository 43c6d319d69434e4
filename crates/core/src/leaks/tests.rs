use super::*;
use crate::diff::{Holding, Holdings};
use crate::model::Pair;
use crate::report::{Budget, Severity, Unattributed, User};
use crate::workload::WorkloadKind;

pub(super) const EVERY: u64 = 15;

/// SplitMix64: the same histories on every run.
pub(super) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}

/// A look: watches, instances, and which start of the workload it is.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub watches: u64,
    pub instances: u64,
    pub start: u64,
    pub pods: u64,
    /// One process of it never restarts.
    pub supervised: bool,
}

impl Look {
    pub fn of(watches: u64) -> Self {
        Self {
            watches,
            instances: 3,
            start: 0,
            pods: 1,
            supervised: false,
        }
    }
}

fn user(limit: Pair<u64>, used: Pair<u64>) -> User {
    let budget = |limit, used| Budget {
        used,
        limit: Some(limit),
        provenance: crate::model::Provenance::Exact,
    };
    User {
        uid: 0,
        user_namespace: crate::model::INITIAL_USER_NAMESPACE,
        instances: budget(limit.instances, used.instances),
        watches: budget(limit.watches, used.watches),
        unattributed: Unattributed::default(),
        draws_on: None,
    }
}

/// What is reported of a history: the number of each look at which something was, with it.
pub(super) fn reported(limit: Pair<u64>, looks: &[Look]) -> Vec<(usize, Vec<Leak>)> {
    let mut tracker = Tracker::default();
    let workload = Workload {
        kind: WorkloadKind::Deployment,
        namespace: "default".into(),
        name: "web".into(),
    };
    let mut all = Vec::new();
    for (number, look) in looks.iter().enumerate() {
        let holds = Pair {
            instances: look.instances,
            watches: look.watches,
        };
        let user = user(limit, holds);
        let id = |pod| format!("{:064x}", look.start * 1000 + pod);
        let kept = look.supervised.then(|| "supervisor".to_owned());
        let holding = Holding {
            holds,
            parts: look.pods,
            charged: Some(user.key()),
            ids: (0..look.pods).map(id).chain(kept).collect(),
        };
        let holdings = Holdings {
            by: [(workload.clone(), holding)].into(),
        };
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let leaks = tracker.add(&holdings, &[user], (number as u64 * EVERY) as f64);
        if !leaks.is_empty() {
            all.push((number, leaks));
        }
    }
    all
}

pub(super) fn watches(limit: u64) -> Pair<u64> {
    Pair {
        instances: 8192,
        watches: limit,
    }
}

const LIMITS: [u64; 5] = [8_192, 65_536, 192_536, 524_288, 1_048_576];

pub(super) fn limit(random: &mut Random) -> u64 {
    LIMITS[usize::try_from(random.next() % 5).unwrap()]
}

#[test]
fn leaks_of_5_percent_an_hour_are_found_within_15_minutes() {
    let mut random = Random(20_26);
    let (mut late, mut jittered) = (Vec::new(), 0);
    for number in 0..300 {
        let limit = limit(&mut random);
        let base = random.between(limit / 100, limit / 3);
        let hourly = limit * random.between(5, 40) / 100;
        // Uneven, and with falls of up to a hundredth of what it holds, in every other.
        let jitter = if number % 2 == 0 {
            0
        } else {
            hourly * EVERY / 3600 / 2
        };
        jittered += jitter;
        let looks: Vec<Look> = (0..=60)
            .map(|n| Look::of(base + hourly * n * EVERY / 3600 + random.between(0, jitter.max(1))))
            .collect();
        let found = reported(watches(limit), &looks);
        match found.first() {
            None => late.push((number, limit, hourly)),
            Some((first, leaks)) => {
                assert!(*first + 1 >= MIN_SAMPLES);
                let rate = leaks[0].per_second() * 3600.0;
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let expected = hourly as f64;
                assert!(
                    (rate - expected).abs() < expected * 0.2,
                    "{rate} {expected}"
                );
                assert_eq!(leaks[0].share, Some(100));
            }
        }
    }
    assert!(jittered > 0);
    assert!(late.is_empty(), "{late:?}");
}

/// A node is healthy before a leak begins: for a quarter of an hour up to two days.
#[test]
fn leaks_that_begin_late_are_found_within_15_minutes() {
    let mut random = Random(15);
    let mut late = Vec::new();
    for number in 0..100 {
        let limit = limit(&mut random);
        let base = random.between(limit / 100, limit / 3);
        let hourly = limit * random.between(5, 40) / 100;
        let quiet = random.between(60, if number % 50 == 0 { 11_520 } else { 960 });
        let looks: Vec<Look> = (0..=quiet + 60)
            .map(|n| Look::of(base + hourly * n.saturating_sub(quiet) * EVERY / 3600))
            .collect();
        let found = reported(watches(limit), &looks);
        match found.first() {
            None => late.push((number, limit, quiet)),
            Some((first, leaks)) => {
                assert!(*first as u64 > quiet, "{first} {quiet}");
                let rate = leaks[0].per_second() * 3600.0;
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let expected = hourly as f64;
                assert!(
                    (rate - expected).abs() < expected * 0.25,
                    "{rate} {expected}"
                );
            }
        }
    }
    assert!(late.is_empty(), "{}: {late:?}", late.len());
}

/// Of a budget of 128, 5 % an hour are one in nine minutes: fewer than four of them may be anything.
#[test]
fn leaks_of_small_budgets_are_found_when_they_have_risen_four_times() {
    for (limit, minutes) in [(128, 40), (256, 20), (512, 15), (1024, 15), (8192, 15)] {
        let hourly = limit * 5 / 100;
        for quiet in [0, 240_u64] {
            let looks: Vec<Look> = (0..=quiet + minutes * 4)
                .map(|n| Look {
                    instances: 5 + hourly * n.saturating_sub(quiet) * EVERY / 3600,
                    ..Look::of(40)
                })
                .collect();
            let limits = Pair {
                instances: limit,
                watches: 8192,
            };
            let found = reported(limits, &looks);
            assert!(!found.is_empty(), "{limit} after {quiet}");
        }
    }
}

#[test]
fn one_an_hour_of_128_is_found_in_time() {
    let looks: Vec<Look> = (0..16 * 240)
        .map(|n| Look {
            instances: 5 + n / 240,
            ..Look::of(40)
        })
        .collect();
    let limit = Pair {
        instances: 128,
        watches: 8192,
    };
    let found = reported(limit, &looks);
    let (first, leaks) = &found[0];
    assert!(*first < 8 * 240, "{first}");
    assert_eq!(leaks[0].resource, InotifyResource::Instances);
    assert_eq!(leaks[0].pattern, Some(Pattern::EmptyInstances));
    // Half of what is left has gone by the time of the last one.
    let days = leaks[0].full_in().unwrap() / 86_400.0;
    assert!((3.0..7.0).contains(&days), "{days}");
}

#[test]
fn never_from_fewer_than_eight_samples() {
    let mut tracker_looks = Vec::new();
    for n in 0..20 {
        tracker_looks.push(Look::of(100 + n * 100));
    }
    assert!(reported(watches(8192), &tracker_looks[..MIN_SAMPLES - 1]).is_empty());
    // Nor in a time in which many things grow.
    assert!(reported(watches(8192), &tracker_looks).is_empty());
}

#[test]
fn a_restart_begins_anew() {
    let mut looks: Vec<Look> = (0..60).map(|n| Look::of(100 + n * 50)).collect();
    assert!(!reported(watches(65_536), &looks).is_empty());
    for (n, look) in looks.iter_mut().enumerate() {
        look.start = n as u64 / 30;
    }
    assert!(reported(watches(65_536), &looks).is_empty());
}

#[test]
fn what_they_look_like_is_said() {
    let looks = |watches_each: u64| -> Vec<Look> {
        let look = |n: u64| Look {
            instances: 10 + n,
            watches: 500 + n * watches_each,
            start: 0,
            pods: 1,
            supervised: false,
        };
        (0..60).map(look).collect()
    };
    let limit = Pair {
        instances: 512,
        watches: 8192,
    };
    for (each, pattern, words) in [
        (1, Pattern::InstancePerFile, "an instance for each file"),
        (0, Pattern::EmptyInstances, "does not use or close"),
    ] {
        let found = reported(limit, &looks(each));
        let (_, leaks) = found.last().unwrap();
        let leak = leaks
            .iter()
            .find(|leak| leak.resource == InotifyResource::Instances)
            .unwrap();
        assert_eq!(leak.pattern, Some(pattern));
        let findings = findings(leaks);
        assert!(
            findings
                .iter()
                .flat_map(|f| &f.evidence)
                .any(|line| line.contains(words))
        );
    }
    let found = reported(limit, &looks(1));
    let finding = &findings(&found.last().unwrap().1)[0];
    assert_eq!(
        finding.title,
        "deployment default/web keeps taking inotify instances: 59 more in 14 min; the budget lasts 1 h 50 min at this rate"
    );
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(finding.rule.name(), "leak");
    let full = Leak {
        left: Some(0),
        ..found.last().unwrap().1[0].clone()
    };
    let title = findings(&[full])[0].title.clone();
    assert!(title.ends_with("; the budget is used up"), "{title}");
}
