use super::{User, percent};
use crate::amount::thousands;
use crate::model::{Guard, GuardMode, Guards, InotifyResource, UserKey};

/// Up to where pods may use a user's budget: a guard keeps the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardLine<'a> {
    /// The guard; of several the strictest.
    pub guard: &'a Guard,
    /// What it keeps.
    pub kept: u64,
    /// The kernel's limit.
    pub limit: u64,
    /// What is in use.
    pub used: u64,
    /// Of what.
    pub resource: InotifyResource,
}

impl<'a> GuardLine<'a> {
    /// That of the budget of `user`; `None` where no guard refuses anything of it, and where that is not known.
    #[must_use]
    pub fn of(guards: Option<&'a Guards>, user: &User, resource: InotifyResource) -> Option<Self> {
        let lines = guards?.running.iter();
        let lines = lines.filter_map(|guard| Self::by(guard, user, resource));
        lines.max_by_key(|line| line.kept)
    }

    /// That of one guard; `None` where it refuses nothing of it.
    #[must_use]
    pub fn by(guard: &'a Guard, user: &User, resource: InotifyResource) -> Option<Self> {
        let budget = user.budget(resource);
        let limit = budget.limit?;
        // Only what root is charged for is guarded.
        let refuses = guard.mode == GuardMode::Enforce && user.key() == UserKey::initial(0);
        let kept = guard.kept(resource, limit).filter(|_| refuses)?;
        (kept > 0).then_some(Self {
            guard,
            kept,
            limit,
            used: budget.known_used()?,
            resource,
        })
    }

    /// How much of the limit pods may use.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.limit.saturating_sub(self.kept)
    }

    /// Whether pods are refused.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.used >= self.at()
    }

    /// Whether at least half of what is kept is still free: all but pods have room.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.limit.saturating_sub(self.used) >= self.kept.div_ceil(2)
    }

    /// Share that is used of what pods may use, in percent.
    #[must_use]
    pub fn percent(&self) -> u64 {
        percent(self.used, self.at()).unwrap_or(100)
    }

    /// `a guard (pid 41) keeps the last 100 of 1,000 for the node`
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "a guard (pid {}) keeps the last {} of {} for the node",
            self.guard.pid,
            thousands(self.kept),
            thousands(self.limit)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Pair, Provenance};
    use crate::report::{Budget, Unattributed};

    fn guard(pid: u32, mode: GuardMode, watches: Option<u64>) -> Guard {
        Guard {
            pid,
            mode,
            reserve: Pair::of(None, watches),
            tested_seconds_ago: Some(3),
            exempt_namespaces: Vec::new(),
            exempt_cgroups: Vec::new(),
            more_exempt: false,
        }
    }

    fn user(uid: u32, used: u64) -> User {
        let budget = Budget {
            used,
            limit: Some(1000),
            provenance: Provenance::Exact,
        };
        User {
            uid,
            user_namespace: UserKey::initial(uid).user_namespace,
            instances: budget,
            watches: budget,
            unattributed: Unattributed::default(),
            draws_on: None,
        }
    }

    fn strictest(running: Vec<Guard>, uid: u32) -> Option<(u32, u64)> {
        let guards = Guards {
            running,
            unreadable: Vec::new(),
        };
        let line = GuardLine::of(Some(&guards), &user(uid, 0), InotifyResource::Watches)?;
        Some((line.guard.pid, line.kept))
    }

    #[test]
    fn of_several_guards_the_strictest_refuses_first() {
        use GuardMode::{Enforce, Shadow};
        let two = || vec![guard(1, Enforce, Some(100)), guard(2, Enforce, Some(200))];
        assert_eq!(strictest(two(), 0), Some((2, 200)));
        assert_eq!(strictest(two(), 1000), None);
        let mixed = vec![guard(1, Enforce, Some(100)), guard(2, Shadow, Some(200))];
        assert_eq!(strictest(mixed, 0), Some((1, 100)));
        assert_eq!(strictest(vec![guard(1, Enforce, None)], 0), None);
        assert_eq!(strictest(vec![guard(1, Enforce, Some(0))], 0), None);
    }

    #[test]
    fn the_call_at_the_line_is_refused() {
        let one = guard(1, GuardMode::Enforce, Some(100));
        let at = |used| GuardLine::by(&one, &user(0, used), InotifyResource::Watches).unwrap();
        assert!(!at(899).is_reached());
        assert!(at(900).is_reached());
        assert_eq!((at(900).percent(), at(450).percent()), (100, 50));
        assert!(GuardLine::by(&one, &user(0, 900), InotifyResource::Instances).is_none());
    }
}
