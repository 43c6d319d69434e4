//! Calls that got past a hook.

use std::time::Duration;

use nospace_bpf::guard::Hook;

/// It goes on for as long as many threads call at once.
const INTERVAL: Duration = Duration::from_secs(60);

/// What was reported of each hook.
#[derive(Debug, Default)]
pub struct Skips {
    told: Vec<(Hook, u64, Duration)>,
}

impl Skips {
    /// The hooks that have skipped more calls since this was last told, the calls since then and those since the start; each hook at
    /// most once a minute.
    pub fn due(&mut self, skipped: &[(Hook, Option<u64>)], now: Duration) -> Vec<(Hook, u64, u64)> {
        let mut all = Vec::new();
        for &(hook, total) in skipped {
            let total = total.unwrap_or_default();
            let at = self.told.iter().position(|(one, ..)| *one == hook);
            let (before, early) = at.map_or((0, false), |at| {
                let (_, before, told) = self.told[at];
                (before, now.saturating_sub(told) < INTERVAL)
            });
            if total <= before || early {
                continue;
            }
            match at {
                Some(at) => self.told[at] = (hook, total, now),
                None => self.told.push((hook, total, now)),
            }
            all.push((hook, total - before, total));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_hook_is_told_of_at_once_and_then_once_a_minute() {
        let mut skips = Skips::default();
        let (watches, instances) = (Hook::ModifyPathNotify, Hook::SystemCall);
        assert_eq!(
            skips.due(&[(watches, Some(0)), (instances, None)], at(0)),
            []
        );
        let first = skips.due(&[(watches, Some(3)), (instances, None)], at(1));
        assert_eq!(first, [(watches, 3, 3)]);
        let second = skips.due(&[(watches, Some(9)), (instances, Some(1))], at(2));
        assert_eq!(second, [(instances, 1, 1)]);
        assert_eq!(skips.due(&[(watches, Some(9))], at(61)), [(watches, 6, 9)]);
        assert_eq!(skips.due(&[(watches, Some(9))], at(200)), []);
    }
}
