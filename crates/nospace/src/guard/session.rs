//! A guard that stays in front.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use rustix::thread::{NanosleepRelativeResult, nanosleep};
use rustix::time::Timespec;

use nospace_core::model::Pair;

use super::lines::{EndReason, GuardEnd, GuardLine, GuardStatus, PodCalls, PodRef, StatusReason};
use crate::host::live::Live;

/// When a guard is given the time.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often pods are looked for, and what they did.
    pub tick: Duration,
    /// How often the guard tests itself.
    pub minute: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(1),
            minute: Duration::from_secs(60),
        }
    }
}

/// A guard at work.
pub trait Guarding {
    /// Has the programs know every pod that there is at `now`, the time since the start. What could not be read of their names, if that
    /// leaves some without.
    ///
    /// # Errors
    ///
    /// The cgroups could not be read, or the kernel took a policy not: the guard must end.
    fn refresh(&mut self, host: &Live, now: Duration) -> anyhow::Result<Vec<String>>;

    /// What happened until `now`: pods at the line or over their budget, and calls that got past a hook.
    ///
    /// # Errors
    ///
    /// The programs' reports are malformed, or the kernel's accounting cannot be read: the guard must end.
    fn news(&mut self, now: Duration) -> anyhow::Result<Vec<GuardLine>>;

    /// Tests itself, and adapts the reserve to what a start of the kubelet takes now.
    ///
    /// # Errors
    ///
    /// What the self-test found wrong: the guard must end.
    fn minute(&mut self, host: &mut Live) -> anyhow::Result<Vec<GuardLine>>;

    /// What is kept now. A [`StatusReason::Minute`] becomes a change where a limit or a reserve is not as it was.
    ///
    /// # Errors
    ///
    /// The kernel's accounting cannot be read.
    fn status(&mut self, reason: StatusReason) -> anyhow::Result<GuardStatus>;

    /// What was counted since the start.
    fn counted(&self) -> Tally;

    /// Detaches: from then on nothing is refused. What it did.
    #[must_use]
    fn end(self, reason: EndReason, why: Option<String>) -> GuardEnd;
}

/// What a guard has counted since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls at the line by the pod's cgroup; as many pods as the programs count.
    pub pods: BTreeMap<u64, PodCalls>,
    /// Calls that got past each hook, where the kernel counts them.
    pub skipped: BTreeMap<&'static str, u64>,
    /// What the last look at budgets found; `None` before the first, and without budgets.
    pub budgets: Option<OverBudgets>,
}

/// Pods that use more than their budget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverBudgets {
    /// Those pods.
    pub pods: Vec<PodOver>,
    /// How many pods were looked at.
    pub looked_at: usize,
    /// How many could not be.
    pub unreadable: usize,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodOver {
    /// Its names; `None` where they are not known.
    pub pod: Option<PodRef>,
    /// Its cgroup, likewise.
    pub cgroup: Option<String>,
    /// By how much.
    pub over: Pair<u64>,
}

/// Follows a guard at work.
pub trait Observer {
    /// Takes a line; answers whether anybody still reads.
    ///
    /// # Errors
    ///
    /// It cannot be passed on.
    fn line(&mut self, line: &GuardLine) -> io::Result<bool>;

    /// Takes what was counted until now; each second.
    fn counted(&mut self, _: Tally) {}
}

/// Keeps the reserve until `stop` says so, nobody reads any more, or the guard finds itself wrong. Nothing is refused when it returns.
/// Why it ended.
///
/// # Errors
///
/// Lines cannot be written.
pub fn keep(
    mut keeper: impl Guarding,
    pace: Pace,
    host: &mut Live,
    stop: &dyn Fn() -> bool,
    observer: &mut dyn Observer,
    warn: &dyn Fn(&str),
) -> io::Result<EndReason> {
    let (reason, why) = match run(&mut keeper, pace, host, stop, observer, warn) {
        Ok(()) => (EndReason::Stopped, None),
        Err(error) => match error.downcast::<Unwritten>() {
            Ok(Unwritten(error)) => {
                // The links must not wait for whoever handles the error.
                drop(keeper);
                return Err(error);
            }
            Err(error) if error.is::<nospace_bpf::guard::Doubt>() => {
                (EndReason::Doubt, Some(format!("{error:#}")))
            }
            Err(error) => (EndReason::Failed, Some(format!("{error:#}"))),
        },
    };
    observer.counted(keeper.counted());
    let end = keeper.end(reason, why);
    observer.line(&GuardLine::Ended(Box::new(end)))?;
    Ok(reason)
}

/// A line could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unwritten(io::Error);

