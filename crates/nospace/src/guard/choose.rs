//! Which hooks a guard takes, and whether it may.

use std::fmt;

use nospace_bpf::guard::{Choice, Hook, Hooks, Probe, Resource};
use nospace_core::model::{InotifyResource, Pair};

use super::document::ReserveVerdict;
use super::kinds::{ORDER, both};
use super::lines::{GuardMode, NotGuarded};
use super::probing::tried;

/// The hooks of a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Those to attach to.
    pub hooks: Hooks,
    /// What was asked for and cannot be guarded here; only in shadow mode, which does what it can.
    pub not_guarded: Vec<NotGuarded>,
}

/// Why what was asked for cannot be done on this kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unkept {
    mode: GuardMode,
    /// Each resource that is in the way.
    pub missing: Vec<NotGuarded>,
    /// Of what was asked for, what could be enforced.
    pub possible: Vec<InotifyResource>,
    can_count: bool,
    /// A hook could not be tried: another time it may be possible.
    pub uncertain: bool,
}

impl fmt::Display for Unkept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.mode {
            GuardMode::Shadow => "counted",
            GuardMode::Enforce => "kept",
        };
        // Where nothing works, it is for the same reason.
        let groups = self.missing.chunk_by(|one, next| one.reason == next.reason);
        for (n, group) in groups.enumerate() {
            let before = if n > 0 { "; " } else { "" };
            let units: Vec<&str> = group.iter().map(|one| one.resource.unit()).collect();
            let (units, reason) = (units.join(" or "), &group[0].reason);
            write!(
                f,
                "{before}no reserve of {units} can be {verb} on this kernel: {reason}"
            )?;
        }
        match (self.mode, &self.possible[..]) {
            (GuardMode::Enforce, [one, ..]) => {
                let unit = one.unit();
                write!(f, "; --only {unit} keeps a reserve of {unit} alone")?;
            }
            (GuardMode::Enforce, []) if self.can_count => {
                write!(f, "; --mode shadow counts without refusing")?;
            }
            _ => {}
        }
        write!(f, "; nospace guard --probe has the details")
    }
}

/// Chooses hooks for the resources in `wanted`. To enforce, the self-test must have shown of each that its hook holds; a guard that silently
/// kept less than was asked for would be relied on.
///
/// # Errors
///
/// What cannot be done here, and what could be instead.
pub fn choose(probe: &Probe, mode: GuardMode, wanted: Pair<bool>) -> Result<Chosen, Unkept> {
    let document = tried(probe, "");
    let mut hooks: Pair<Option<Hook>> = Pair::default();
    let (mut missing, mut possible) = (Vec::new(), Vec::new());
    let (mut can_count, mut uncertain) = (false, false);
    for resource in ORDER.into_iter().filter(|one| wanted[*one]) {
        let found = document
            .resources
            .iter()
            .find(|one| one.resource == resource);
        let verdict = found.map_or(ReserveVerdict::Unknown, |one| one.verdict);
        let choice: Option<Choice> = probe.choose(programs(resource));
        can_count |= choice.is_some();
        let takes = match mode {
            GuardMode::Enforce => verdict == ReserveVerdict::Enforce,
            GuardMode::Shadow => choice.is_some(),
        };
        if let (true, Some(choice)) = (takes, choice) {
            hooks[resource] = Some(choice.hook);
            possible.push(resource);
        } else {
            uncertain |= verdict == ReserveVerdict::Unknown;
            let reason = found.and_then(|one| one.reason.clone());
            missing.push(NotGuarded {
                resource,
                reason: reason.unwrap_or_default(),
            });
        }
    }
    let is_enough = match mode {
        GuardMode::Enforce => missing.is_empty(),
        GuardMode::Shadow => !possible.is_empty(),
    };
    if is_enough {
        return Ok(Chosen {
            hooks: both(hooks),
            not_guarded: missing,
        });
    }
    Err(Unkept {
        mode,
        missing,
        possible,
        can_count,
        uncertain,
    })
}

