/// Where the programs of a trace hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// On the functions of the traced calls, all by one link (kprobe.multi; Linux 6.7 with `CONFIG_FPROBE`).
    Returns,
    /// On each of these functions (fexit; BPF trampolines).
    Exits,
    /// On the end of every call of every process: those that are not traced pay, too.
    EveryCall,
}

impl Hook {
    /// Best first.
    pub const ALL: [Self; 3] = [Self::Returns, Self::Exits, Self::EveryCall];

    /// Whether calls that are not traced cost what they cost without a trace.
    #[must_use]
    pub fn is_free(self) -> bool {
        self != Self::EveryCall
    }
}

/// The first of `hooks` that the kernel takes; why it did not take the last.
#[cfg(feature = "ebpf")]
pub fn first<T, E>(
    hooks: &[Hook],
    mut attempt: impl FnMut(Hook) -> Result<T, E>,
    none: impl FnOnce() -> E,
) -> Result<T, E> {
    let mut refused = None;
    for &hook in hooks {
        match attempt(hook) {
            Ok(taken) => return Ok(taken),
            Err(why) => refused = Some(why),
        }
    }
    Err(refused.unwrap_or_else(none))
}

#[cfg(all(test, feature = "ebpf"))]
mod tests {
    use super::*;

    fn choose(taken: &[Hook]) -> Result<Hook, String> {
        let attempt = |hook| match taken.contains(&hook) {
            true => Ok(hook),
            false => Err(format!("no {hook:?}")),
        };
        first(&Hook::ALL, attempt, String::new)
    }

    #[test]
    fn what_costs_others_nothing_comes_first() {
        assert_eq!(choose(&Hook::ALL), Ok(Hook::Returns));
        assert_eq!(choose(&[Hook::EveryCall, Hook::Exits]), Ok(Hook::Exits));
        assert_eq!(choose(&[Hook::EveryCall]), Ok(Hook::EveryCall));
        let free = Hook::ALL.map(Hook::is_free);
        assert_eq!(free, [true, true, false]);
    }

    #[test]
    fn the_reason_is_that_of_the_last_resort() {
        assert_eq!(choose(&[]), Err("no EveryCall".to_owned()));
    }
}
