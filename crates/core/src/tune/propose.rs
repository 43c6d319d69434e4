use super::{Sysctl, SysctlRequest};
use crate::amount::bytes;

/// A sysctl's value as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysctlProposal {
    /// The sysctl.
    pub sysctl: &'static Sysctl,
    /// What it should be: never less than what is live.
    pub value: u64,
    /// Why.
    pub reason: String,
    /// Whether it must hold after the next boot too. Not where less was asked for than is live.
    pub lasts: bool,
}

/// A request that cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its full use would take too much memory.
    #[error(
        "{key} = {value} is refused: at full use it would take {} of kernel memory, more than half of the \
         {} that this node has; at most {affordable} fits",
        bytes(*.cost), bytes(*.memory)
    )]
    Memory {
        /// The sysctl.
        key: &'static str,
        /// The value.
        value: u64,
        /// Its worst case, in bytes.
        cost: u64,
        /// The node's memory, in bytes.
        memory: u64,
        /// What would do.
        affordable: u64,
    },
    /// The kernel does not take it.
    #[error("{key} = {value} is refused: the kernel takes {least} to {most}")]
    Range {
        /// The sysctl.
        key: &'static str,
        /// The value.
        value: u64,
        /// The least that it takes.
        least: u64,
        /// The most that it takes.
        most: u64,
    },
}

/// What to set, one value a sysctl, in the order of the requests; `live` gives the value that is in force, where one is.
///
/// The rule for memory: a raise is refused where full use of the new limit by one user would take more than half of the
/// node's memory. A value that nobody asked for by name is capped instead.
///
/// # Errors
///
/// Every firm request that cannot be granted.
pub fn propose(
    requests: &[SysctlRequest],
    live: impl Fn(&str) -> Option<u64>,
    memory: Option<u64>,
) -> Result<Vec<SysctlProposal>, Vec<Refusal>> {
    let mut all: Vec<SysctlProposal> = Vec::new();
    let mut refusals = Vec::new();
    for request in requests {
        let live = live(request.sysctl.key).unwrap_or(0);
        match granted(request, live, memory) {
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

fn granted(
    request: &SysctlRequest,
    live: u64,
    memory: Option<u64>,
) -> Result<SysctlProposal, Refusal> {
    let SysctlRequest {
        sysctl,
        value,
        reason,
        firm,
    } = request;
    let (value, affordable) = (*value, sysctl.affordable(memory));
    let granted = |value, reason, lasts| SysctlProposal {
        sysctl,
        value,
        reason,
        lasts,
    };
    if value <= live {
        return Ok(match firm {
            true if value < live => {
                let reason =
                    format!("kept at {live}: tune never lowers a limit (you asked for {value})");
                granted(live, reason, false)
            }
            true => granted(live, "already set".to_owned(), true),
            false => granted(live, format!("already at least {reason}"), true),
        });
    }
    if *firm && !(sysctl.least..=sysctl.most).contains(&value) {
        return Err(Refusal::Range {
            key: sysctl.key,
            value,
            least: sysctl.least,
            most: sysctl.most,
        });
    }
    match (sysctl.cost(value), memory) {
        (Some(cost), Some(memory)) if value > affordable && *firm => Err(Refusal::Memory {
            key: sysctl.key,
            value,
            cost,
            memory,
            affordable,
        }),
        _ if value > affordable => {
            let reason =
                format!("{reason}; capped so that full use takes at most half of the memory");
            Ok(granted(live.max(affordable), reason, true))
        }
        _ => Ok(granted(value, reason.clone(), true)),
    }
}

/// The larger of two requests for one sysctl.
fn enter(all: &mut Vec<SysctlProposal>, new: SysctlProposal) {
    match all.iter_mut().find(|one| one.sysctl == new.sysctl) {
        Some(one) if one.value >= new.value => {}
        Some(one) => *one = new,
        None => all.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(sysctl: &'static Sysctl, value: u64, firm: bool) -> SysctlRequest {
        SysctlRequest {
            sysctl,
            value,
            reason: "so".to_owned(),
            firm,
        }
    }

    fn proposed(
        request: &SysctlRequest,
        live: u64,
        memory: u64,
    ) -> Result<SysctlProposal, Refusal> {
        let done = propose(std::slice::from_ref(request), |_| Some(live), Some(memory));
        done.map(|mut all| all.remove(0))
            .map_err(|mut all| all.remove(0))
    }

    #[test]
    fn what_memory_cannot_bear_is_refused_with_the_figure() {
        let error =
            proposed(&request(Sysctl::WATCHES, 2_000_000, true), 8192, 2 << 30).unwrap_err();
        assert_eq!(
            error.to_string(),
            "fs.inotify.max_user_watches = 2000000 is refused: at full use it would take 2.5 GiB of kernel memory, more \
             than half of the 2 GiB that this node has; at most 789516 fits"
        );
        let cut = proposed(&request(Sysctl::WATCHES, 2_000_000, false), 8192, 2 << 30).unwrap();
        assert_eq!(cut.value, 789_516);
        let error = proposed(&request(Sysctl::INSTANCES, 1 << 31, true), 128, 1 << 60).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("the kernel takes 0 to 2147483647"),
            "{error}"
        );
    }

    #[test]
    fn of_two_wishes_the_larger_counts() {
        let requests = [
            request(Sysctl::WATCHES, 10, false),
            request(Sysctl::WATCHES, 30, false),
            request(Sysctl::WATCHES, 20, false),
        ];
        let all = propose(&requests, |_| Some(5), None).unwrap();
        assert_eq!(all.iter().map(|one| one.value).collect::<Vec<_>>(), [30]);
    }

    proptest! {
        #[test]
        fn it_never_lowers_and_never_goes_beyond_what_is_affordable(
            at in 0..crate::tune::tunable().count(),
            value in any::<u64>(),
            live in any::<u64>(),
            memory in 0_u64..(1 << 45),
            firm in any::<bool>(),
        ) {
            let sysctl = crate::tune::tunable().nth(at).unwrap();
            if let Ok(one) = proposed(&request(sysctl, value, firm), live, memory) {
                prop_assert!(one.value >= live);
                prop_assert!(one.value == live || one.value <= sysctl.affordable(Some(memory)));
                prop_assert!(one.value == live || one.value <= sysctl.most);
            } else {
                prop_assert!(firm);
            }
        }
    }
}
