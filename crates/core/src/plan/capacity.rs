//! Which limits hold, up to which number of pods, and which of the two is full first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Proposal;
use super::memory::{DEFAULT_WATCHES, default_max_user_watches, memory_for_default};
use crate::amount::bytes;
use crate::model::{InotifyResource, Pair};
use crate::platforms::{InotifyLimits, MaxUserWatches, Platform};

/// Where the search ends: no node runs as many pods.
pub const MOST_PODS: u64 = 1_000_000;
/// From this share of a limit on, a plan has no room for what it does not know.
const TIGHT_PERCENT: u128 = 80;

/// Whether limits are enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// With room.
    Holds,
    /// At 80 % of a limit, or more.
    Tight,
    /// More is needed than there is.
    Fails,
    /// A limit is not known.
    Unknown,
}

/// Limits to compare a need with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateLimits {
    /// Short name: a platform's, `proposal`, `given`, `this node`.
    pub name: String,
    /// What it is.
    pub title: String,
    /// `max_user_instances`.
    pub instances: u64,
    /// `max_user_watches`; `None` where it hangs on memory that is not known, or is not known itself.
    pub watches: Option<u64>,
    /// The kernel decides, by memory.
    pub from_memory: bool,
    /// What a guard keeps of both for the node: pods cannot take it.
    pub kept: Pair<u64>,
    /// Where the figures are from.
    pub source: String,
}

impl CandidateLimits {
    /// The limits of a platform on a node with this much memory, in bytes.
    #[must_use]
    pub fn platform(platform: &Platform, limits: &InotifyLimits, memory: Option<u64>) -> Self {
        let watches = match limits.max_user_watches {
            MaxUserWatches::Fixed(watches) => Some(watches),
            MaxUserWatches::FromMemory => memory.map(default_max_user_watches),
            MaxUserWatches::Unknown => None,
        };
        Self {
            name: platform.name.to_owned(),
            title: platform.title.to_owned(),
            instances: limits.max_user_instances,
            watches,
            from_memory: limits.max_user_watches == MaxUserWatches::FromMemory,
            kept: Pair::default(),
            source: limits.source.to_owned(),
        }
    }

    /// Two figures.
    #[must_use]
    pub fn figures(name: &str, limits: Proposal, source: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: name.to_owned(),
            instances: limits.max_user_instances,
            watches: Some(limits.max_user_watches),
            from_memory: false,
            kept: Pair::default(),
            source: source.to_owned(),
        }
    }

    /// What pods may use of the limits; of watches the fewest that there can be.
    fn least(&self) -> Pair<u64> {
        let watches = self.watches.unwrap_or(*DEFAULT_WATCHES.start());
        Pair::of(self.instances, watches).minus(self.kept)
    }
}

/// Limits, compared with a need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// Short name: a platform's, `proposal`, `given`, `this node`.
    pub name: String,
    /// What it is.
    pub title: String,
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: u64,
    /// `fs.inotify.max_user_watches`; null where it hangs on memory that is not known, or is not known itself:
    /// then 8192, the kernel's minimum, is assumed.
    pub max_user_watches: Option<u64>,
    /// Whether the pods that were asked for fit.
    pub verdict: Verdict,
    /// Pods that fit; null where not even a node without pods does. A million stands for any number.
    pub pods: Option<u64>,
    /// Which limit runs out first; null where none does.
    pub binds: Option<InotifyResource>,
    /// What else to know.
    pub note: Option<String>,
    /// Where the figures are from.
    pub source: String,
}

/// Compares limits with what pods need. `need` must not fall as pods rise.
pub fn capacity(
    against: &CandidateLimits,
    asked: u64,
    need: &dyn Fn(u64) -> Pair<u64>,
) -> Capacity {
    let limits = against.least();
    let (pods, binds) = most_pods(limits, need);
    let wanted = need(asked);
    let short_of_watches_only = against.watches.is_none()
        && wanted.watches > limits.watches
        && wanted.instances <= limits.instances;
    let verdict = if short_of_watches_only {
        Verdict::Unknown
    } else {
        verdict(limits, wanted)
    };
    Capacity {
        name: against.name.clone(),
        title: against.title.clone(),
        max_user_instances: against.instances,
        max_user_watches: against.watches,
        verdict,
        pods,
        binds,
        note: note(against, wanted.watches),
        source: against.source.clone(),
    }
}

fn verdict(limits: Pair<u64>, wanted: Pair<u64>) -> Verdict {
    let tight = |limit: u64, need: u64| u128::from(need) * 100 >= u128::from(limit) * TIGHT_PERCENT;
    if over(limits, wanted).is_some() {
        Verdict::Fails
    } else if tight(limits.instances, wanted.instances) || tight(limits.watches, wanted.watches) {
        Verdict::Tight
    } else {
        Verdict::Holds
    }
}

/// The limit that is exceeded; of both the one that is more so.
fn over(limits: Pair<u64>, wanted: Pair<u64>) -> Option<InotifyResource> {
    let instances = wanted.instances > limits.instances;
    let watches = wanted.watches > limits.watches;
    match (instances, watches) {
        (false, false) => None,
        (true, false) => Some(InotifyResource::Instances),
        (false, true) => Some(InotifyResource::Watches),
        (true, true) => {
            let cross = |need: u64, limit: u64| u128::from(need) * u128::from(limit);
            let more =
                cross(wanted.instances, limits.watches) >= cross(wanted.watches, limits.instances);
            Some(if more {
                InotifyResource::Instances
            } else {
                InotifyResource::Watches
            })
        }
    }
}

