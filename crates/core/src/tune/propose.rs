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
            Ok((value, reason)) => enter(&mut all, wish.knob, value, reason),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() {
        Ok(all)
    } else {
        Err(refusals)
    }
}

fn granted(wish: &Wish, live: u64, memory: Option<u64>) -> Result<(u64, String), Refusal> {
    let Wish {
        knob,
        value,
        reason,
        firm,
    } = wish;
    let (value, bearable) = (*value, knob.bearable(memory));
    if value <= live {
        let reason = match firm {
            true if value < live => format!("more than the {value} asked for: tune never lowers"),
            true => "as it is".to_owned(),
            false => format!("no less than {reason}"),
        };
        return Ok((live, reason));
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
        _ if value > bearable => Ok((
            live.max(bearable),
            format!("{reason}; half of the memory bears no more"),
        )),
        _ => Ok((value, reason.clone())),
    }
}

/// The larger of two wishes for one knob.
fn enter(all: &mut Vec<Proposed>, knob: &'static Knob, value: u64, reason: String) {
    match all.iter_mut().find(|one| one.knob == knob) {
        Some(one) if one.value >= value => {}
        Some(one) => (one.value, one.reason) = (value, reason),
        None => all.push(Proposed {
            knob,
            value,
            reason,
        }),
    }
}
