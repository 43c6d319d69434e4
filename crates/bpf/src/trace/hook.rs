/// What the trace attaches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// The functions of the traced calls, with one link (kretprobe.multi; Linux 6.7 with `CONFIG_FPROBE`).
    KprobeMulti,
    /// Each of these functions, with a link of its own (fexit; BPF trampolines).
    Fexit,
    /// The tracepoint raw_syscalls/sys_exit, which slows down every call of every process.
    SysExit,
}

impl Hook {
    /// All hooks, best first.
    pub const ALL: [Self; 3] = [Self::KprobeMulti, Self::Fexit, Self::SysExit];

    /// Whether the trace slows down only the traced calls.
    #[must_use]
    pub fn spares_other_calls(self) -> bool {
        self != Self::SysExit
    }
}

/// The result of the first of `hooks` for which `attempt` succeeds; else the error of the last.
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
    fn hooks_that_spare_other_calls_come_first() {
        assert_eq!(choose(&Hook::ALL), Ok(Hook::KprobeMulti));
        assert_eq!(choose(&[Hook::SysExit, Hook::Fexit]), Ok(Hook::Fexit));
        assert_eq!(choose(&[Hook::SysExit]), Ok(Hook::SysExit));
        let free = Hook::ALL.map(Hook::spares_other_calls);
        assert_eq!(free, [true, true, false]);
    }

    #[test]
    fn the_error_is_that_of_the_last_hook() {
        assert_eq!(choose(&[]), Err("no SysExit".to_owned()));
    }
}
