use nospace_bpf::accounting::{Counter, Holder, Instance, UserCounters};

use super::*;

const ROOT: UserKey = UserKey {
    user_namespace: 1,
    uid: 0,
};
/// Root of a pod's user namespace that root made.
const INNER: UserKey = UserKey {
    user_namespace: 2,
    uid: 100_000,
};
const OTHER: UserKey = UserKey {
    user_namespace: 1,
    uid: 1000,
};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn instance(charged: Option<UserKey>, watches: u64, pids: &[u32]) -> Instance {
    let holder = |(fd, pid): (usize, &u32)| Holder {
        pid: *pid,
        tid: *pid,
        fd: u32::try_from(fd).unwrap(),
    };
    Instance {
        identity: 0,
        charged,
        watches,
        holders: pids.iter().enumerate().map(holder).collect(),
    }
}

fn accounting(instances: Vec<Instance>) -> Accounting {
    let user = |key, draws_on| UserCounters {
        key,
        address: 0,
        instances: Counter::default(),
        watches: Counter::default(),
        draws_on,
    };
    Accounting {
        users: vec![user(ROOT, None), user(INNER, Some(ROOT)), user(OTHER, None)],
        instances,
        ..Accounting::default()
    }
}

/// Pod 7 with the processes 41 and 42, pod 8 with 51, and pod 9, which cannot be read.
fn processes() -> Processes {
    [
        (7, Ok([41, 42].into())),
        (8, Ok([51].into())),
        (9, Err("no".to_owned())),
    ]
    .into()
}

fn both(instances: u64, watches: u64) -> Budgets {
    Budgets::new(Pair::of(Some(instances), Some(watches)))
}

/// What pod 7 uses, alone.
fn pod(instances: u64, watches: u64) -> Used {
    [(7, Ok(Pair::of(instances, watches)))].into()
}

/// Resource, use and whether it is the first time, of the only pod that is reported.
fn told(budgets: &mut Budgets, used: &Used, now: u64) -> Vec<(InotifyResource, u64, bool)> {
    let due = budgets.take(used, at(now)).pods;
    let lines = due.into_iter().flat_map(|(_, lines)| lines);
    lines
        .map(|one| (one.resource, one.used, one.first))
        .collect()
}

#[test]
fn an_instance_counts_once_for_each_pod() {
    let accounting = accounting(vec![
        // Inherited, by the same pod and with two descriptors of one process.
        instance(Some(ROOT), 100, &[41, 42, 42]),
        instance(Some(ROOT), 10, &[42]),
        // Shared by two pods and the node.
        instance(Some(ROOT), 1, &[1, 41, 51]),
        instance(Some(ROOT), 5000, &[1]),
    ]);
    let used = used(&accounting, ROOT, &processes());
    assert_eq!(used[&7], Ok(Pair::of(3, 111)));
    assert_eq!(used[&8], Ok(Pair::of(1, 1)));
    assert_eq!(used[&9], Err("no".to_owned()));
}

#[test]
fn only_what_root_is_charged_for_counts() {
    let accounting = accounting(vec![
        instance(Some(INNER), 20, &[41]),
        instance(Some(OTHER), 300, &[41]),
        instance(None, 4000, &[41]),
    ]);
    let used = used(&accounting, ROOT, &processes());
    assert_eq!(used[&7], Ok(Pair::of(1, 20)));
    assert_eq!(used[&8], Ok(Pair::default()));
}

#[test]
fn it_looks_every_ten_seconds_if_there_is_a_budget() {
    let none = Budgets::default();
    assert_eq!((none.budget(), none.is_due(at(100))), (None, false));
    let mut budgets = Budgets::new(Pair::of(None, Some(5)));
    assert_eq!((budgets.is_due(at(1)), budgets.seen()), (true, None));
    budgets.take(&Used::new(), at(1));
    assert_eq!(budgets.seen(), Some(&Seen::default()));
    assert!(!budgets.is_due(at(10)));
    assert!(budgets.is_due(at(11)));
}

