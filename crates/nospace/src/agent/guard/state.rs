use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nospace_core::amount::thousands;
use nospace_core::attribute::View;
use nospace_core::metrics::{BudgetMetrics, GuardMetrics, GuardedCalls, OTHER};
use nospace_core::model::{GuardMode, InotifyResource, Pair};
use nospace_core::report::PodRef;

use super::view::{GuardView, PodAtLineNote, Standing};
use crate::agent::call_rows::{CallRows, MAX_ROWS};
use crate::guard::{self, CallsAtLine, GuardStatus, OverBudgets, PodAtLine, PodCalls, PodOver};

/// Resource, namespace, pod.
type Rows = CallRows<3, 1>;

/// What the agent's guard does, for those who report it.
#[derive(Debug, Default)]
pub struct GuardState(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `None` where there is to be no guard.
    now: Option<Now>,
    /// What the guards of this agent have counted, also those that have ended.
    refused: Rows,
    would_refuse: Rows,
    skipped: BTreeMap<String, u64>,
    /// What the guard that is at work has found of budgets.
    budgets: Option<BudgetMetrics>,
    notes: VecDeque<PodAtLineNote>,
    noted: u64,
}

#[derive(Debug)]
struct Now {
    mode: GuardMode,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Starting,
    Up {
        status: Box<GuardStatus>,
        /// When it last passed its self-test.
        tested: Instant,
    },
    Down(String),
}

impl GuardState {
    /// There is to be none.
    pub fn off(&self) {
        self.lock().now = None;
    }

    /// It is starting; one that is not at work stays so until it is.
    pub fn starting(&self, mode: GuardMode) {
        let mut state = self.lock();
        state.budgets = None;
        let tries_again = |now: &Now| now.mode == mode && matches!(now.stage, Stage::Down(_));
        if !state.now.as_ref().is_some_and(tries_again) {
            state.now = Some(Now {
                mode,
                stage: Stage::Starting,
            });
        }
    }

    /// It is at work; `tested` if it has just passed its self-test.
    pub fn up(&self, status: &GuardStatus, tested: bool) {
        let mut state = self.lock();
        let Some(now) = &mut state.now else {
            return;
        };
        let before = match now.stage {
            Stage::Up { tested, .. } => Some(tested),
            _ => None,
        };
        let tested = before.filter(|_| !tested).unwrap_or_else(Instant::now);
        now.stage = Stage::Up {
            status: Box::new(status.clone()),
            tested,
        };
    }

    /// It is not at work, and why; answers whether that is news.
    pub fn down(&self, mode: GuardMode, why: &str) -> bool {
        let mut state = self.lock();
        let before = state.now.replace(Now {
            mode,
            stage: Stage::Down(why.to_owned()),
        });
        !matches!(before, Some(Now { stage: Stage::Down(before), .. }) if before == why)
    }

    /// Calls of a pod, beyond those that were counted before.
    pub fn count(&self, mode: GuardMode, pod: &PodCalls, new: Pair<u64>) {
        let [namespace, name] = labels(pod.pod.as_ref(), pod.cgroup.as_deref());
        let mut state = self.lock();
        let rows = match mode {
            GuardMode::Enforce => &mut state.refused,
            GuardMode::Shadow => &mut state.would_refuse,
        };
        for resource in InotifyResource::BOTH {
            if new[resource] > 0 {
                let row = [resource.unit().to_owned(), namespace.clone(), name.clone()];
                rows.add(row, new[resource], Instant::now());
            }
        }
    }

    /// Calls that got past a hook, beyond those that were counted before.
    pub fn skipped(&self, hook: &str, new: u64) {
        *self.lock().skipped.entry(hook.to_owned()).or_default() += new;
    }

    /// What the last look at budgets found; `None` before the first, and without budgets.
    pub fn budgets(&self, found: Option<&OverBudgets>) {
        self.lock().budgets = found.map(|found| BudgetMetrics {
            over: over_budget(&found.pods),
            pods: [("read", found.looked_at), ("unreadable", found.unreadable)].into(),
        });
    }

    /// A pod was refused calls.
    pub fn note(&self, one: &PodAtLine) {
        let Some(pod) = one.pod.as_ref().filter(|pod| !pod.name.is_empty()) else {
            return;
        };
        let mut state = self.lock();
        for calls in &one.resources {
            state.noted += 1;
            let note = PodAtLineNote {
                number: state.noted,
                pod: PodRef {
                    namespace: pod.namespace.clone(),
                    name: pod.name.clone(),
                    uid: pod.uid.clone(),
                },
                resource: calls.resource.unit(),
                message: message(calls),
            };
            if state.notes.len() >= PodAtLineNote::MAX {
                state.notes.pop_front();
            }
            state.notes.push_back(note);
        }
    }

