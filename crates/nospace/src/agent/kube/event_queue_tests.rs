use super::*;
use crate::agent::kube::fixtures::pod;

fn spec(reason: &str) -> EventSpec {
    EventSpec {
        object: EventTarget::Node,
        subject: "uid 0".to_owned(),
        warning: true,
        severity: None,
        reason: reason.to_owned(),
        message: format!("{reason} happened"),
    }
}

fn day(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

#[test]
fn what_happens_again_while_it_waits_is_one_event() {
    let mut event_queue = EventQueue::default();
    for second in 0..5 {
        event_queue.push(spec("Full"), day(second));
    }
    let (pending, remote) = event_queue.next().unwrap();
    assert_eq!((pending.times, remote), (5, None));
    assert_eq!((pending.first, pending.last), (day(0), day(4)));
    event_queue.done(RemoteEvent::Count(5));
    assert!(event_queue.is_empty());
    event_queue.push(spec("Full"), day(9));
    assert_eq!(event_queue.next().unwrap().1, Some(RemoteEvent::Count(5)));
}

#[test]
fn too_much_to_tell_loses_the_oldest_and_counts_it() {
    let mut event_queue = EventQueue::default();
    for n in 0..i64::try_from(MAX_PENDING).unwrap() + 3 {
        event_queue.push(spec(&format!("Reason{n}")), day(n));
    }
    assert_eq!(event_queue.dropped, 3);
    assert_eq!(event_queue.next().unwrap().0.spec.reason, "Reason3");
}

#[test]
fn a_refused_event_makes_way_and_is_forgotten_in_the_end() {
    let mut event_queue = EventQueue::default();
    event_queue.push(spec("Refused"), day(0));
    event_queue.push(spec("Other"), day(0));
    event_queue.defer(day(1));
    assert_eq!(event_queue.next().unwrap().0.spec.reason, "Other");
    event_queue.defer(day(2));
    event_queue.defer(day(3_602));
    assert_eq!(event_queue.dropped, 1);
}

#[test]
fn names_are_of_a_subdomain_and_tell_events_apart() {
    let node = name("node-1", &spec("Full"));
    assert_eq!(node, "node-1.d1984ddf70d44a64");
    assert_ne!(node, name("node-1", &spec("Other")));
    let on_pod = EventSpec {
        object: EventTarget::Pod(pod("web-0")),
        ..spec("Full")
    };
    assert_ne!(node, name("node-1", &on_pod));
    let long = name(
        &format!("{}.{}", "a".repeat(199), "b".repeat(53)),
        &spec("Full"),
    );
    assert!(long.len() <= 253 && !long.contains(".."), "{long}");
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    assert!(node.chars().all(fits), "{node}");
}

#[test]
fn a_bucket_gives_a_few_at_once_and_then_one_in_a_while() {
    let (start, every) = (Instant::now(), Duration::from_secs(30));
    let mut bucket = TokenBucket::new(3, every, start);
    for _ in 0..3 {
        assert!(bucket.ready() <= start);
        bucket.take(start);
    }
    assert_eq!(bucket.ready(), start + every);
    // After a minute there are two, not three.
    let later = start + every * 2;
    bucket.take(later);
    assert!(bucket.ready() <= later);
    bucket.take(later);
    assert!(bucket.ready() > later, "{:?}", bucket);
    // After a day it is full, and no fuller.
    let day = start + Duration::from_hours(24);
    for _ in 0..3 {
        assert!(bucket.ready() <= day);
        bucket.take(day);
    }
    assert!(bucket.ready() > day);
}
