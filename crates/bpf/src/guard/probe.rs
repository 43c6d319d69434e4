use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hook::Hook;
use super::model::{Both, Resource};
use super::preemption::Preemption;

/// What a hook did with a call of nospace itself that it had to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It refused.
    Works,
    /// The kernel took the program, and never ran it.
    Silent,
    /// The program refused, and the call went on.
    Ignored,
    /// The kernel does not have the function.
    Missing,
    /// The kernel did not take the program.
    Refused,
    /// The test could not be made.
    Untested,
}

/// What was seen of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The hook.
    pub hook: Hook,
    /// What it did.
    pub outcome: Outcome,
    /// Why, and what would change that; empty for one that works.
    pub reason: String,
}

/// What the hooks of this kernel do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// One for each of [`Hook::ALL`], in that order.
    pub trials: Vec<Trial>,
    /// Whether the kernel is preemptible.
    pub preemption: Preemption,
    /// The active security modules, as in /sys/kernel/security/lsm; `None` if that is not readable.
    pub modules: Option<String>,
}

/// The hook that a guard uses for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The hook.
    pub hook: Hook,
    /// Why it cannot hold a reserve, and only counts in shadow mode; `None` if it can.
    pub only_shadow: Option<String>,
}

/// The hooks of a guard; `None` where a resource is not guarded.
pub type Hooks = Both<Option<Hook>>;

impl Probe {
    /// The hook for `resource`: the first that works and holds a reserve, else the first that works; `None` without any.
    #[must_use]
    pub fn choose(&self, resource: Resource) -> Option<Choice> {
        let choices = self.working(resource).map(|hook| Choice {
            hook,
            only_shadow: self.leaks(hook),
        });
        let choices: Vec<Choice> = choices.collect();
        let holds = |choice: &&Choice| choice.only_shadow.is_none();
        choices.iter().find(holds).or(choices.first()).cloned()
    }

    fn working(&self, resource: Resource) -> impl Iterator<Item = Hook> {
        let of = self
            .trials
            .iter()
            .filter(move |trial| trial.hook.resource() == resource);
        of.filter(|trial| trial.outcome == Outcome::Works)
            .map(|trial| trial.hook)
    }

    /// Why calls can get past this hook unseen.
    fn leaks(&self, hook: Hook) -> Option<String> {
        let why = match &self.preemption {
            Preemption::No => return None,
            Preemption::Yes(by) => format!("the kernel is preemptible ({by})"),
            Preemption::Unknown(why) => {
                format!("{why}: mount debugfs on /sys/kernel/debug, or boot with preempt=voluntary")
            }
        };
        hook.is_skipped_when_preempted()
            .then(|| format!("calls of many threads at once can get past it: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Missing, Refused, Silent, Works};

    /// Outcomes in the order of [`Hook::ALL`].
    fn probe(outcomes: [Outcome; 5], preemption: Preemption) -> Probe {
        let trial = |(hook, outcome)| Trial {
            hook,
            outcome,
            reason: String::new(),
        };
        Probe {
            trials: Hook::ALL.into_iter().zip(outcomes).map(trial).collect(),
            preemption,
            modules: None,
        }
    }

    fn chosen(probe: &Probe) -> [Option<(Hook, bool)>; 2] {
        Resource::ALL.map(|resource| {
            let choice = probe.choose(resource)?;
            Some((choice.hook, choice.only_shadow.is_none()))
        })
    }

    fn full() -> Preemption {
        Preemption::Yes("full".to_owned())
    }

    #[test]
    fn a_kernel_with_all_hooks_has_those_that_cost_least() {
        let all = probe([Works; 5], Preemption::No);
        let best = [
            Some((Hook::LsmPathNotify, true)),
            Some((Hook::SystemCall, true)),
        ];
        assert_eq!(chosen(&all), best);
    }

    #[test]
    fn a_silent_security_module_is_passed_over() {
        let silent = [Silent, Works, Refused, Silent, Works];
        let best = [
            Some((Hook::ModifyPathNotify, true)),
            Some((Hook::ModifyFileAlloc, true)),
        ];
        assert_eq!(chosen(&probe(silent, Preemption::No)), best);
    }

    #[test]
    fn on_a_preemptible_kernel_security_modules_hold_and_others_only_count() {
        let best = [
            Some((Hook::LsmPathNotify, true)),
            Some((Hook::LsmFileAlloc, true)),
        ];
        assert_eq!(chosen(&probe([Works; 5], full())), best);
        let without = [Silent, Works, Works, Missing, Works];
        let only_count = [
            Some((Hook::ModifyPathNotify, false)),
            Some((Hook::SystemCall, false)),
        ];
        assert_eq!(chosen(&probe(without, full())), only_count);
        let unknown = Preemption::Unknown("no debugfs".to_owned());
        assert_eq!(chosen(&probe(without, unknown)), only_count);
    }

    #[test]
    fn nothing_that_works_is_no_choice() {
        assert_eq!(chosen(&probe([Refused; 5], Preemption::No)), [None, None]);
    }
}
