use super::*;
use crate::guard::LastCall;

fn pod(name: &str, uid: &str) -> PodCalls {
    PodCalls {
        pod: Some(guard::PodRef {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        }),
        cgroup: Some(format!("/kubepods/pod{uid}")),
        calls: Pair::default(),
    }
}

#[test]
fn a_guard_that_tries_again_is_down_until_it_works() {
    let state = GuardState::default();
    assert_eq!((state.view(), state.metrics()), (None, None));
    state.starting(GuardMode::Enforce);
    assert_eq!(state.metrics().unwrap().is_up, None);
    assert!(state.down(GuardMode::Enforce, "EPERM"));
    state.starting(GuardMode::Enforce);
    assert_eq!(state.metrics().unwrap().is_up, Some(false));
    assert!(!state.down(GuardMode::Enforce, "EPERM"));
    assert!(state.down(GuardMode::Enforce, "EMFILE"));
    state.starting(GuardMode::Shadow);
    assert_eq!(state.view().unwrap().standing, Standing::Starting);
    state.off();
    assert_eq!(state.metrics(), None);
}

#[test]
fn calls_add_up_by_mode_and_pod() {
    let state = GuardState::default();
    state.starting(GuardMode::Enforce);
    state.count(GuardMode::Shadow, &pod("web-0", "1"), Pair::of(0, 3));
    state.count(GuardMode::Enforce, &pod("web-0", "1"), Pair::of(1, 2));
    state.count(GuardMode::Enforce, &pod("web-0", "1"), Pair::of(0, 2));
    state.count(GuardMode::Enforce, &pod("", "9"), Pair::of(0, 1));
    let calls = state.metrics().unwrap().calls;
    let rows: Vec<_> = calls
        .iter()
        .map(|row| (row.mode, row.resource.as_str(), row.pod.as_str(), row.calls))
        .collect();
    assert_eq!(
        rows,
        [
            (GuardMode::Enforce, "instances", "web-0", 1),
            (GuardMode::Enforce, "watches", "9", 1),
            (GuardMode::Enforce, "watches", "web-0", 4),
            (GuardMode::Shadow, "watches", "web-0", 3),
        ]
    );
}

#[test]
fn pods_over_a_budget_are_those_of_the_last_look_in_a_bounded_number_of_rows() {
    let over = |name: &str, over| PodOver {
        pod: pod(name, name).pod,
        cgroup: None,
        over,
    };
    let state = GuardState::default();
    let found = |pods: Vec<PodOver>| {
        let found = OverBudgets {
            looked_at: pods.len() + 2,
            unreadable: 1,
            pods,
        };
        state.budgets(Some(&found));
        state.metrics().and_then(|metrics| metrics.budgets)
    };
    state.starting(GuardMode::Shadow);
    let two = vec![
        over("web-0", Pair::of(0, 5)),
        over("web-1", Pair::of(2, 1)),
        // As a static pod while it is replaced.
        over("web-1", Pair::of(0, 3)),
    ];
    assert_eq!(found(two.clone()), None, "it is not at work yet");
    state.up(&up(), true);
    let budgets = found(two).unwrap();
    let rows: Vec<_> = budgets
        .over
        .iter()
        .map(|([resource, namespace, pod], over)| {
            (resource.as_str(), namespace.as_str(), pod.as_str(), *over)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("instances", "shop", "web-1", 2),
            ("watches", "shop", "web-0", 5),
            ("watches", "shop", "web-1", 4),
        ]
    );
    assert_eq!(budgets.pods, [("read", 5), ("unreadable", 1)].into());
    let many: Vec<_> = (1..=MAX_ROWS as u64 + 50)
        .map(|n| over(&format!("web-{n}"), Pair::of(0, n)))
        .collect();
    let over = found(many).unwrap().over;
    assert_eq!(over.len(), MAX_ROWS + 1);
    let of = |pod: &str| over.get(&["watches", "shop", pod].map(str::to_owned));
    assert_eq!((of("web-250"), of("web-50")), (Some(&250), None));
    let other = ["watches", OTHER, OTHER].map(str::to_owned);
    assert_eq!(over[&other], (1..=50).sum::<u64>());
    state.budgets(None);
    assert_eq!(state.metrics().unwrap().budgets, None);
}

/// A guard at work, of nothing.
fn up() -> GuardStatus {
    GuardStatus {
        schema_version: 1,
        time: String::new(),
        reason: guard::StatusReason::Started,
        mode: guard::GuardMode::Shadow,
        resources: Vec::new(),
        not_guarded: Vec::new(),
        pods: guard::GuardedPods::default(),
        budgets: None,
    }
}

#[test]
fn notes_are_numbered_and_the_oldest_goes() {
    let state = GuardState::default();
    state.starting(GuardMode::Enforce);
    let at_line = |name: &str| PodAtLine {
        time: String::new(),
        pod: pod(name, "1").pod,
        cgroup: None,
        refused: true,
        resources: vec![CallsAtLine {
            resource: InotifyResource::Watches,
            calls: 1,
            total: 1,
            kept: 100,
            last: Some(LastCall {
                pid: 7,
                comm: "web".to_owned(),
                used: 900,
                limit: 1000,
            }),
        }],
    };
    for _ in 0..=PodAtLineNote::MAX {
        state.note(&at_line("web-0"));
    }
    // An event needs a name.
    state.note(&at_line(""));
    let notes = state.view().unwrap().refused;
    assert_eq!(notes.len(), PodAtLineNote::MAX);
    assert_eq!((notes[0].number, notes[63].number), (2, 65));
    assert_eq!(
        notes[0].message,
        "900 of 1,000 watches of uid 0 used; the last 100 are kept for the node (nospace guard)"
    );
}
