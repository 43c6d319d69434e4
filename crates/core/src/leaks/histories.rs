//! A thousand histories and more: what leaks with restarts is found, and what does not leak is not.

use super::tests::{Look, Random, limit, reported, watches};
use super::*;

/// Steady, noise, saw-tooth, steps, restarts, a start, late work, a late saw-tooth, a late step with noise, restarts of six kinds, more
/// pods: none of them leaks.
fn harmless(kind: u64, limit: u64, random: &mut Random) -> Vec<Look> {
    let samples = random.between(60, 240);
    let base = random.between(limit / 100, limit / 3);
    let noise = random.between(1, base / 5 + 1);
    let period = random.between(4, 36);
    let tooth = random.between(limit / 200, limit / 4);
    let steps: Vec<u64> = (0..random.between(1, 3))
        .map(|_| random.between(0, samples))
        .collect();
    let length = random.between(4, 20);
    let crash = random.between(10, 34);
    (0..samples)
        .map(|n| match kind {
            0 => Look::of(base),
            1 => Look::of(base + random.between(0, noise)),
            2 => Look::of(base + tooth * (n % period) / period),
            3 => Look::of(base + tooth * steps.iter().filter(|&&at| n >= at).count() as u64),
            // Grows until it crashes, within nine minutes, and begins again in a new container.
            4 => Look {
                start: n / crash,
                ..Look::of(base / 2 + tooth * (n % crash) / crash)
            },
            // A start: half of what is left, look after look.
            5 => Look::of(base - base / (1 + n * n / length)),
            // Idle, then fills up in less than nine minutes, and stays.
            6 => Look::of(base + tooth * n.saturating_sub(samples / 2).min(crash) / crash),
            // Idle, then a saw-tooth.
            7 => {
                let late = n.saturating_sub(samples / 2);
                Look::of(base + tooth * (late % period) / period)
            }
            // A rollout: one step, and noise as before.
            8 => {
                let step = if n >= samples / 2 { tooth } else { 0 };
                Look::of(base + step + random.between(0, noise))
            }
            // Restarts, and holds the same as before, or about the same.
            9 => Look {
                start: n / crash,
                ..Look::of(base)
            },
            10 => Look {
                start: n / crash,
                ..Look::of(base + random.between(0, noise))
            },
            // Has something else to do after each restart.
            11 => {
                let start = n / length;
                let lives = Random(base + start).next() % (tooth + 1);
                Look {
                    start,
                    ..Look::of(base + lives)
                }
            }
            // Grows until it crashes, later each time.
            12 => {
                let start = (0..).take_while(|k| k * (k + 1) <= n).count() as u64 - 1;
                let age = n - start * (start + 1);
                Look {
                    start,
                    ..Look::of(base + tooth * age / 240)
                }
            }
            // Rollouts: for a moment there is one more.
            13 => {
                let more = u64::from(n % crash < 2);
                Look {
                    start: n / crash,
                    pods: 2 + more,
                    ..Look::of(base / 2 * (2 + more))
                }
            }
            // A worker that restarts below a supervisor, and releases what it held.
            14 => Look {
                start: n / length,
                supervised: true,
                ..Look::of(base + random.between(0, 1))
            },
            // Scaled up, a pod at a time.
            _ => Look {
                pods: 1 + n / 10,
                ..Look::of(base * (1 + n / 10))
            },
        })
        .collect()
}

#[test]
fn what_does_not_leak_is_not_reported() {
    let mut random = Random(18);
    let mut wrong = [0; 16];
    for number in 0..1600 {
        let kind = number % 16;
        let limit = limit(&mut random);
        let looks = harmless(kind, limit, &mut random);
        if !reported(watches(limit), &looks).is_empty() {
            wrong[usize::try_from(kind).unwrap()] += 1;
        }
    }
    // Fewer than 1 %.
    assert!(wrong.iter().sum::<u32>() < 10, "{wrong:?}");
}

/// A life of 1 to 6 minutes, then the next one holds more. The worker is alone, or below a supervisor that stays.
fn steps(each: u64, lives: u64, random: &mut Random) -> Vec<Look> {
    let length = random.between(4, 24);
    let supervised = random.next().is_multiple_of(2);
    let base = random.between(5, 500);
    (0..lives * length)
        .map(|n| Look {
            start: n / length,
            supervised,
            ..Look::of(base + each * (n / length))
        })
        .collect()
}

#[test]
fn growth_that_follows_restarts_is_found_after_five_of_them() {
    let mut random = Random(5);
    for number in 0..200 {
        let limit = limit(&mut random);
        let each = limit / 400 + random.between(1, 50);
        let looks = steps(each, 10, &mut random);
        let found = reported(watches(limit), &looks);
        let with_restarts =
            |leak: &&Leak| matches!(leak.pattern, Some(Pattern::FollowsRestarts { .. }));
        let first = found
            .iter()
            .find_map(|(at, leaks)| Some((*at, leaks.iter().find(with_restarts)?)));
        let (at, leak) = first.unwrap_or_else(|| panic!("{number}: {found:?}"));
        // It takes nine minutes at least.
        let restarts = looks[at].start;
        let soon = (9 * 60 / super::tests::EVERY) / (looks.len() as u64 / 10) + 1;
        assert!(restarts <= 5.max(soon), "{number}: {restarts}");
        assert_eq!(leak.by, each * restarts);
        assert_eq!(leak.pattern, Some(Pattern::FollowsRestarts { restarts }));
        assert_eq!(leak.holds, looks[at].watches);
    }
}

#[test]
fn what_follows_restarts_is_said_and_ends_with_them() {
    let mut random = Random(6);
    let mut looks = steps(40, 8, &mut random);
    let found = reported(watches(8192), &looks);
    let finding = &findings(&found.last().unwrap().1)[0];
    assert!(
        finding
            .title
            .contains("keeps taking inotify watches: 280 more in"),
        "{}",
        finding.title
    );
    assert!(
        finding.evidence[0].contains("it grew with its restarts"),
        "{:?}",
        finding.evidence
    );
    let words = "about 40 watches more after each of 7 restarts, and no more in between";
    assert!(
        finding.evidence.iter().any(|line| line.contains(words)),
        "{:?}",
        finding.evidence
    );
    // A life of more than twice the usual length: it may be over.
    let last = *looks.last().unwrap();
    looks.extend(std::iter::repeat_n(last, looks.len()));
    assert!(reported(watches(8192), &looks).last().unwrap().0 < looks.len() - 1);
}

#[test]
fn growth_between_restarts_does_not_follow_them() {
    // It grows all the time, and restarts now and then: nothing is left behind.
    let looks: Vec<Look> = (0..240)
        .map(|n| Look {
            start: n / 10,
            supervised: true,
            ..Look::of(100 + n * 5)
        })
        .collect();
    let found = reported(watches(65_536), &looks);
    let patterns = found
        .iter()
        .flat_map(|(_, leaks)| leaks)
        .map(|leak| leak.pattern);
    assert_eq!(patterns.clone().count(), found.len());
    assert!(found.len() > 100);
    assert!(patterns.flatten().next().is_none());
}
