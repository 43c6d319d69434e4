use std::fs;
use std::path::Path;

/// Whether a task can lose the CPU while it runs in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preemption {
    /// Only where it gives the CPU up (`PREEMPT_NONE`, `PREEMPT_VOLUNTARY`).
    No,
    /// At any time (full or lazy preemption, and real-time kernels); how that was found out.
    Yes(String),
    /// That is decided at boot or later, and the kernel does not say here; why.
    Unknown(String),
}

/// Below sysfs.
const SETTING: &str = "kernel/debug/sched/preempt";

/// That of the running kernel; `sysfs` is where the host's sysfs is mounted, with its debugfs.
#[must_use]
pub fn preemption(sysfs: &Path) -> Preemption {
    let version = rustix::system::uname();
    let setting = fs::read_to_string(sysfs.join(SETTING));
    let command_line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    decide(
        &version.version().to_string_lossy(),
        setting.ok().as_deref(),
        &command_line,
    )
}

/// From `uname -v`, the scheduler's setting, of which the word in parentheses counts, and the kernel's command line.
fn decide(version: &str, setting: Option<&str>, command_line: &str) -> Preemption {
    let has = |flag: &str| version.split_whitespace().any(|word| word == flag);
    if has("PREEMPT_RT") || has("PREEMPT") {
        return Preemption::Yes("PREEMPT in uname -v".to_owned());
    }
    if !has("PREEMPT_DYNAMIC") {
        return Preemption::No;
    }
    if let Some(word) = setting.and_then(chosen) {
        return named(word, &format!("/sys/{SETTING}"));
    }
    let given = |word: &str| word.strip_prefix("preempt=").map(str::to_owned);
    match command_line
        .split_whitespace()
        .filter_map(given)
        .next_back()
    {
        Some(word) => named(&word, "the kernel's command line"),
        None => Preemption::Unknown(format!(
            "the kernel can be preemptible (PREEMPT_DYNAMIC), and /sys/{SETTING} is not readable"
        )),
    }
}

fn chosen(setting: &str) -> Option<&str> {
    let (_, rest) = setting.split_once('(')?;
    rest.split_once(')').map(|(word, _)| word)
}

fn named(word: &str, place: &str) -> Preemption {
    match word {
        "none" | "voluntary" => Preemption::No,
        _ => Preemption::Yes(format!("{word} preemption, by {place}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DYNAMIC: &str = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.170-1";

    #[test]
    fn a_kernel_without_the_word_is_not_preemptible() {
        let debian = "#1 SMP Debian 5.10.251-1 (2026-03-01)";
        assert_eq!(decide(debian, None, ""), Preemption::No);
        assert_eq!(decide(debian, Some("(full)"), ""), Preemption::No);
    }

    #[test]
    fn the_word_alone_says_that_it_is() {
        for version in ["#2 SMP PREEMPT x", "#2 SMP PREEMPT_RT x"] {
            let said = decide(version, Some("(none)"), "preempt=none");
            assert!(matches!(said, Preemption::Yes(_)), "{version}");
        }
    }

    #[test]
    fn of_a_dynamic_one_the_setting_decides_then_the_command_line() {
        let yes = |setting, line| matches!(decide(DYNAMIC, setting, line), Preemption::Yes(_));
        let no = |setting, line| decide(DYNAMIC, setting, line) == Preemption::No;
        assert!(no(Some("none (voluntary) full\n"), "preempt=full"));
        assert!(yes(Some("none voluntary (full)\n"), ""));
        assert!(yes(Some("full (lazy)\n"), ""));
        assert!(no(None, "quiet preempt=full preempt=voluntary"));
        assert!(yes(None, "quiet preempt=lazy"));
        assert!(yes(Some("(something new)"), ""));
    }

    #[test]
    fn what_is_not_said_is_unknown() {
        assert!(
            matches!(decide(DYNAMIC, None, "quiet"), Preemption::Unknown(why) if why.contains("debug"))
        );
        assert!(matches!(
            decide(DYNAMIC, Some("?"), ""),
            Preemption::Unknown(_)
        ));
    }
}
