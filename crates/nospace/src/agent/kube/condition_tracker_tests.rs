use super::*;
use crate::agent::kube::conditions::assess;
use crate::agent::kube::fixtures::{healthy, instances, pod, with};

const SETTLE_TIME: Duration = Duration::from_secs(30);

/// Collections at these seconds of the day.
fn play(collections: &[(u64, u64)]) -> (ConditionTracker, Vec<Change>) {
    let (mut tracker, start) = (ConditionTracker::new(SETTLE_TIME), Instant::now());
    let changes = collections.iter().map(|(second, percent)| {
        let report = match percent {
            0..80 => healthy(),
            _ => with(&[instances(*percent, &[pod("web-0")])]),
        };
        let at = start + Duration::from_secs(*second);
        tracker.update(assess(&report, None), at, day(*second))
    });
    let changes = changes.collect();
    (tracker, changes)
}

fn day(second: u64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + i64::try_from(second).unwrap()).unwrap()
}

fn instances_of(tracker: &ConditionTracker) -> &Condition {
    &tracker.conditions()[1]
}

#[test]
fn a_problem_is_reported_at_once_and_its_end_when_it_lasts() {
    use Change::{None, Status};
    let (tracker, changes) = play(&[(0, 10), (15, 10), (30, 100), (45, 10), (60, 10), (75, 10)]);
    assert_eq!(changes, [Status, None, Status, None, Status, None]);
    assert_eq!(instances_of(&tracker).since, day(60));
    assert_eq!(tracker.conditions()[0].since, day(0));
}

#[test]
fn a_budget_that_goes_up_and_down_by_one_flips_once() {
    let collections: Vec<(u64, u64)> = (0..100).map(|n| (n * 15, 94 + n % 2)).collect();
    let (tracker, changes) = play(&collections);
    let flips = changes.iter().filter(|c| **c == Change::Status).count();
    // The first look, and the first at 95 %.
    assert_eq!(flips, 2);
    assert_eq!(
        instances_of(&tracker).assessment.status,
        super::super::conditions::Status::True
    );
    assert_eq!(instances_of(&tracker).since, day(15));
}

#[test]
fn other_figures_of_a_problem_are_text() {
    let (_, changes) = play(&[(0, 97), (15, 98), (30, 98)]);
    assert_eq!(changes, [Change::Status, Change::Message, Change::None]);
    let (_, healthy) = play(&[(0, 80), (15, 81)]);
    assert_eq!(healthy, [Change::Status, Change::None]);
}

#[test]
fn the_flip_of_the_agent_before_counts_where_the_status_is_the_same() {
    use super::super::conditions::Status;
    let (mut tracker, _) = play(&[(0, 100)]);
    let long_ago = day(0) - Duration::from_secs(5_000);
    tracker.restore(&vec![
        (
            ConditionType::InotifyInstancesExhausted,
            Status::True,
            long_ago,
        ),
        (
            ConditionType::InotifyWatchesExhausted,
            Status::True,
            long_ago,
        ),
    ]);
    assert_eq!(instances_of(&tracker).since, long_ago);
    assert_eq!(tracker.conditions()[0].since, day(0));
}

#[test]
fn a_condition_comes_and_goes_with_the_guard() {
    use crate::agent::guard::{GuardView, Standing};
    let (mut tracker, start) = (ConditionTracker::new(SETTLE_TIME), Instant::now());
    let mut look = |second, standing: Option<Standing>| {
        let guard = standing.map(|standing| GuardView {
            mode: nospace_core::model::GuardMode::Enforce,
            standing,
            refused: Vec::new(),
        });
        let assessments = assess(&healthy(), guard.as_ref());
        let at = start + Duration::from_secs(second);
        let change = tracker.update(assessments, at, day(second));
        let last = tracker.conditions().last().unwrap();
        (
            change,
            last.assessment.kind.name(),
            last.assessment.status.name(),
        )
    };
    let down = || Some(Standing::Down("EPERM".to_owned()));
    let up = || Some(Standing::Up("the last 100 of 1,000 watches".to_owned()));
    assert_eq!(
        look(0, None),
        (Change::Status, "KubeletStartAtRisk", "False")
    );
    assert_eq!(
        look(15, up()),
        (Change::Status, "InotifyGuardDown", "False")
    );
    assert_eq!(look(30, up()), (Change::None, "InotifyGuardDown", "False"));
    assert_eq!(
        look(45, down()),
        (Change::Status, "InotifyGuardDown", "True")
    );
    assert_eq!(
        look(60, None),
        (Change::Status, "KubeletStartAtRisk", "False")
    );
}
