use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nospace_core::amount::thousands;
use nospace_core::attribute::View;
use nospace_core::metrics::{GuardMetrics, GuardedCalls};
use nospace_core::model::{GuardMode, InotifyResource, Pair};
use nospace_core::report::PodRef;

use super::view::{GuardView, PodAtLineNote, Standing};
use crate::agent::call_rows::CallRows;
use crate::guard::{CallsAtLine, GuardStatus, PodAtLine, PodCalls};

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
        let [namespace, name] = labels(pod);
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
        };
        match &now.stage {
            Stage::Starting => {}
            Stage::Up { status, tested } => {
                metrics.is_up = Some(true);
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

/// Namespace and pod as labels.
fn labels(pod: &PodCalls) -> [String; 2] {
    match (&pod.pod, &pod.cgroup) {
        (Some(pod), _) if !pod.name.is_empty() => [pod.namespace.clone(), pod.name.clone()],
        (Some(pod), _) => [String::new(), pod.uid.clone()],
        (None, cgroup) => [String::new(), cgroup.clone().unwrap_or_default()],
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
mod tests {
    use super::*;
    use crate::guard::{self, LastCall};

    fn pod(name: &str, uid: &str) -> PodCalls {
        PodCalls {
            pod: Some(guard::PodRef {
                namespace: "shop".to_owned(),
                name: name.to_owned(),
                uid: uid.to_owned(),
            }),
            cgroup: Some(format!("/kubepods/pod{uid}")),
            calls: Pair::default(),
        }
    }

    #[test]
    fn a_guard_that_tries_again_is_down_until_it_works() {
        let state = GuardState::default();
        assert_eq!((state.view(), state.metrics()), (None, None));
        state.starting(GuardMode::Enforce);
        assert_eq!(state.metrics().unwrap().is_up, None);
        assert!(state.down(GuardMode::Enforce, "EPERM"));
        state.starting(GuardMode::Enforce);
        assert_eq!(state.metrics().unwrap().is_up, Some(false));
        assert!(!state.down(GuardMode::Enforce, "EPERM"));
        assert!(state.down(GuardMode::Enforce, "EMFILE"));
        state.starting(GuardMode::Shadow);
        assert_eq!(state.view().unwrap().standing, Standing::Starting);
        state.off();
        assert_eq!(state.metrics(), None);
    }

    #[test]
    fn calls_add_up_by_mode_and_pod() {
        let state = GuardState::default();
        state.starting(GuardMode::Enforce);
        state.count(GuardMode::Shadow, &pod("web-0", "1"), Pair::of(0, 3));
        state.count(GuardMode::Enforce, &pod("web-0", "1"), Pair::of(1, 2));
        state.count(GuardMode::Enforce, &pod("web-0", "1"), Pair::of(0, 2));
        state.count(GuardMode::Enforce, &pod("", "9"), Pair::of(0, 1));
        let calls = state.metrics().unwrap().calls;
        let rows: Vec<_> = calls
            .iter()
            .map(|row| (row.mode, row.resource.as_str(), row.pod.as_str(), row.calls))
            .collect();
        assert_eq!(
            rows,
            [
                (GuardMode::Enforce, "instances", "web-0", 1),
                (GuardMode::Enforce, "watches", "9", 1),
                (GuardMode::Enforce, "watches", "web-0", 4),
                (GuardMode::Shadow, "watches", "web-0", 3),
            ]
        );
    }

    #[test]
    fn notes_are_numbered_and_the_oldest_goes() {
        let state = GuardState::default();
        state.starting(GuardMode::Enforce);
        let at_line = |name: &str| PodAtLine {
            time: String::new(),
            pod: pod(name, "1").pod,
            cgroup: None,
            refused: true,
            resources: vec![CallsAtLine {
                resource: InotifyResource::Watches,
                calls: 1,
                total: 1,
                kept: 100,
                last: Some(LastCall {
                    pid: 7,
                    comm: "web".to_owned(),
                    used: 900,
                    limit: 1000,
                }),
            }],
        };
        for _ in 0..=PodAtLineNote::MAX {
            state.note(&at_line("web-0"));
        }
        // An event needs a name.
        state.note(&at_line(""));
        let notes = state.view().unwrap().refused;
        assert_eq!(notes.len(), PodAtLineNote::MAX);
        assert_eq!((notes[0].number, notes[63].number), (2, 65));
        assert_eq!(
            notes[0].message,
            "900 of 1,000 watches of uid 0 used; the last 100 are kept for the node (nospace guard)"
        );
    }
}