#[test]
fn a_pod_is_over_beyond_its_budget_and_not_at_it() {
    let mut budgets = both(10, 300);
    assert_eq!(told(&mut budgets, &pod(10, 300), 0), []);
    assert_eq!(
        told(&mut budgets, &pod(11, 350), 10),
        [
            (InotifyResource::Watches, 350, true),
            (InotifyResource::Instances, 11, true)
        ]
    );
    let over = &budgets.seen().unwrap().over;
    assert_eq!(over, &[(7, Pair::of(1, 50))].into());
    // Without a budget there is nothing to be over.
    let mut watches = Budgets::new(Pair::of(None, Some(300)));
    let lines = told(&mut watches, &pod(4000, 301), 0);
    assert_eq!(lines, [(InotifyResource::Watches, 301, true)]);
    assert_eq!(watches.seen().unwrap().over[&7], Pair::of(0, 1));
}

#[test]
fn a_pod_is_reported_at_once_and_then_once_a_minute_if_it_has_changed() {
    let watches = |used, first| vec![(InotifyResource::Watches, used, first)];
    let mut budgets = both(10, 300);
    assert_eq!(told(&mut budgets, &pod(1, 310), 0), watches(310, true));
    assert_eq!(told(&mut budgets, &pod(1, 310), 10), []);
    assert_eq!(told(&mut budgets, &pod(1, 320), 50), []);
    assert_eq!(told(&mut budgets, &pod(1, 320), 60), watches(320, false));
    assert_eq!(told(&mut budgets, &pod(1, 320), 600), []);
    // Back within it, and over it again by as much.
    assert_eq!(told(&mut budgets, &pod(1, 300), 610), []);
    assert_eq!(told(&mut budgets, &pod(1, 320), 620), watches(320, false));
    // The other resource is news, but waits for its minute.
    assert_eq!(told(&mut budgets, &pod(12, 320), 630), []);
    assert_eq!(
        told(&mut budgets, &pod(12, 320), 680),
        [
            (InotifyResource::Watches, 320, false),
            (InotifyResource::Instances, 12, true)
        ]
    );
    assert_eq!(budgets.seen().unwrap().over[&7], Pair::of(2, 20));
}

#[test]
fn a_pod_that_has_gone_is_forgotten() {
    let mut budgets = both(10, 300);
    told(&mut budgets, &pod(1, 310), 0);
    assert_eq!(told(&mut budgets, &Used::new(), 10), []);
    assert!(budgets.reported.is_empty() && budgets.seen().unwrap().over.is_empty());
    let again = told(&mut budgets, &pod(1, 310), 20);
    assert_eq!(again, [(InotifyResource::Watches, 310, true)]);
}

#[test]
fn pods_that_cannot_be_read_are_neither_over_nor_within() {
    let mut budgets = both(10, 300);
    told(&mut budgets, &pod(1, 310), 0);
    let unreadable = |n: u64| -> Used {
        let pods = (7..7 + n).map(|pod| (pod, Err(format!("pod {pod}"))));
        pods.chain([(99, Ok(Pair::of(1, 1)))]).collect()
    };
    let due = budgets.take(&unreadable(1), at(10));
    assert_eq!(due.unreadable, Some((1, "pod 7".to_owned())));
    let seen = Seen {
        over: BTreeMap::new(),
        looked_at: 1,
        unreadable: 1,
    };
    assert_eq!(budgets.seen(), Some(&seen));
    // That is reported again only of more pods, and the pod is remembered.
    assert_eq!(budgets.take(&unreadable(1), at(20)), DueOver::default());
    let due = budgets.take(&unreadable(3), at(30));
    assert_eq!(due.unreadable, Some((3, "pod 7".to_owned())));
    assert_eq!(told(&mut budgets, &pod(1, 310), 600), []);
}

#[test]
fn a_budget_is_a_number() {
    assert_eq!(parse_budget("300"), Ok(300));
    for wrong in ["", "0", "-1", "auto", "1k"] {
        assert!(parse_budget(wrong).is_err(), "{wrong}");
    }
}
