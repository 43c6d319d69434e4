//! Guards that the kernel's account has found, in the model's types.

use nospace_bpf::guard::{Both, FoundGuard, Mode, RunningGuard};
use nospace_core::model::{Guard, GuardMode, Guards, Pair};

/// Those that are at work, by pid.
pub fn convert(found: &[FoundGuard]) -> Guards {
    let mut all = Guards::default();
    for one in found {
        match one {
            FoundGuard::Running(guard) => all.running.push(running(guard)),
            FoundGuard::OtherVersion(version) => all.unreadable.push(format!(
                "a guard of another version of nospace runs, and this one cannot read what it keeps (layout {version}): run the guard's own nospace"
            )),
            FoundGuard::Malformed => all.unreadable.push(
                "a guard runs, and what it publishes cannot be read: please report this".to_owned(),
            ),
        }
    }
    all.running.sort_by_key(|guard| guard.pid);
    all
}

fn running(guard: &RunningGuard) -> Guard {
    let pair = |both: Both<Option<u64>>| Pair::of(both.instances, both.watches);
    let reserve = pair(guard.reserve);
    let tested = pair(Both::from_fn(|one| {
        guard.tested.of(one).map(|ago| ago.as_secs())
    }));
    // All that it guards must have been reached.
    let ages = [
        (reserve.instances, tested.instances),
        (reserve.watches, tested.watches),
    ];
    let guarded = ages.into_iter().filter(|(reserve, _)| reserve.is_some());
    let ages: Option<Vec<u64>> = guarded.map(|(_, age)| age).collect();
    let is_cgroup = |name: &&String| name.starts_with('/');
    let (cgroups, namespaces) = guard.exempt.names.iter().partition::<Vec<_>, _>(is_cgroup);
    let owned = |names: Vec<&String>| names.into_iter().cloned().collect();
    Guard {
        pid: guard.pid,
        mode: match guard.mode {
            Mode::Enforce => GuardMode::Enforce,
            Mode::Shadow | Mode::Off => GuardMode::Shadow,
        },
        reserve,
        tested_seconds_ago: ages.and_then(|ages| ages.into_iter().max()),
        exempt_namespaces: owned(namespaces),
        exempt_cgroups: owned(cgroups),
        more_exempt: guard.exempt.has_more,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nospace_bpf::guard::ExemptList;

    use super::*;

    fn guard(pid: u32) -> RunningGuard {
        RunningGuard {
            pid,
            mode: Mode::Enforce,
            reserve: Both {
                watches: Some(100),
                instances: None,
            },
            tested: Both {
                watches: Some(Duration::from_millis(7_900)),
                instances: None,
            },
            exempt: ExemptList {
                names: vec!["kube-system".to_owned(), "/kubepods/podx".to_owned()],
                has_more: false,
            },
        }
    }

    #[test]
    fn guards_are_listed_by_pid_and_what_is_not_understood_in_words() {
        let found = [
            FoundGuard::Running(guard(9)),
            FoundGuard::OtherVersion(2),
            FoundGuard::Running(guard(4)),
            FoundGuard::Malformed,
        ];
        let all = convert(&found);
        let pids: Vec<u32> = all.running.iter().map(|one| one.pid).collect();
        assert_eq!((pids, all.unreadable.len()), (vec![4, 9], 2));
        let one = &all.running[0];
        assert_eq!(one.reserve, Pair::of(None, Some(100)));
        assert_eq!(one.tested_seconds_ago, Some(7));
        assert_eq!(one.exempt_namespaces, ["kube-system"]);
        assert_eq!(one.exempt_cgroups, ["/kubepods/podx"]);
    }

    #[test]
    fn a_program_that_was_never_reached_is_not_tested() {
        let mut one = guard(9);
        one.reserve.instances = Some(20);
        let all = convert(&[FoundGuard::Running(one)]);
        assert_eq!(all.running[0].tested_seconds_ago, None);
    }
}
