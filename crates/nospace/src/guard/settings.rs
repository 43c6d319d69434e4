//! What a guard is asked to do, and why there may be none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nospace_bpf::support::Unsupported;
use nospace_core::model::{InotifyResource, Pair};

use super::choose::Unkept;
use super::lines::GuardMode;
use super::reserve::ReserveSize;

/// Pods of the network and of the node's own services are in it.
const EXEMPT: &str = "kube-system";

/// What a guard is to do, as users say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What becomes of calls at the line.
    pub mode: GuardMode,
    /// The only resource to guard; `None` for both.
    pub only: Option<InotifyResource>,
    /// How much is kept.
    pub reserve: Pair<ReserveSize>,
    /// What a pod may use; `None` where there is no budget.
    pub budget: Pair<Option<u64>>,
    /// Kubernetes namespaces of pods that may use all, besides kube-system.
    pub exempt_namespaces: Vec<String>,
    /// Cgroups that may use all: from the root of the hierarchy or of the machine.
    pub exempt_cgroups: Vec<PathBuf>,
}

impl Wish {
    /// Why budgets are no part of enforcing.
    pub const BUDGETS_ARE_COUNTED: &str = "budgets are only counted so far, and nothing is refused for them; what can be enforced is the reserve";

    /// Whether it asks for budgets to be enforced, which no guard does.
    #[must_use]
    pub fn enforces_budgets(&self) -> bool {
        self.mode == GuardMode::Enforce && self.budget != Pair::default()
    }

    /// The settings of a guard; `sysfs` is where sysfs is mounted.
    #[must_use]
    pub fn settings(&self, sysfs: &Path) -> Settings {
        let named = self.exempt_namespaces.iter().map(String::as_str);
        let cgroups = self.exempt_cgroups.iter();
        Settings {
            mode: self.mode,
            wanted: Pair::new(|one| self.only.is_none_or(|only| only == one)),
            reserve: self.reserve,
            budget: self.budget,
            exempt_namespaces: named.chain([EXEMPT]).map(str::to_owned).collect(),
            exempt_cgroups: cgroups.map(|path| below(path)).collect(),
            sysfs: sysfs.to_owned(),
        }
    }
}

/// What a guard is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What becomes of calls at the line.
    pub mode: GuardMode,
    /// What is to be guarded.
    pub wanted: Pair<bool>,
    /// How much is kept.
    pub reserve: Pair<ReserveSize>,
    /// What a pod may use; `None` where there is no budget.
    pub budget: Pair<Option<u64>>,
    /// Kubernetes namespaces of pods that may use all.
    pub exempt_namespaces: BTreeSet<String>,
    /// Cgroups that may use all: paths below the root of the hierarchy.
    pub exempt_cgroups: Vec<PathBuf>,
    /// Where sysfs is mounted.
    pub sysfs: PathBuf,
}

impl Settings {
    /// Who may use all, as the guard tells it to others: cgroups with a slash in front.
    pub(super) fn exempt_names(&self) -> Vec<String> {
        let cgroups = self.exempt_cgroups.iter().map(|path| {
            let path = path.to_string_lossy();
            format!("/{}", path.trim_start_matches('/'))
        });
        self.exempt_namespaces
            .iter()
            .cloned()
            .chain(cgroups)
            .collect()
    }
}

/// Why there is no guard.
#[derive(Debug, thiserror::Error)]
pub enum CannotGuard {
    /// Here nothing can be tried.
    #[error("{0}")]
    Untried(Unsupported),
    /// This kernel cannot do what was asked for.
    #[error("{0}")]
    Kernel(Unkept),
    /// Something that a guard needs is not known.
    #[error("{0:#}")]
    Unknown(anyhow::Error),
}

impl CannotGuard {
    /// Whether the kernel has shown that it cannot do it: trying again would show the same.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Kernel(unkept) if !unkept.uncertain)
    }
}

/// The path below the root of the hierarchy, of one that is given from there or from the root of the machine.
fn below(path: &Path) -> PathBuf {
    let prefixes = [
        "/sys/fs/cgroup/memory",
        "/sys/fs/cgroup/unified",
        "/sys/fs/cgroup",
        "/",
    ];
    let mut below = prefixes
        .iter()
        .filter_map(|one| path.strip_prefix(one).ok());
    below.next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_is_given_from_the_root_of_either() {
        for given in [
            "/kubepods/pod1",
            "kubepods/pod1",
            "/sys/fs/cgroup/kubepods/pod1",
            "/sys/fs/cgroup/memory/kubepods/pod1/",
        ] {
            assert_eq!(
                below(Path::new(given)),
                Path::new("kubepods/pod1"),
                "{given}"
            );
        }
    }

    #[test]
    fn pods_of_the_system_are_always_exempt() {
        let wish = Wish {
            mode: GuardMode::Enforce,
            only: Some(InotifyResource::Watches),
            reserve: Pair::default(),
            budget: Pair::default(),
            exempt_namespaces: vec!["monitoring".to_owned()],
            exempt_cgroups: vec!["/sys/fs/cgroup/kubepods/pod1".into()],
        };
        let settings = wish.settings(Path::new("/sys"));
        assert_eq!(
            settings.exempt_names(),
            ["kube-system", "monitoring", "/kubepods/pod1"]
        );
        assert_eq!(settings.wanted, Pair::of(false, true));
        assert!(!wish.enforces_budgets());
        let budget = Pair::of(None, Some(300));
        let mut wish = Wish { budget, ..wish };
        assert!(wish.enforces_budgets());
        wish.mode = GuardMode::Shadow;
        assert!(!wish.enforces_budgets());
        assert_eq!(wish.settings(Path::new("/sys")).budget, budget);
    }
}
