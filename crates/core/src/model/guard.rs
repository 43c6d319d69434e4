use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InotifyResource, Pair};

/// Guards that run on the node (`nospace guard`), of any nospace, by what their programs in the kernel say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Guards {
    /// Those that could be read, by pid.
    pub running: Vec<Guard>,
    /// Those that could not: why, each in words. What they keep is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// What a guard does with calls of pods that would cut into the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GuardMode {
    /// It counts them.
    Shadow,
    /// It refuses them, as the kernel does at the limit.
    Enforce,
}

impl GuardMode {
    /// Both, the stricter one first.
    pub const ALL: [Self; 2] = [Self::Enforce, Self::Shadow];

    /// Its name in options and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Enforce => "enforce",
        }
    }
}

/// A guard that keeps the last of root's inotify watches and instances from pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Guard {
    /// Its process, as the initial pid namespace numbers it.
    pub pid: u32,
    /// What becomes of calls at the line.
    pub mode: GuardMode,
    /// How many are kept, before half of the limit bounds it; null where that resource is not guarded.
    pub reserve: Pair<Option<u64>>,
    /// Seconds since a self-test last reached all of its programs; null where none has. It tests itself every minute: after more than
    /// that its process hangs, or could not make the test.
    pub tested_seconds_ago: Option<u64>,
    /// Kubernetes namespaces of pods that may use all. So may pods whose namespace the guard does not know.
    pub exempt_namespaces: Vec<String>,
    /// Cgroups that may use all, below the root of their hierarchy.
    pub exempt_cgroups: Vec<String>,
    /// There are more of them than the guard could say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_exempt: bool,
}

impl Guard {
    /// How many of root's `limit` it keeps; `None` where it does not guard the resource.
    #[must_use]
    pub fn kept(&self, resource: InotifyResource, limit: u64) -> Option<u64> {
        self.reserve[resource].map(|asked| kept(limit, asked))
    }

    /// Whether pods of this namespace are refused at the line; `None` where that is not known.
    #[must_use]
    pub fn holds_for(&self, namespace: &str) -> Option<bool> {
        if self.exempt_namespaces.iter().any(|one| one == namespace) {
            return Some(false);
        }
        // A cgroup that is named may be that of any pod.
        (!self.more_exempt && self.exempt_cgroups.is_empty()).then_some(true)
    }
}

/// How many of `limit` are kept where `asked` were asked for: never more than half, as in guard.bpf.c.
#[must_use]
pub fn kept(limit: u64, asked: u64) -> u64 {
    asked.min(limit / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard {
            pid: 1,
            mode: GuardMode::Enforce,
            reserve: Pair::of(None, Some(1)),
            tested_seconds_ago: Some(3),
            exempt_namespaces: vec!["kube-system".to_owned()],
            exempt_cgroups: Vec::new(),
            more_exempt: false,
        }
    }

    #[test]
    fn at_most_half_of_the_limit_is_kept() {
        assert_eq!(kept(1000, 100), 100);
        assert_eq!(kept(128, 78), 64);
        assert_eq!(kept(129, 78), 64);
        assert_eq!(kept(1, 1), 0);
    }

    #[test]
    fn whom_it_holds_for_is_not_guessed() {
        let mut one = guard();
        assert_eq!(one.holds_for("kube-system"), Some(false));
        assert_eq!(one.holds_for("default"), Some(true));
        one.exempt_cgroups = vec!["/kubepods/podx".to_owned()];
        assert_eq!(one.holds_for("default"), None);
    }
}
