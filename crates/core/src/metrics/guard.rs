use std::collections::BTreeMap;

use super::family;
use super::text::Exposition;
use crate::model::{GuardMode, InotifyResource, Pair, UserKey};
use crate::report::Report;

/// The guard that the agent was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardMetrics {
    /// What becomes of calls at the line.
    pub mode: GuardMode,
    /// Where calls are refused or counted; `None` where a resource is not guarded.
    pub hooks: Pair<Option<String>>,
    /// Whether it is at work; `None` while it starts.
    pub is_up: Option<bool>,
    /// Why it is not at work.
    pub why: Option<String>,
    /// Time since its last self-test that passed, in seconds.
    pub test_age_seconds: Option<f64>,
    /// Pods by what holds for them.
    pub pods: BTreeMap<&'static str, usize>,
    /// Calls at the line since the agent started, in a stable order.
    pub calls: Vec<GuardedCalls>,
    /// Calls since the agent started that got past a hook, by hook.
    pub skipped: BTreeMap<String, u64>,
    /// What pods use beyond their budgets; `None` without budgets, and until it is known.
    pub budgets: Option<BudgetMetrics>,
}

/// What pods use beyond their budgets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetMetrics {
    /// By how many a pod is over its budget, by resource, namespace and pod.
    pub over: BTreeMap<[String; 3], u64>,
    /// Pods by whether they could be looked at.
    pub pods: BTreeMap<&'static str, usize>,
}

/// Calls of one pod that would have cut into the reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardedCalls {
    /// Whether they were refused.
    pub mode: GuardMode,
    /// What they asked for, in the plural.
    pub resource: String,
    /// Kubernetes namespace; empty where it is not known.
    pub namespace: String,
    /// Pod; its uid or cgroup where its name is not known.
    pub pod: String,
    /// How many.
    pub calls: u64,
}

/// Writes what the guards of the node keep.
pub fn of_report(report: &Report, out: &mut Exposition) {
    let guards = report.guards.iter().flat_map(|guards| &guards.running);
    let root = report
        .users
        .iter()
        .find(|user| user.key() == UserKey::initial(0));
    let rows = InotifyResource::BOTH.into_iter().flat_map(|resource| {
        let limit = root.and_then(|root| root.budget(resource).limit);
        let guards = guards.clone();
        GuardMode::ALL.into_iter().filter_map(move |mode| {
            let guards = guards.clone().filter(|guard| guard.mode == mode);
            let kept = guards.filter_map(|guard| guard.kept(resource, limit?));
            Some(([resource.unit(), mode.name()], kept.max()?))
        })
    });
    out.family(&family::GUARD_KEPT, rows);
}

/// Writes what the agent knows of its own guard.
pub fn of_agent(guard: Option<&GuardMetrics>, out: &mut Exposition) {
    let Some(guard) = guard else {
        return;
    };
    let hook = |resource| guard.hooks[resource].as_deref().unwrap_or_default();
    let labels = [
        guard.mode.name(),
        hook(InotifyResource::Watches),
        hook(InotifyResource::Instances),
    ];
    out.family(&family::GUARD, [(labels, 1)]);
    out.single(&family::GUARD_UP, guard.is_up.map(u8::from));
    out.single(&family::GUARD_TEST_AGE, guard.test_age_seconds);
    let pods = guard.pods.iter().map(|(policy, pods)| ([*policy], pods));
    out.family(&family::GUARD_PODS, pods);
    for (family, mode) in [
        (&family::GUARD_REFUSED, GuardMode::Enforce),
        (&family::GUARD_WOULD_REFUSE, GuardMode::Shadow),
    ] {
        let rows = guard.calls.iter().filter(|row| row.mode == mode);
        let rows = rows.map(|row| ([&row.resource, &row.namespace, &row.pod], row.calls));
        out.family(
            family,
            rows.map(|(labels, calls)| (labels.map(String::as_str), calls)),
        );
    }
    let budgets = guard.budgets.iter();
    let over = budgets.clone().flat_map(|budgets| &budgets.over);
    out.family(
        &family::GUARD_OVER_BUDGET,
        over.map(|(labels, over)| (labels.each_ref().map(String::as_str), over)),
    );
    let pods = budgets.flat_map(|budgets| &budgets.pods);
    out.family(
        &family::GUARD_BUDGET_PODS,
        pods.map(|(outcome, pods)| ([*outcome], pods)),
    );
    let skipped = guard.skipped.iter();
    out.family(
        &family::GUARD_SKIPPED,
        skipped.map(|(hook, calls)| ([hook.as_str()], calls)),
    );
}