fn run(
    keeper: &mut impl Guarding,
    pace: Pace,
    host: &mut Live,
    stop: &dyn Fn() -> bool,
    observer: &mut dyn Observer,
    warn: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let begin = Instant::now();
    let mut minute = pace.minute;
    let mut lines = vec![GuardLine::Status(Box::new(
        keeper.status(StatusReason::Started)?,
    ))];
    loop {
        for line in lines.drain(..) {
            if !observer.line(&line).map_err(Unwritten)? {
                return Ok(());
            }
        }
        if stop() {
            return Ok(());
        }
        wait(pace.tick);
        let now = begin.elapsed();
        for gap in keeper.refresh(host, now)? {
            warn(&format!(
                "some pods have no known namespace, and may use all: {gap}"
            ));
        }
        lines.extend(keeper.news(now)?);
        observer.counted(keeper.counted());
        if now >= minute {
            lines.extend(keeper.minute(host)?);
            // Not a multiple: after a suspension one test is enough.
            minute = now + pace.minute;
        }
    }
}

/// Until the next look, or a signal.
fn wait(tick: Duration) {
    let time = Timespec {
        tv_sec: tick.as_secs().cast_signed(),
        tv_nsec: tick.subsec_nanos().into(),
    };
    match nanosleep(&time) {
        NanosleepRelativeResult::Ok | NanosleepRelativeResult::Interrupted(_) => {}
        NanosleepRelativeResult::Err(_) => std::thread::sleep(tick),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use nospace_bpf::guard::Doubt;

    use super::*;
    use crate::guard::lines::{GuardMode, GuardedPods, LINES_VERSION};
    use crate::host::live::Roots;

    /// A guard whose self-test fails the third time, or that cannot read cgroups.
    struct Failing {
        tests: u32,
        blind: bool,
    }

    impl Guarding for Failing {
        fn refresh(&mut self, _: &Live, _: Duration) -> anyhow::Result<Vec<String>> {
            match self.blind {
                true => bail!("cannot read /sys/fs/cgroup"),
                false => Ok(Vec::new()),
            }
        }

        fn news(&mut self, _: Duration) -> anyhow::Result<Vec<GuardLine>> {
            Ok(Vec::new())
        }

        fn minute(&mut self, _: &mut Live) -> anyhow::Result<Vec<GuardLine>> {
            self.tests += 1;
            match self.tests {
                3 => Err(Doubt("lsm/path_notify did not refuse".to_owned()).into()),
                _ => Ok(vec![GuardLine::Status(Box::new(
                    self.status(StatusReason::Minute)?,
                ))]),
            }
        }

        fn status(&mut self, reason: StatusReason) -> anyhow::Result<GuardStatus> {
            Ok(GuardStatus {
                schema_version: LINES_VERSION,
                time: String::new(),
                reason,
                mode: GuardMode::Enforce,
                resources: Vec::new(),
                not_guarded: Vec::new(),
                pods: GuardedPods::default(),
                budgets: None,
            })
        }

        fn counted(&self) -> Tally {
            Tally::default()
        }

        fn end(self, reason: EndReason, why: Option<String>) -> GuardEnd {
            GuardEnd {
                from: String::new(),
                until: String::new(),
                reason,
                why,
                mode: GuardMode::Enforce,
                calls: Pair::default(),
                pods: Vec::new(),
            }
        }
    }

    #[derive(Default)]
    struct Lines(Vec<GuardLine>);

    impl Observer for Lines {
        fn line(&mut self, line: &GuardLine) -> io::Result<bool> {
            self.0.push(line.clone());
            Ok(true)
        }
    }

    fn ended(guard: Failing) -> (EndReason, usize, Option<String>) {
        let mut host = Live::open(&Roots::default(), false).unwrap();
        let pace = Pace {
            tick: Duration::from_millis(1),
            minute: Duration::from_millis(2),
        };
        let mut lines = Lines::default();
        let reason = keep(guard, pace, &mut host, &|| false, &mut lines, &|_| {}).unwrap();
        let Some(GuardLine::Ended(end)) = lines.0.pop() else {
            panic!("{:?}", lines.0);
        };
        assert_eq!(end.reason, reason);
        (reason, lines.0.len(), end.why)
    }

    #[test]
    fn a_failed_self_test_ends_the_guard_and_says_why() {
        let guard = Failing {
            tests: 0,
            blind: false,
        };
        let why = "lsm/path_notify did not refuse".to_owned();
        // The start, and two minutes.
        assert_eq!(ended(guard), (EndReason::Doubt, 3, Some(why)));
    }

    #[test]
    fn what_cannot_be_read_ends_the_guard_and_is_no_doubt() {
        let guard = Failing {
            tests: 0,
            blind: true,
        };
        let why = "cannot read /sys/fs/cgroup".to_owned();
        assert_eq!(ended(guard), (EndReason::Failed, 1, Some(why)));
    }
}
