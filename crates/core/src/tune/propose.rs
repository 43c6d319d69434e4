use super::{Knob, Wish};
use crate::amount::bytes;

/// A knob's value as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The knob.
    pub knob: &'static Knob,
    /// What it should be: never less than what is live.
    pub value: u64,
    /// Why.
    pub reason: String,
    /// It shall be so after the next boot too. Not where less was asked for than is live.
    pub lasts: bool,
}

/// A wish that cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its full use would take too much memory.
    #[error(
        "{key} = {value} is refused: used up it would take {} of kernel memory, more than half of the \
         {} that this node has; at most {bearable} is bearable",
        bytes(*.cost), bytes(*.memory)
    )]
    Memory {
        /// The knob.
        key: &'static str,
        /// The value.
        value: u64,
        /// Its worst case, in bytes.
        cost: u64,
        /// The node's memory, in bytes.
        memory: u64,
        /// What would do.
        bearable: u64,
    },
    /// The kernel does not take it.
    #[error("{key} = {value} is refused: the kernel takes {least} to {most}")]
    Range {
        /// The knob.
        key: &'static str,
        /// The value.
        value: u64,
        /// The least that it takes.
        least: u64,
        /// The most that it takes.
        most: u64,
    },
}

/// What to set, one value a knob, in the order of the wishes; `live` gives the value that is in force, where one is.
///
/// The rule for memory: a raise is refused where full use of the new limit, by one whom it binds, would take more than
/// half of the node's memory. What nobody asked for by name is cut down to that instead.
///
/// # Errors
///
/// Every firm wish that cannot be granted.
pub fn propose(
    wishes: &[Wish],
    live: impl Fn(&str) -> Option<u64>,
    memory: Option<u64>,
) -> Result<Vec<Proposed>, Vec<Refusal>> {
    let mut all: Vec<Proposed> = Vec::new();
    let mut refusals = Vec::new();
    for wish in wishes {
        let live = live(wish.knob.key).unwrap_or(0);
        match granted(wish, live, memory) {
            Ok(one) => enter(&mut all, one),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() {
        Ok(all)
    } else {
        Err(refusals)
    }
}

fn granted(wish: &Wish, live: u64, memory: Option<u64>) -> Result<Proposed, Refusal> {
    let Wish {
        knob,
        value,
        reason,
        firm,
    } = wish;
    let (value, bearable) = (*value, knob.affordable(memory));
    let granted = |value, reason, lasts| Proposed {
        knob,
        value,
        reason,
        lasts,
    };
    if value <= live {
        return Ok(match firm {
            true if value < live => {
                let reason = format!("more than the {value} asked for: tune never lowers");
                granted(live, reason, false)
            }
            true => granted(live, "as it is".to_owned(), true),
            false => granted(live, format!("no less than {reason}"), true),
        });
    }
    if *firm && !(knob.least..=knob.most).contains(&value) {
        return Err(Refusal::Range {
            key: knob.key,
            value,
            least: knob.least,
            most: knob.most,
        });
    }
    match (knob.cost(value), memory) {
        (Some(cost), Some(memory)) if value > bearable && *firm => Err(Refusal::Memory {
            key: knob.key,
            value,
            cost,
            memory,
            bearable,
        }),
        _ if value > bearable => {
            let reason = format!("{reason}; half of the memory bears no more");
            Ok(granted(live.max(bearable), reason, true))
        }
        _ => Ok(granted(value, reason.clone(), true)),
    }
}

/// The larger of two wishes for one knob.
fn enter(all: &mut Vec<Proposed>, new: Proposed) {
    match all.iter_mut().find(|one| one.knob == new.knob) {
        Some(one) if one.value >= new.value => {}
        Some(one) => *one = new,
        None => all.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wish(knob: &'static Knob, value: u64, firm: bool) -> Wish {
        Wish {
            knob,
            value,
            reason: "so".to_owned(),
            firm,
        }
    }

    fn proposed(wish: &Wish, live: u64, memory: u64) -> Result<Proposed, Refusal> {
        let done = propose(std::slice::from_ref(wish), |_| Some(live), Some(memory));
        done.map(|mut all| all.remove(0))
            .map_err(|mut all| all.remove(0))
    }

    #[test]
    fn what_memory_cannot_bear_is_refused_with_the_figure() {
        let error = proposed(&wish(Knob::WATCHES, 2_000_000, true), 8192, 2 << 30).unwrap_err();
        assert_eq!(
            error.to_string(),
            "fs.inotify.max_user_watches = 2000000 is refused: used up it would take 2.5 GiB of kernel memory, more \
             than half of the 2 GiB that this node has; at most 789516 is bearable"
        );
        let cut = proposed(&wish(Knob::WATCHES, 2_000_000, false), 8192, 2 << 30).unwrap();
        assert_eq!(cut.value, 789_516);
        let error = proposed(&wish(Knob::INSTANCES, 1 << 31, true), 128, 1 << 60).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("the kernel takes 0 to 2147483647"),
            "{error}"
        );
    }

    #[test]
    fn of_two_wishes_the_larger_counts() {
        let wishes = [
            wish(Knob::WATCHES, 10, false),
            wish(Knob::WATCHES, 30, false),
            wish(Knob::WATCHES, 20, false),
        ];
        let all = propose(&wishes, |_| Some(5), None).unwrap();
        assert_eq!(all.iter().map(|one| one.value).collect::<Vec<_>>(), [30]);
    }

    proptest! {
        #[test]
        fn it_never_lowers_and_never_goes_beyond_what_is_bearable(
            at in 0..crate::tune::tunable().count(),
            value in any::<u64>(),
            live in any::<u64>(),
            memory in 0_u64..(1 << 45),
            firm in any::<bool>(),
        ) {
            let knob = crate::tune::tunable().nth(at).unwrap();
            if let Ok(one) = proposed(&wish(knob, value, firm), live, memory) {
                prop_assert!(one.value >= live);
                prop_assert!(one.value == live || one.value <= knob.affordable(Some(memory)));
                prop_assert!(one.value == live || one.value <= knob.most);
            } else {
                prop_assert!(firm);
            }
        }
    }
}