    /// Moves the counts of pods that no longer exist to `other`.
    pub fn fold_deleted_pods(&self, view: &View<'_>) {
        let mut state = self.lock();
        state.refused.fold_deleted_pods(view);
        state.would_refuse.fold_deleted_pods(view);
    }

    /// For an observation; `None` where there is to be no guard.
    pub fn view(&self) -> Option<GuardView> {
        let state = self.lock();
        let now = state.now.as_ref()?;
        Some(GuardView {
            mode: now.mode,
            standing: match &now.stage {
                Stage::Starting => Standing::Starting,
                Stage::Up { status, .. } => Standing::Up(kept(status)),
                Stage::Down(why) => Standing::Down(why.clone()),
            },
            refused: state.notes.iter().cloned().collect(),
        })
    }

    /// For metrics; `None` where there is to be no guard.
    pub fn metrics(&self) -> Option<GuardMetrics> {
        let state = self.lock();
        let now = state.now.as_ref()?;
        let mut metrics = GuardMetrics {
            mode: now.mode,
            hooks: Pair::default(),
            is_up: None,
            why: None,
            test_age_seconds: None,
            pods: BTreeMap::new(),
            calls: calls(&state.refused, GuardMode::Enforce)
                .chain(calls(&state.would_refuse, GuardMode::Shadow))
                .collect(),
            skipped: state.skipped.clone(),
            budgets: None,
        };
        match &now.stage {
            Stage::Starting => {}
            Stage::Up { status, tested } => {
                metrics.is_up = Some(true);
                metrics.budgets.clone_from(&state.budgets);
                metrics.test_age_seconds = Some(tested.elapsed().as_secs_f64());
                for one in &status.resources {
                    metrics.hooks[one.resource] = Some(one.hook.clone());
                }
                let pods = status.pods;
                metrics.pods = [
                    ("guarded", pods.guarded),
                    ("exempt", pods.exempt),
                    ("unknown", pods.unknown),
                ]
                .into();
            }
            Stage::Down(why) => {
                metrics.is_up = Some(false);
                metrics.why = Some(why.clone());
            }
        }
        Some(metrics)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn calls(rows: &Rows, mode: GuardMode) -> impl Iterator<Item = GuardedCalls> {
    rows.iter().map(move |(row, calls)| {
        let [resource, namespace, pod] = row.clone();
        GuardedCalls {
            mode,
            resource,
            namespace,
            pod,
            calls,
        }
    })
}

/// Pods over a budget with resource, namespace and pod, in a stable order: those that are over by most, and all others as `other`.
fn over_budget(pods: &[PodOver]) -> BTreeMap<[String; 3], u64> {
    let rows = pods.iter().flat_map(|one| {
        let [namespace, pod] = labels(one.pod.as_ref(), one.cgroup.as_deref());
        let row = move |resource: InotifyResource| {
            let row = [resource.unit().to_owned(), namespace.clone(), pod.clone()];
            (row, one.over[resource])
        };
        InotifyResource::BOTH.map(row)
    });
    let mut rows: Vec<_> = rows.filter(|(_, over)| *over > 0).collect();
    rows.sort_by_key(|(_, over)| Reverse(*over));
    let mut bounded = BTreeMap::new();
    for ([resource, namespace, pod], over) in rows {
        let mut row = [resource, namespace, pod];
        if bounded.len() >= MAX_ROWS && !bounded.contains_key(&row) {
            row[1..].fill(OTHER.to_owned());
        }
        *bounded.entry(row).or_default() += over;
    }
    bounded
}

/// Namespace and pod as labels.
fn labels(pod: Option<&guard::PodRef>, cgroup: Option<&str>) -> [String; 2] {
    match pod {
        Some(pod) if !pod.name.is_empty() => [pod.namespace.clone(), pod.name.clone()],
        Some(pod) => [String::new(), pod.uid.clone()],
        None => [String::new(), cgroup.unwrap_or_default().to_owned()],
    }
}

/// `900 of 1,000 watches of uid 0 used; the last 100 are kept for the node (nospace guard)`
fn message(calls: &CallsAtLine) -> String {
    let kept = thousands(calls.kept);
    let unit = calls.resource.unit();
    match &calls.last {
        Some(last) => format!(
            "{} of {} {unit} of uid 0 used; the last {kept} are kept for the node (nospace guard)",
            thousands(last.used),
            thousands(last.limit),
        ),
        None => format!("the last {kept} {unit} of uid 0 are kept for the node (nospace guard)"),
    }
}

/// `the last 436 of 192,536 watches and the last 64 of 128 instances`
pub fn kept(status: &GuardStatus) -> String {
    let kept = status.resources.iter().map(|one| {
        format!(
            "the last {} of {} {}",
            thousands(one.kept),
            thousands(one.limit),
            one.resource.unit()
        )
    });
    kept.collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
