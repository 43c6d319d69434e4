//! Who may not cut into the reserve.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nospace_bpf::guard::Policy;

use super::cgroups::KubeCgroups;
use super::lines::{GuardedPods, PodRef};

/// A pod that is new is guarded from its first call. The kubelet writes down its namespace before it starts its first container, so
/// that a pod whose namespace is still not known after this time is one that nospace cannot tell from those of the system.
const GRACE: Duration = Duration::from_secs(10);

/// Who is exempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exempt {
    /// Kubernetes namespaces.
    pub namespaces: BTreeSet<String>,
    /// Ids of cgroups.
    pub cgroups: BTreeSet<u64>,
}

/// Follows pods as they come and go.
#[derive(Debug, Default)]
pub struct Census {
    /// Pods without a known namespace, and when they were first seen; `None` for those that were there before the guard.
    unknown: BTreeMap<u64, Option<Duration>>,
    begun: bool,
}

/// What holds for every pod that there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// For the eBPF programs.
    pub policies: BTreeMap<u64, Policy>,
    /// Guarded pods that have a known namespace: of others it may still turn out that they are exempt.
    pub named: BTreeSet<u64>,
    /// The same in numbers.
    pub pods: GuardedPods,
}

impl Census {
    /// Whether a pod of these has appeared a moment ago and has no name yet.
    pub fn has_new(
        &self,
        cgroups: &KubeCgroups,
        name: impl Fn(&str) -> Option<PodRef>,
        now: Duration,
    ) -> bool {
        let is_new = |id: &u64| match self.unknown.get(id) {
            Some(Some(since)) => now.saturating_sub(*since) < GRACE,
            Some(None) => false,
            None => true,
        };
        let mut pods = cgroups.pods.iter();
        pods.any(|pod| pod.uid.as_deref().and_then(&name).is_none() && is_new(&pod.id))
    }

    /// Takes the pods that there are now. Whoever is not known is allowed, in doubt: its namespace may be that of the node's own network.
    pub fn take(
        &mut self,
        cgroups: &KubeCgroups,
        name: impl Fn(&str) -> Option<PodRef>,
        exempt: &Exempt,
        now: Duration,
    ) -> Counted {
        let mut counted = Counted::default();
        let parents = cgroups.parents.iter().map(|id| (*id, Policy::Pods));
        counted.policies.extend(parents);
        let mut unknown = BTreeMap::new();
        for pod in &cgroups.pods {
            let known = pod.uid.as_deref().and_then(&name);
            let is_exempt = exempt.cgroups.contains(&pod.id)
                || exempt.cgroups.contains(&pod.parent)
                || known
                    .as_ref()
                    .is_some_and(|pod| exempt.namespaces.contains(&pod.namespace));
            if is_exempt {
                counted.pods.exempt += 1;
                counted.policies.insert(pod.id, Policy::Exempt);
            } else if known.is_some() {
                counted.pods.guarded += 1;
                counted.named.insert(pod.id);
            } else {
                let before = self.unknown.get(&pod.id).copied();
                let since = before.unwrap_or(self.begun.then_some(now));
                unknown.insert(pod.id, since);
                if since.is_none_or(|since| now.saturating_sub(since) >= GRACE) {
                    counted.pods.unknown += 1;
                    counted.policies.insert(pod.id, Policy::Exempt);
                } else {
                    counted.pods.guarded += 1;
                }
            }
        }
        let cgroups = exempt.cgroups.iter().map(|id| (*id, Policy::Exempt));
        counted.policies.extend(cgroups);
        self.unknown = unknown;
        self.begun = true;
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::cgroups::PodCgroup;

    fn cgroups(pods: &[(u64, &str)]) -> KubeCgroups {
        let pod = |&(id, uid): &(u64, &str)| PodCgroup {
            id,
            parent: 2,
            path: format!("/kubepods/pod{uid}"),
            uid: (!uid.is_empty()).then(|| uid.to_owned()),
        };
        KubeCgroups {
            parents: vec![1, 2],
            pods: pods.iter().map(pod).collect(),
        }
    }

    /// `NAMESPACE.NUMBER` is the uid of a pod that the disk knows.
    fn name(uid: &str) -> Option<PodRef> {
        let (namespace, name) = uid.split_once('.')?;
        Some(PodRef {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        })
    }

    fn exempt() -> Exempt {
        Exempt {
            namespaces: ["kube-system".to_owned()].into(),
            cgroups: [30, 99].into(),
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn exempted(counted: &Counted) -> Vec<u64> {
        let is = |(id, policy): (&u64, &Policy)| (*policy == Policy::Exempt).then_some(*id);
        counted.policies.iter().filter_map(is).collect()
    }

    #[test]
    fn pods_of_exempt_namespaces_and_named_cgroups_may_use_all() {
        let pods = cgroups(&[(10, "app.1"), (20, "kube-system.1"), (30, "app.2")]);
        let counted = Census::default().take(&pods, name, &exempt(), at(0));
        assert_eq!(exempted(&counted), [20, 30, 99]);
        assert_eq!(counted.policies.get(&1), Some(&Policy::Pods));
        assert_eq!(counted.policies.get(&2), Some(&Policy::Pods));
        assert_eq!(counted.policies.get(&10), None);
        let numbers = GuardedPods {
            guarded: 1,
            exempt: 2,
            unknown: 0,
        };
        assert_eq!(counted.pods, numbers);
        assert_eq!(counted.named, [10].into());
        // As is what a cgroup that was named has below it.
        let all = Exempt {
            cgroups: [2].into(),
            ..exempt()
        };
        let counted = Census::default().take(&pods, name, &all, at(0));
        assert_eq!(exempted(&counted), [2, 10, 20, 30]);
        assert_eq!((counted.pods.guarded, counted.named.len()), (0, 0));
    }

    #[test]
    fn a_new_pod_is_guarded_until_its_namespace_must_be_known() {
        let mut census = Census::default();
        census.take(&cgroups(&[]), name, &exempt(), at(0));
        let pods = cgroups(&[(10, "x")]);
        assert!(census.has_new(&pods, name, at(5)));
        for (seconds, exempted_then) in [
            (5, vec![30, 99]),
            (14, vec![30, 99]),
            (15, vec![10, 30, 99]),
        ] {
            let counted = census.take(&pods, name, &exempt(), at(seconds));
            assert_eq!(exempted(&counted), exempted_then, "{seconds}");
            assert!(counted.named.is_empty(), "{seconds}");
        }
        assert!(!census.has_new(&pods, name, at(15)));
        let known = census.take(&cgroups(&[(10, "app.1")]), name, &exempt(), at(16));
        assert_eq!(exempted(&known), [30, 99]);
    }

    #[test]
    fn an_old_pod_that_is_not_known_is_allowed_at_once() {
        let mut census = Census::default();
        let pods = cgroups(&[(10, "x"), (11, "")]);
        let counted = census.take(&pods, name, &exempt(), at(0));
        assert_eq!(exempted(&counted), [10, 11, 30, 99]);
        assert_eq!(counted.pods.unknown, 2);
        assert!(!census.has_new(&pods, name, at(1)));
    }

    #[test]
    fn an_id_that_comes_again_is_new_again() {
        let mut census = Census::default();
        census.take(&cgroups(&[(10, "x")]), name, &exempt(), at(0));
        census.take(&cgroups(&[]), name, &exempt(), at(1));
        let counted = census.take(&cgroups(&[(10, "y")]), name, &exempt(), at(2));
        assert_eq!(exempted(&counted), [30, 99]);
    }
}
