use super::*;
use crate::cause::Cause;
use crate::model::{Filesystem, FilesystemUsage};
use crate::report::{Finding, Rule, Severity};
use crate::testing::{Node, node};

/// A node where the pod `leak` gets this many more watches at each check, and another none.
fn checks(count: u32, each: u32, apart: f64) -> (Vec<Growth>, Vec<Finding>) {
    let mut history = History::default();
    let mut last = (Vec::new(), Vec::new());
    for n in 0..count {
        let node = leaking(1000 + n * each);
        let view = crate::view(&node.0);
        let seconds = f64::from(n) * apart;
        let growth = history.add(&view, seconds);
        let found = findings(&view, &history, &growth, seconds);
        last = (growth, found);
    }
    last
}

fn leaking(watches: u32) -> Node {
    node()
        .pod(10, "app", "leak")
        .holds(1, watches)
        .pod(20, "app", "calm")
        .holds(1, 1500)
}

fn watches(growth: &[Growth]) -> &Growth {
    growth.iter().find(|g| g.unit == "watches").unwrap()
}

#[test]
fn what_runs_out_soon_comes_before_a_disk_that_is_rather_full() {
    let (_, found) = checks(40, 30, 15.0);
    let disk = Filesystem {
        mountpoint: "/".to_owned(),
        device: "259:1".to_owned(),
        fstype: "ext4".to_owned(),
        serves: Vec::new(),
        usage: Some(FilesystemUsage {
            block_size: 4096,
            blocks: 10_000_000,
            blocks_free: 1_500_000,
            blocks_available: 1_500_000,
            ..FilesystemUsage::default()
        }),
        unavailable: None,
    };
    let node = leaking(1000).with(|s| s.filesystems = Some(vec![disk]));
    let report = crate::conclude_with(crate::view(&node.0), found);
    let order: Vec<_> = report
        .findings
        .iter()
        .map(|f| (f.severity, f.cause))
        .collect();
    let expected = [Cause::InotifyWatches, Cause::DiskBlocks];
    assert_eq!(order, expected.map(|cause| (Severity::Warning, cause)));
}

#[test]
fn it_says_when_a_budget_runs_out_and_who_grows() {
    let (growth, found) = checks(40, 30, 15.0);
    let watches = watches(&growth);
    // 30 in 15 s; 8192 less 2500 and 39 times 30 are left.
    assert!((watches.per_second - 2.0).abs() < 1e-9, "{watches:?}");
    assert!((watches.full_in.unwrap() - 4522.0 / 2.0).abs() < 1e-6);
    let [found] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(found.rule, Rule::Growth);
    assert_eq!(found.cause, Cause::InotifyWatches);
    assert_eq!(found.severity, Severity::Warning);
    for part in [
        "inotify watches of uid 0",
        "37 min",
        "120 watches/min",
        "100 %",
        "default/leak",
    ] {
        assert!(found.title.contains(part), "{part}: {}", found.title);
    }
    let [culprit] = found.blame.culprits() else {
        panic!("{:?}", found.blame)
    };
    for part in ["default/leak", "1,170", "9 min", "100 %"] {
        assert!(culprit.to_string().contains(part), "{part}: {culprit}");
    }
    assert_eq!(found.blame.pods()[0].name, "leak");
    assert!(
        !found.remedies.is_empty() && !found.victims.is_empty(),
        "{found:#?}"
    );
}

#[test]
fn little_time_left_is_critical_and_much_is_nothing() {
    assert_eq!(checks(40, 60, 15.0).1[0].severity, Severity::Critical);
    assert!(checks(40, 1, 15.0).1.is_empty());
}

#[test]
fn a_few_checks_give_a_rate_but_no_finding() {
    let (growth, found) = checks(10, 30, 15.0);
    assert!(watches(&growth).full_in.is_some() && found.is_empty());
    assert!(checks(7, 30, 15.0).0.is_empty());
}

#[test]
fn a_short_window_says_nothing_of_the_hours_to_come() {
    // 30 watches in 15 s are full in 40 min; so are 2 in a second, but half a minute is too short to say so.
    assert!(!checks(30, 30, 15.0).1.is_empty());
    assert!(checks(30, 2, 1.0).1.is_empty());
    assert!(!checks(30, 20, 1.0).1.is_empty());
}

#[test]
fn what_does_not_grow_is_never_full() {
    let (growth, _) = checks(40, 0, 15.0);
    let watches = watches(&growth);
    assert_eq!((watches.per_second, watches.full_in), (0.0, None));
}

#[test]
fn one_that_has_gone_is_forgotten() {
    let mut history = History::default();
    for n in 0..10 {
        history.add(&crate::view(&leaking(1).0), f64::from(n));
    }
    let mut gone = node();
    gone.0.inotify = None;
    assert!(history.add(&crate::view(&gone.0), 10.0).is_empty());
    assert!(history.add(&crate::view(&leaking(1).0), 11.0).is_empty());
}