fn programs(resource: InotifyResource) -> Resource {
    match resource {
        InotifyResource::Watches => Resource::Watches,
        InotifyResource::Instances => Resource::Instances,
    }
}

#[cfg(test)]
mod tests {
    use nospace_bpf::guard::Outcome::{self, Missing, Refused, Untested, Works};
    use nospace_bpf::guard::{Both, Preemption, Trial};

    use super::*;

    fn probe(outcomes: [Outcome; 5], preemption: Preemption) -> Probe {
        let trial = |(hook, outcome)| Trial {
            hook,
            outcome,
            reason: format!("{outcome:?}"),
        };
        Probe {
            trials: Hook::ALL.into_iter().zip(outcomes).map(trial).collect(),
            preemption,
            modules: None,
        }
    }

    fn lazy() -> Preemption {
        Preemption::Yes("lazy".to_owned())
    }

    const BOTH: Pair<bool> = Pair::of(true, true);
    const WATCHES: Pair<bool> = Pair::of(false, true);

    /// As Debian's 7.2.
    fn half() -> Probe {
        probe([Works, Works, Refused, Missing, Works], lazy())
    }

    #[test]
    fn where_all_hooks_hold_both_are_kept() {
        let all = probe([Works; 5], Preemption::No);
        for mode in [GuardMode::Shadow, GuardMode::Enforce] {
            let chosen = choose(&all, mode, BOTH).unwrap();
            let hooks = Both {
                watches: Some(Hook::LsmPathNotify),
                instances: Some(Hook::SystemCall),
            };
            assert_eq!((chosen.hooks, chosen.not_guarded), (hooks, Vec::new()));
        }
    }

    #[test]
    fn what_holds_for_watches_alone_is_not_enforced_for_both() {
        let refused = choose(&half(), GuardMode::Enforce, BOTH).unwrap_err();
        assert_eq!(refused.possible, [InotifyResource::Watches]);
        assert!(!refused.uncertain);
        let text = refused.to_string();
        assert!(
            text.starts_with(
                "no reserve of instances can be kept on this kernel: calls of many threads"
            ),
            "{text}"
        );
        assert!(text.contains("--only watches keeps"), "{text}");
        let chosen = choose(&half(), GuardMode::Enforce, WATCHES).unwrap();
        assert_eq!(chosen.hooks.watches, Some(Hook::LsmPathNotify));
        assert_eq!(chosen.hooks.instances, None);
    }

    #[test]
    fn shadow_takes_what_only_counts_and_says_what_it_cannot() {
        let chosen = choose(&half(), GuardMode::Shadow, BOTH).unwrap();
        assert_eq!(chosen.hooks.instances, Some(Hook::ModifyFileAlloc));
        let one = probe([Works, Works, Refused, Missing, Refused], lazy());
        let chosen = choose(&one, GuardMode::Shadow, BOTH).unwrap();
        assert_eq!(chosen.hooks.instances, None);
        assert_eq!(chosen.not_guarded[0].resource, InotifyResource::Instances);
        let none = probe([Refused; 5], Preemption::No);
        let refused = choose(&none, GuardMode::Shadow, BOTH).unwrap_err();
        assert_eq!((refused.missing.len(), refused.possible.len()), (2, 0));
        assert!(refused.to_string().starts_with(
            "no reserve of watches or instances can be counted on this kernel: none of"
        ));
    }

    #[test]
    fn what_could_not_be_tried_is_uncertain() {
        let one = probe([Works, Works, Untested, Untested, Untested], Preemption::No);
        assert!(
            choose(&one, GuardMode::Enforce, BOTH)
                .unwrap_err()
                .uncertain
        );
        let none = probe([Refused; 5], Preemption::No);
        assert!(
            !choose(&none, GuardMode::Enforce, BOTH)
                .unwrap_err()
                .uncertain
        );
    }
}
