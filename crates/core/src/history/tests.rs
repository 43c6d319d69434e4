use std::collections::BTreeMap;

use proptest::prelude::*;

use super::sample::ALWAYS;
use super::*;
use crate::cause::Cause;
use crate::model::Provenance;
use crate::report::Status;
use crate::workload::{Workload, WorkloadKind};

const HOURS: i64 = 6 * 3_600_000;
const EVERY: i64 = 15_000;

fn budget(name: &str, used: u64, limit: u64) -> Reading<BudgetKey> {
    Reading {
        key: BudgetKey {
            cause: Cause::Keys,
            subject: name.parse().unwrap(),
            unit: "keys".to_owned(),
        },
        figures: [used, limit],
        provenance: Provenance::Exact,
        rank: used * 100 / limit.max(1),
    }
}

fn workload(name: &str, watches: u64, instances: u64) -> Reading<Workload> {
    Reading {
        key: Workload {
            kind: WorkloadKind::Deployment,
            namespace: "default".to_owned(),
            name: name.to_owned(),
        },
        figures: [watches, instances],
        provenance: Provenance::Exact,
        rank: watches,
    }
}

fn sample(at: i64, used: u64) -> Sample {
    Sample {
        at,
        every: EVERY,
        status: Status::reported(0).unwrap(),
        refusals: Some(BTreeMap::new()),
        budgets: vec![budget("a", used, 100)],
        workloads: Some(vec![workload("web", used, 1)]),
    }
}

fn document(recent: &Recent, query: &Query) -> HistoryDocument {
    recent.document("n1", query, &|at| at.to_string())
}

#[test]
fn a_point_is_the_highest_of_its_step() {
    let mut recent = Recent::new(HOURS);
    for (number, used) in [10, 90, 20, 30, 40].into_iter().enumerate() {
        recent.add(sample(EVERY * number as i64, used));
    }
    let document = document(&recent, &Query::default());
    assert_eq!(document.step_seconds, 60.0);
    assert_eq!(document.budgets[0].used, [Some(90), Some(40)]);
    assert_eq!(document.budgets[0].limit, [Some(100), Some(100)]);
    assert_eq!(document.workloads[0].watches, [Some(90), Some(40)]);
    assert_eq!(document.samples[0].collections, 4);
    assert_eq!(document.samples[0].at, "45000");
}

#[test]
fn who_is_gone_holds_nothing_and_who_was_not_seen_is_unknown() {
    let mut recent = Recent::new(HOURS);
    let mut gone = sample(60_000, 5);
    gone.workloads = Some(Vec::new());
    let mut blind = sample(120_000, 5);
    blind.workloads = None;
    blind.refusals = None;
    recent.add(sample(0, 5));
    recent.add(gone);
    recent.add(blind);
    let document = document(&recent, &Query::default());
    assert_eq!(document.workloads[0].watches, [Some(5), Some(0), None]);
    assert_eq!(document.samples[1].refusals, Some(BTreeMap::new()));
    assert_eq!(document.samples[2].refusals, None);
}

#[test]
fn refusals_are_summed_and_their_causes_bounded() {
    let mut recent = Recent::new(HOURS);
    for at in 0..2 {
        let mut sample = sample(at * EVERY, 1);
        let causes = (0..20).map(|number| (format!("cause{number:02}"), 2));
        sample.refusals = Some(causes.collect());
        recent.add(sample);
    }
    let document = document(&recent, &Query::default());
    let refusals = document.samples[0].refusals.clone().unwrap();
    assert_eq!(refusals.values().sum::<u64>(), 80);
    assert_eq!(refusals.len(), 5);
    assert_eq!(refusals["other"], 64);
}

#[test]
fn a_gap_is_told_with_its_reason() {
    let mut recent = Recent::new(HOURS);
    for at in [0, EVERY, 600_000, 615_000] {
        recent.add(sample(at, 1));
    }
    let mut restarted = Recent::new(HOURS);
    let names: BTreeMap<_, _> = recent.names().collect();
    for record in recent.records() {
        restarted.put(record, &names);
    }
    restarted.add(sample(700_000, 1));
    let whole = document(&restarted, &Query::default());
    let told = |document: &HistoryDocument| -> Vec<(GapReason, String, String)> {
        let gaps = document.gaps.iter().cloned();
        gaps.map(|gap| (gap.reason, gap.from, gap.to)).collect()
    };
    let gap = |reason, from: i64, to: i64| (reason, from.to_string(), to.to_string());
    let hours = 700_000 - HOURS;
    let expected = [
        gap(GapReason::NotKept, hours, 0),
        gap(GapReason::NoCollection, 15_000, 600_000),
        gap(GapReason::AgentDown, 615_000, 700_000),
    ];
    assert_eq!(told(&whole), expected);
    assert_eq!(whole.starts, ["0", "700000"]);
    // A time in the middle of a gap.
    let since = Query {
        since: Some(650_000),
        ..Query::default()
    };
    let late = document(&restarted, &since);
    assert_eq!(told(&late), [gap(GapReason::AgentDown, 650_000, 700_000)]);
}

#[test]
fn a_restart_leaves_the_same_history() {
    let mut recent = Recent::new(HOURS);
    for number in 0..500 {
        let mut sample = sample(number * EVERY, 1 + number as u64 % 50);
        sample.budgets.push(budget("b", 7, super::sample::NO_LIMIT));
        recent.add(sample);
    }
    let names: BTreeMap<_, _> = recent.names().collect();
    let mut restored = Recent::new(HOURS);
    for record in recent.records() {
        let json = serde_json::to_string(&record).unwrap();
        restored.put(serde_json::from_str(&json).unwrap(), &names);
    }
    let all = Query::default();
    assert_eq!(document(&recent, &all), document(&restored, &all));
    assert_eq!(document(&recent, &all).budgets.len(), 2);
}

