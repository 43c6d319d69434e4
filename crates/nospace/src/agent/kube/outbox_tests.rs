use super::*;
use crate::agent::kube::samples::pod;

fn note(reason: &str) -> Note {
    Note {
        object: Object::Node,
        subject: "uid 0".to_owned(),
        warning: true,
        reason: reason.to_owned(),
        message: format!("{reason} happened"),
    }
}

fn day(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

#[test]
fn what_happens_again_while_it_waits_is_one_event() {
    let mut outbox = Outbox::default();
    for second in 0..5 {
        outbox.put(note("Full"), day(second));
    }
    let (waiting, posted) = outbox.next().unwrap();
    assert_eq!((waiting.times, posted), (5, None));
    assert_eq!((waiting.first, waiting.last), (day(0), day(4)));
    outbox.done(Posted::Counted(5));
    assert!(outbox.is_empty());
    outbox.put(note("Full"), day(9));
    assert_eq!(outbox.next().unwrap().1, Some(Posted::Counted(5)));
}

#[test]
fn too_much_to_tell_loses_the_oldest_and_counts_it() {
    let mut outbox = Outbox::default();
    for n in 0..i64::try_from(MOST_WAITING).unwrap() + 3 {
        outbox.put(note(&format!("Reason{n}")), day(n));
    }
    assert_eq!(outbox.dropped, 3);
    assert_eq!(outbox.next().unwrap().0.note.reason, "Reason3");
}

#[test]
fn a_refused_event_makes_way_and_is_forgotten_in_the_end() {
    let mut outbox = Outbox::default();
    outbox.put(note("Refused"), day(0));
    outbox.put(note("Other"), day(0));
    outbox.make_way(day(1));
    assert_eq!(outbox.next().unwrap().0.note.reason, "Other");
    outbox.make_way(day(2));
    outbox.make_way(day(3_602));
    assert_eq!(outbox.dropped, 1);
}

#[test]
fn names_are_of_a_subdomain_and_tell_events_apart() {
    let node = name("node-1", &note("Full"));
    assert_eq!(node, "node-1.d1984ddf70d44a64");
    assert_ne!(node, name("node-1", &note("Other")));
    let on_pod = Note {
        object: Object::Pod(pod("web-0")),
        ..note("Full")
    };
    assert_ne!(node, name("node-1", &on_pod));
    let long = name(
        &format!("{}.{}", "a".repeat(199), "b".repeat(53)),
        &note("Full"),
    );
    assert!(long.len() <= 253 && !long.contains(".."), "{long}");
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    assert!(node.chars().all(fits), "{node}");
}

#[test]
fn a_bucket_gives_a_few_at_once_and_then_one_in_a_while() {
    let (start, every) = (Instant::now(), Duration::from_secs(30));
    let mut bucket = Bucket::new(3, every, start);
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
