//! Refusals that were a guard's, and not the limit's.

use std::time::{Duration, Instant};

use nospace_bpf::guard::SELF_TEST_THREAD;
use nospace_bpf::trace::{Call, Count, Counted, Event};
use nospace_core::model::{Guard, GuardMode, Guards, INITIAL_USER_NAMESPACE, InotifyResource};
use nospace_core::report::{Owner, PodPart, RefusingGuard};

use crate::host::Host;

/// To look for guards visits every task once.
const FRESH: Duration = Duration::from_secs(2);

/// The guards of the node, looked for where a call was refused below the limit.
pub struct GuardCache<'h> {
    host: &'h dyn Host,
    read: Option<(Instant, Option<Guards>)>,
}

impl<'h> GuardCache<'h> {
    /// Those of `host`.
    pub fn new(host: &'h dyn Host) -> Self {
        Self { host, read: None }
    }

    /// The guard that refused this call of `owner`; `None` also where that is not known.
    pub fn refused(&mut self, event: &Event, owner: Option<&Owner>) -> Option<RefusingGuard> {
        let (resource, count) = below_limit(event)?;
        let namespace = namespace(owner?)?;
        let refusing = self
            .running()
            .iter()
            .filter_map(|guard| refusing(guard, namespace, resource, &count));
        refusing.max_by_key(|one| one.kept)
    }

    /// Whether the call of `owner` was made by a guard, to be refused: its self-test.
    pub fn is_self_test(&mut self, event: &Event, owner: Option<&Owner>) -> bool {
        let may_be = event.refusal().is_some()
            && event.uid == 0
            && event.comm == SELF_TEST_THREAD.to_bytes();
        may_be
            && (event.pid == std::process::id()
                || is_test_of_starting(event, owner)
                || self.running().iter().any(|guard| guard.pid == event.pid))
    }

    fn running(&mut self) -> &[Guard] {
        let is_fresh = |(at, _): &(Instant, _)| at.elapsed() < FRESH;
        if !self.read.as_ref().is_some_and(is_fresh) {
            let guards = self.host.accounting().ok().and_then(|all| all.guards);
            self.read = Some((Instant::now(), guards));
        }
        let guards = self.read.as_ref().and_then(|(_, guards)| guards.as_ref());
        guards.map_or(&[], |guards| &guards.running)
    }
}

/// A guard that is starting tests itself before others can see it, and `nospace guard --probe` is never seen. No limit refused
/// their calls; without a count (instances before Linux 5.14) that is not known. A process in a pod can have any name, so that none
/// of its calls is taken for a test.
fn is_test_of_starting(event: &Event, owner: Option<&Owner>) -> bool {
    below_limit(event).is_some() && !matches!(owner, Some(Owner::Pod { .. }))
}

/// What a call was refused of that root had left, right after it.
fn below_limit(event: &Event) -> Option<(InotifyResource, Count)> {
    event.refusal()?;
    let (resource, of) = match event.call {
        Call::InotifyAddWatch => (InotifyResource::Watches, Counted::Watches),
        _ => (InotifyResource::Instances, Counted::Instances),
    };
    let count = event.count?;
    let key = count.key?;
    let is_root = key.uid == 0 && key.user_namespace == INITIAL_USER_NAMESPACE;
    let is_refused = !(resource == InotifyResource::Instances && event.situation.files_full);
    (is_root && is_refused && count.of == of && count.used < count.limit)
        .then_some((resource, count))
}

/// That of a pod, where it is known; parts of a pod that run outside of its cgroup have none here.
fn namespace(owner: &Owner) -> Option<&str> {
    match owner {
        Owner::Pod {
            namespace, part, ..
        } if *part != PodPart::Shim && !namespace.is_empty() => Some(namespace),
        _ => None,
    }
}

fn refusing(
    guard: &Guard,
    namespace: &str,
    resource: InotifyResource,
    count: &Count,
) -> Option<RefusingGuard> {
    let kept = guard.kept(resource, count.limit)?;
    let is_reached = kept > 0 && count.used >= count.limit.saturating_sub(kept);
    let holds = guard.mode == GuardMode::Enforce && guard.holds_for(namespace) == Some(true);
    (holds && is_reached).then_some(RefusingGuard {
        pid: guard.pid,
        kept,
    })
}

#[cfg(test)]
mod tests {
    use nospace_bpf::accounting::UserKey;
    use nospace_core::model::Pair;

    use super::*;
    use crate::trace::filter::tests::event;

    fn refused(uid: u32, used: u64) -> Event {
        Event {
            count: Some(Count {
                of: Counted::Watches,
                key: Some(UserKey {
                    user_namespace: INITIAL_USER_NAMESPACE,
                    uid,
                }),
                used,
                limit: 1000,
            }),
            ..event(Call::InotifyAddWatch, -28)
        }
    }

    fn guard(mode: GuardMode) -> Guard {
        Guard {
            pid: 41,
            mode,
            reserve: Pair::of(None, Some(100)),
            tested_seconds_ago: Some(1),
            exempt_namespaces: vec!["kube-system".to_owned()],
            exempt_cgroups: Vec::new(),
            more_exempt: false,
        }
    }

    fn by(mode: GuardMode, namespace: &str, event: &Event) -> Option<u64> {
        let (resource, count) = below_limit(event)?;
        Some(refusing(&guard(mode), namespace, resource, &count)?.kept)
    }

    #[test]
    fn a_call_that_no_limit_refused_outside_of_pods_may_be_a_test() {
        assert!(is_test_of_starting(&refused(0, 900), None));
        assert!(!is_test_of_starting(&refused(0, 1000), None));
        assert!(!is_test_of_starting(&refused(7, 900), None));
        let pod = Owner::Pod {
            uid: "1".to_owned(),
            namespace: "shop".to_owned(),
            name: "web-0".to_owned(),
            container: None,
            part: PodPart::Container,
        };
        assert!(!is_test_of_starting(&refused(0, 900), Some(&pod)));
    }

    #[test]
    fn a_pod_of_root_between_the_line_and_the_limit_was_refused_by_the_guard() {
        use GuardMode::{Enforce, Shadow};
        assert_eq!(by(Enforce, "default", &refused(0, 900)), Some(100));
        assert_eq!(by(Enforce, "default", &refused(0, 999)), Some(100));
        for (mode, namespace, event) in [
            (Enforce, "default", refused(0, 1000)),
            (Enforce, "default", refused(0, 899)),
            (Enforce, "default", refused(7, 900)),
            (Enforce, "kube-system", refused(0, 900)),
            (Shadow, "default", refused(0, 900)),
        ] {
            assert_eq!(by(mode, namespace, &event), None, "{event:?}");
        }
        let mut added = refused(0, 900);
        added.result = 1;
        assert_eq!(by(Enforce, "default", &added), None);
        let mut instance = refused(0, 900);
        instance.call = Call::InotifyInit1;
        instance.result = -24;
        assert_eq!(by(Enforce, "default", &instance), None);
    }
}
