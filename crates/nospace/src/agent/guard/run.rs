use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use nospace_core::model::{self, Pair};

use super::state::{GuardState, kept};
use crate::agent::config::ConfigReceiver;
use crate::guard::{
    CallsAtLine, EndReason, GuardEnd, GuardLine, GuardMode, GuardStatus, Keeper, Observer, Pace,
    PodAtLine, PodOverBudget, StatusReason, Tally, Wish, keep,
};
use crate::host::live::{Live, Roots};
use crate::ui::guard::over_budget as uses;
use crate::ui::number::count;
use crate::ui::warn;

/// What is not known, or cannot be tested now, may be another time: no instance may be free, for example.
const RETRY: Duration = Duration::from_secs(300);

/// The thread that guards.
pub struct GuardThread {
    /// The agent's settings.
    pub config: ConfigReceiver,
    /// Where what it does is reported.
    pub state: Arc<GuardState>,
    /// Where the host is mounted.
    pub roots: Roots,
    /// Whether eBPF may be used.
    pub ebpf: bool,
}

/// How a guard ended, or did not start.
enum Ended {
    /// The agent stops, or the settings are others.
    Stopped,
    /// There may be one later.
    ForNow(String),
    /// There will be none with these settings on this kernel, or it found itself wrong.
    ForGood(String),
}

impl GuardThread {
    /// Guards as the settings ask for, until the sender of `renew` is dropped. It must send something when there are new settings.
    pub fn run(self, renew: &Receiver<()>) {
        loop {
            let wish = self.wish();
            let retry = match &wish {
                Some(wish) => self.report(wish, self.guard(wish, renew)),
                None => {
                    self.state.off();
                    None
                }
            };
            // Others may have come while there was a guard.
            let is_old = self.wish() != wish;
            let next = match retry {
                _ if is_over(renew) => return,
                _ if is_old => Ok(()),
                Some(retry) => renew.recv_timeout(retry),
                None => renew.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            if next == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    /// Says how a guard has ended; after how long there may be another.
    fn report(&self, wish: &Wish, ended: Ended) -> Option<Duration> {
        let (why, retry) = match ended {
            Ended::Stopped => return None,
            Ended::ForNow(why) => (why, Some(RETRY)),
            Ended::ForGood(why) => (why, None),
        };
        if self.state.down(mode(wish.mode), &why) {
            let later = match retry {
                Some(_) => "the agent tries again every 5 minutes",
                None => "the agent goes on without it; SIGHUP or a restart tries again",
            };
            warn(&format!("no guard: {why}; {later}"));
        }
        retry
    }

    fn wish(&self) -> Option<Wish> {
        self.config.borrow().guard.clone()
    }

    fn guard(&self, wish: &Wish, renew: &Receiver<()>) -> Ended {
        if !self.ebpf {
            return Ended::ForGood("it needs eBPF: run the agent without --no-ebpf".to_owned());
        }
        let mut host = match Live::open(&self.roots, true) {
            Ok(host) => host,
            Err(error) => return Ended::ForNow(format!("{error:#}")),
        };
        self.state.starting(mode(wish.mode));
        let keeper = match Keeper::start(&mut host, wish.settings(&self.roots.sys)) {
            Ok(keeper) => keeper,
            Err(why) if why.is_final() => return Ended::ForGood(why.to_string()),
            Err(why) => return Ended::ForNow(why.to_string()),
        };
        let mut recorder = Recorder {
            state: &self.state,
            mode: mode(wish.mode),
            untested: false,
            counted: BTreeMap::new(),
            skipped: BTreeMap::new(),
            end: None,
        };
        let is_over = || is_over(renew) || self.wish().as_ref() != Some(wish);
        let ended = keep(
            keeper,
            Pace::default(),
            &mut host,
            &is_over,
            &mut recorder,
            &warn,
        );
        let why = recorder.end.and_then(|end| end.why).unwrap_or_default();
        match ended {
            Ok(EndReason::Stopped) => Ended::Stopped,
            Ok(EndReason::Doubt) => Ended::ForGood(format!("a self-test failed: {why}")),
            Ok(EndReason::Failed) => Ended::ForNow(format!("it could not go on: {why}")),
            Err(error) => Ended::ForNow(error.to_string()),
        }
    }
}

/// Whether the agent stops. Takes what was sent.
fn is_over(renew: &Receiver<()>) -> bool {
    renew.try_recv() == Err(TryRecvError::Disconnected)
}

fn mode(mode: GuardMode) -> model::GuardMode {
    match mode {
        GuardMode::Shadow => model::GuardMode::Shadow,
        GuardMode::Enforce => model::GuardMode::Enforce,
    }
}

/// Passes on what a guard does.
struct Recorder<'a> {
    state: &'a GuardState,
    mode: model::GuardMode,
    /// The self-test that belongs to the next status could not be made.
    untested: bool,
    /// Calls of each pod's cgroup that were passed on.
    counted: BTreeMap<u64, Pair<u64>>,
    /// Likewise those that got past a hook.
    skipped: BTreeMap<&'static str, u64>,
    end: Option<GuardEnd>,
}

impl Observer for Recorder<'_> {
    fn line(&mut self, line: &GuardLine) -> io::Result<bool> {
        match line {
            GuardLine::Status(status) => {
                let tested = !std::mem::take(&mut self.untested);
                self.state.up(status, tested);
                if status.reason == StatusReason::Started {
                    started(status);
                }
            }
            GuardLine::AtLine(pod) => self.at_line(pod),
            GuardLine::OverBudget(pod) => over_budget(pod),
            GuardLine::Unreadable(pods) => warn(&format!(
                "the guard could not check the budgets of {}, which may use any number: {}",
                count(pods.pods as u64, "pod", "pods"),
                pods.reason
            )),
            GuardLine::Skipped(skipped) => warn(&format!(
                "{} calls got past the guard's {}: pods may have cut into the reserve",
                skipped.calls, skipped.hook
            )),
            GuardLine::Untested(untested) => {
                self.untested = true;
                warn(&format!(
                    "the guard could not test itself this time, and goes on: {}",
                    untested.reason
                ));
            }
            GuardLine::Ended(end) => self.end = Some(*end.clone()),
        }
        Ok(true)
    }

    fn counted(&mut self, tally: Tally) {
        let Tally {
            pods,
            skipped,
            budgets,
        } = tally;
        self.state.budgets(budgets.as_ref());
        // The programs forget pods; one that comes again begins anew.
        self.counted.retain(|cgroup, _| pods.contains_key(cgroup));
        for (cgroup, pod) in pods {
            let before = self.counted.insert(cgroup, pod.calls).unwrap_or_default();
            self.state.count(self.mode, &pod, beyond(before, pod.calls));
        }
        for (hook, calls) in skipped {
            let before = self.skipped.insert(hook, calls).unwrap_or_default();
            self.state.skipped(hook, calls.saturating_sub(before));
        }
    }
}

impl Recorder<'_> {
    /// Logs that a pod is at the line for the first time; metrics and events have the rest.
    fn at_line(&self, pod: &PodAtLine) {
        if pod.refused {
            self.state.note(pod);
        }
        let is_first = |calls: &CallsAtLine| calls.calls == calls.total;
        let named = pod.pod.as_ref().filter(|pod| !pod.name.is_empty());
        let (Some(named), true) = (named, pod.resources.iter().all(is_first)) else {
            return;
        };
        let units: Vec<&str> = pod
            .resources
            .iter()
            .map(|one| one.resource.unit())
            .collect();
        let verb = match pod.refused {
            true => "refuses",
            false => "would refuse",
        };
        warn(&format!(
            "the guard {verb} {}/{} more {}",
            named.namespace,
            named.name,
            units.join(" and ")
        ));
    }
}