/// The most pods that fit, and what the next one runs into.
fn most_pods(
    limits: Pair<u64>,
    need: &dyn Fn(u64) -> Pair<u64>,
) -> (Option<u64>, Option<InotifyResource>) {
    if let Some(bound) = over(limits, need(0)) {
        return (None, Some(bound));
    }
    let (mut fits, mut breaks) = (0, MOST_PODS + 1);
    while breaks - fits > 1 {
        let middle = fits + (breaks - fits) / 2;
        if over(limits, need(middle)).is_none() {
            fits = middle;
        } else {
            breaks = middle;
        }
    }
    let bound = (fits < MOST_PODS)
        .then(|| over(limits, need(breaks)))
        .flatten();
    (Some(fits), bound)
}

fn note(against: &CandidateLimits, wanted: u64) -> Option<String> {
    if against.kept != Pair::default() {
        let each = [InotifyResource::Watches, InotifyResource::Instances];
        let kept = each.into_iter().filter(|one| against.kept[*one] > 0);
        let kept: Vec<String> = kept.map(|one| one.count(against.kept[one])).collect();
        return Some(format!(
            "a guard keeps the last {} for the node: they do not count as room for pods",
            kept.join(" and ")
        ));
    }
    if against.watches.is_some() {
        return None;
    }
    if !against.from_memory {
        return Some("the watch limit of this platform is not known; 8192 is assumed".to_owned());
    }
    Some(match memory_for_default(wanted) {
        Some(0) => "the kernel derives the watch limit from memory, minimum 8192".to_owned(),
        Some(memory) => format!(
            "the kernel derives the watch limit from memory: {} or more is enough; give --memory",
            bytes(memory)
        ),
        None => "the kernel derives the watch limit from memory, maximum 1048576".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platforms::find;

    fn platform(name: &str, memory: Option<u64>) -> CandidateLimits {
        let platform = find(name).unwrap();
        CandidateLimits::platform(platform, platform.limits.as_ref().unwrap(), memory)
    }

    fn against(instances: u64, watches: u64) -> CandidateLimits {
        let limits = Proposal {
            max_user_instances: instances,
            max_user_watches: watches,
        };
        CandidateLimits::figures("given", limits, "")
    }

    #[test]
    fn the_first_full_limit_is_named() {
        let need = |pods: u64| Pair::of(20 + 2 * pods, 100 + 10 * pods);
        let held = capacity(&against(128, 8_192), 50, &need);
        assert_eq!(
            (held.pods, held.binds),
            (Some(54), Some(InotifyResource::Instances))
        );
        assert_eq!(held.verdict, Verdict::Tight);
        assert_eq!(
            capacity(&against(128, 8_192), 55, &need).verdict,
            Verdict::Fails
        );
        assert_eq!(
            capacity(&against(1_000, 8_192), 55, &need).verdict,
            Verdict::Holds
        );
        assert_eq!(
            capacity(&against(1_000, 500), 1, &need).binds,
            Some(InotifyResource::Watches)
        );
        assert_eq!(capacity(&against(19, 500), 1, &need).pods, None);
        let flat = capacity(&against(19, 500), 1, &|_| Pair::of(1, 1));
        assert_eq!((flat.pods, flat.binds), (Some(MOST_PODS), None));
    }

    #[test]
    fn memory_that_is_not_known_is_said() {
        let need = |pods: u64| Pair::of(1, 100 * pods);
        let kernel = platform("kernel", None);
        assert_eq!(capacity(&kernel, 50, &need).verdict, Verdict::Holds);
        let more = capacity(&kernel, 110, &need);
        assert_eq!((more.verdict, more.pods), (Verdict::Unknown, Some(81)));
        assert_eq!(
            more.note.unwrap(),
            "the kernel derives the watch limit from memory: 1.3 GiB or more is enough; give --memory"
        );
        let known = platform("kernel", Some(4 << 30));
        assert_eq!(capacity(&known, 110, &need).verdict, Verdict::Holds);
    }

    #[test]
    fn the_kernel_decides_where_nobody_else_does() {
        let watches = |name, memory| platform(name, memory).watches;
        let gib = 1 << 30;
        assert_eq!(watches("kernel", None), None);
        assert_eq!(watches("kernel", Some(gib)), Some(8_192));
        assert_eq!(watches("kernel", Some(64 * gib)), Some(505_290));
        assert_eq!(watches("gke-cos", Some(gib)), None);
        assert_eq!(watches("aks", None), Some(1_048_576));
    }

    proptest! {
        #[test]
        fn the_answer_is_the_edge(instances: u64, watches: u64, base: u64, a in 0_u64..1_000, b in 0_u64..1_000) {
            let need = |pods: u64| Pair::of(
                base.saturating_add(a.saturating_mul(pods)),
                base.saturating_add(b.saturating_mul(pods)),
            );
            let limits = Pair::of(instances, watches);
            match most_pods(limits, &need) {
                (None, bound) => prop_assert!(bound.is_some() && over(limits, need(0)).is_some()),
                (Some(pods), bound) => {
                    prop_assert!(over(limits, need(pods)).is_none());
                    prop_assert_eq!(bound.is_some(), pods < MOST_PODS);
                    prop_assert_eq!(bound, over(limits, need(pods + 1)).filter(|_| pods < MOST_PODS));
                }
            }
        }
    }
}