#[test]
fn a_coarser_step_a_later_begin_and_one_budget() {
    let mut recent = Recent::new(HOURS);
    for number in 0..40 {
        let mut sample = sample(number * EVERY, number as u64);
        sample.budgets.push(budget("b", 1, 100));
        recent.add(sample);
    }
    let query = Query {
        since: Some(300_000),
        step: Some(300_000),
        budgets: vec!["keys of b".to_owned()],
    };
    let part = document(&recent, &query);
    assert_eq!(part.samples.len(), 1);
    assert_eq!(part.samples[0].collections, 20);
    assert_eq!(part.budgets.len(), 1);
    assert_eq!(part.budgets[0].name, "keys of b");
    let by_cause = Query {
        budgets: vec!["keys".to_owned()],
        ..Query::default()
    };
    assert_eq!(document(&recent, &by_cause).budgets.len(), 2);
}

#[test]
fn the_fullest_are_followed_and_what_matters_always_is() {
    let mut recent = Recent::new(HOURS);
    let mut first = sample(0, 0);
    first.budgets = (0..100)
        .map(|n| budget(&format!("b{n}"), n % 15, 100))
        .collect();
    first.budgets[0].rank = ALWAYS;
    recent.add(first.clone());
    let mut second = sample(60_000, 0);
    second.budgets = vec![budget("new", 90, 100), budget("little", 16, 100)];
    recent.add(second);
    let document = document(&recent, &Query::default());
    assert_eq!(document.budgets.len(), MAX_BUDGETS);
    assert_eq!(document.budgets_omitted, 1);
    let has = |name: &str| {
        document
            .budgets
            .iter()
            .any(|b| b.subject.to_string() == name)
    };
    assert!(has("b0") && has("b14") && has("new") && !has("little") && !has("b1"));
}

#[test]
fn what_has_gone_and_never_mattered_makes_room() {
    let mut recent = Recent::new(HOURS);
    let many = |from: u64, rank: u64| -> Vec<_> {
        let all = (from..from + MAX_BUDGETS as u64).map(|n| budget(&format!("b{n}"), rank, 100));
        all.collect()
    };
    let followed = |recent: &Recent, name: &str| {
        let document = document(recent, &Query::default());
        let mut all = document.budgets.iter();
        all.any(|budget| budget.subject.to_string() == name)
    };
    let step = recent.step();
    let mut at = |number: i64, budgets| {
        let mut sample = sample(number * step, 0);
        sample.budgets = budgets;
        recent.add(sample);
        recent.clone()
    };
    let recent = at(0, many(0, 1));
    assert!(followed(&recent, "b0"));
    // Those that were just there keep their places.
    let recent = at(1, vec![budget("new", 1, 100)]);
    assert!(!followed(&recent, "new"));
    let recent = at(2, vec![budget("new", 1, 100)]);
    assert!(followed(&recent, "new") && followed(&recent, "b47"));
    assert_eq!(document(&recent, &Query::default()).budgets_omitted, 0);
    let recent = at(4, many(100, 30));
    assert!(followed(&recent, "b100") && !followed(&recent, "new"));
    // What mattered stays, though it has gone.
    let recent = at(9, vec![budget("later", 1, 100)]);
    assert!(followed(&recent, "b147") && !followed(&recent, "later"));
}

#[test]
fn what_matters_is_known_after_a_restart() {
    let mut recent = Recent::new(HOURS);
    let mut full = sample(0, 0);
    full.budgets = (0..MAX_BUDGETS)
        .map(|n| budget(&format!("b{n}"), 90, 100))
        .collect();
    recent.add(full);
    let names = recent.names().collect();
    let mut restored = Recent::new(HOURS);
    for record in recent.records() {
        restored.put(record, &names);
    }
    let mut later = sample(10 * recent.step(), 0);
    later.budgets = vec![budget("later", 50, 100)];
    restored.add(later);
    let document = document(&restored, &Query::default());
    assert_eq!(document.budgets.len(), MAX_BUDGETS);
    assert_eq!(document.budgets_omitted, 1);
}

#[test]
fn what_has_left_long_ago_is_forgotten() {
    let mut recent = Recent::new(HOURS);
    recent.add(sample(0, 5));
    let mut others = sample(HOURS + 1, 5);
    others.budgets = vec![budget("b", 1, 100)];
    others.workloads = Some(vec![workload("other", 1, 1)]);
    recent.add(others);
    let document = document(&recent, &Query::default());
    assert_eq!(document.samples.len(), 1);
    assert_eq!(document.budgets.len(), 1);
    assert_eq!(document.workloads.len(), 1);
    assert_eq!(document.workloads[0].workload.name, "other");
}

proptest! {
    /// A file may say anything.
    #[test]
    fn records_from_anywhere_do_no_harm(
        times in prop::collection::vec((any::<i64>(), any::<i64>(), any::<u32>(), any::<bool>()), 0..20),
        keep in any::<i64>(),
    ) {
        let mut recent = Recent::new(keep);
        let names = BTreeMap::from([(1, TrackName::Budget(budget("a", 1, 1).key))]);
        for (first, last, id, starts) in times {
            let record = SlotRecord {
                first, last, starts,
                collections: id,
                every: last,
                status: Status::reported(0).unwrap(),
                refusals: Some(vec![("x".to_owned(), u64::MAX); 30]),
                budgets: vec![(id, u64::MAX, None, Provenance::Exact), (1, 1, Some(0), Provenance::Exact)],
                workloads: vec![(id, u64::MAX, 1, Provenance::Exact)],
            };
            recent.put(record, &names);
        }
        let _ = document(&recent, &Query::default());
        prop_assert!(recent.bytes() <= 1 << 20);
    }
}
