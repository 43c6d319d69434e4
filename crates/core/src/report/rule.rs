use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cause::Cause;

/// What a finding says about its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A limit is used up, or nearly.
    Exhaustion(Cause),
    /// A cgroup has nearly all the descendants that it may have.
    CgroupDescendants,
    /// Removed cgroups linger.
    CgroupLeak,
    /// Forks were refused in a cgroup that has room now.
    PidsRefused,
    /// The kubelet would not start, or barely.
    KubeletStart,
    /// Pods have used up, or nearly, what a guard lets them.
    GuardReserve,
    /// Pods share one user's budget.
    SharedBudget,
    /// One holder has more than half of a limit.
    DominantHolder,
    /// A process holds instances that watch nothing.
    LeakedInstances,
    /// A sysctl's value now is not the one that the next boot sets.
    SysctlDrift,
    /// User namespaces whose own limits could not be read.
    ChildLimits,
    /// A collector failed, or did not see everything.
    Blind,
    /// A budget that will be full soon.
    Growth,
    /// A workload that only ever grows.
    Leak,
    /// A log says so.
    Explain,
}

impl Rule {
    const OTHERS: [Self; 14] = [
        Self::CgroupDescendants,
        Self::CgroupLeak,
        Self::PidsRefused,
        Self::KubeletStart,
        Self::GuardReserve,
        Self::SharedBudget,
        Self::DominantHolder,
        Self::LeakedInstances,
        Self::SysctlDrift,
        Self::ChildLimits,
        Self::Blind,
        Self::Growth,
        Self::Leak,
        Self::Explain,
    ];

    /// The stable name. Three limits got theirs before their cause had its code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exhaustion(Cause::MountLimit) => "mounts",
            Self::Exhaustion(Cause::NamespaceLimit) => "namespaces",
            Self::Exhaustion(Cause::EpollWatches) => "epoll",
            Self::Exhaustion(cause) => cause.code(),
            Self::CgroupDescendants => "cgroup-descendants",
            Self::CgroupLeak => "cgroup-leak",
            Self::PidsRefused => "pids-refused",
            Self::KubeletStart => "kubelet-start",
            Self::GuardReserve => "guard-reserve",
            Self::SharedBudget => "shared-budget",
            Self::DominantHolder => "dominant-holder",
            Self::LeakedInstances => "leaked-instances",
            Self::SysctlDrift => "sysctl-drift",
            Self::ChildLimits => "child-limits",
            Self::Blind => "blind",
            Self::Growth => "growth",
            Self::Leak => "leak",
            Self::Explain => "explain",
        }
    }

    /// The rule that has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let of_limits = Cause::ALL.iter().map(|cause| Self::Exhaustion(*cause));
        let mut all = of_limits.chain(Self::OTHERS);
        all.find(|rule| rule.name() == name)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("there is no rule {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        let all: Vec<Rule> = Cause::ALL
            .iter()
            .map(|cause| Rule::Exhaustion(*cause))
            .chain(Rule::OTHERS)
            .collect();
        for rule in &all {
            assert_eq!(Rule::from_name(rule.name()), Some(*rule));
        }
    }
}