/// Logs that a pod is over a budget for the first time; metrics have the rest.
fn over_budget(pod: &PodOverBudget) {
    let first = pod.resources.iter().filter(|one| one.first);
    let uses: Vec<String> = first.map(uses).collect();
    if let (Some(pod), false) = (&pod.pod, uses.is_empty()) {
        warn(&format!(
            "{}/{} {}",
            pod.namespace,
            pod.name,
            uses.join("; ")
        ));
    }
}

fn started(status: &GuardStatus) {
    let verb = match status.mode {
        GuardMode::Enforce => "refuses",
        GuardMode::Shadow => "counts",
    };
    let kept = kept(status);
    warn(&format!(
        "the guard {verb} calls of pods that would cut into {kept}"
    ));
    for one in &status.not_guarded {
        let unit = one.resource.unit();
        warn(&format!("the guard leaves {unit} alone: {}", one.reason));
    }
}

/// What was counted since `before`; where the count has begun anew, all of it.
fn beyond(before: Pair<u64>, now: Pair<u64>) -> Pair<u64> {
    Pair::new(|one| match now[one].checked_sub(before[one]) {
        Some(new) => new,
        None => now[one],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_has_begun_anew_is_all_new() {
        assert_eq!(beyond(Pair::of(1, 5), Pair::of(1, 9)), Pair::of(0, 4));
        assert_eq!(beyond(Pair::of(1, 5), Pair::of(2, 3)), Pair::of(1, 3));
    }
}
