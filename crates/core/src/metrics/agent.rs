use std::collections::BTreeMap;

use super::family;
use super::guard::{self, GuardMetrics};
use super::text::Exposition;

/// The agent's own metrics, and what it counts between collections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentMetrics {
    /// Refused calls by cause; `None` without a trace.
    pub refusals: Option<BTreeMap<String, u64>>,
    /// Refused inotify calls by caller, in a stable order.
    pub inotify_refusals: Vec<InotifyRefusals>,
    /// Events that were lost because they came too fast.
    pub lost_events: u64,
    /// Collections so far.
    pub collections: u64,
    /// Duration of the last collection, in seconds.
    pub collection_seconds: Option<f64>,
    /// Time since its end, in seconds.
    pub collection_age_seconds: Option<f64>,
    /// By sysctl: the value it was last raised to, if any, and how often it was raised.
    pub limit_raises: BTreeMap<String, (Option<u64>, u64)>,
    /// The guard; `None` where there is to be none.
    pub guard: Option<GuardMetrics>,
    /// Requests to the API server by result.
    pub kubernetes_requests: BTreeMap<&'static str, u64>,
    /// Requests to the webhook by result.
    pub webhook_requests: BTreeMap<&'static str, u64>,
    /// The process itself.
    pub process: Option<ProcessMetrics>,
}

/// Refused inotify calls of one container, or from outside pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct InotifyRefusals {
    /// Name of the error.
    pub errno: String,
    /// Name of the call.
    pub call: String,
    /// Kubernetes namespace; empty outside pods.
    pub namespace: String,
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// How many.
    pub calls: u64,
}

/// Standard process metrics, as in Prometheus' client libraries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessMetrics {
    /// User and system CPU time, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// Open descriptors.
    pub open_fds: u64,
    /// Start time, in seconds since the Unix epoch.
    pub start_seconds: f64,
}

/// Writes the agent's own metrics.
pub fn write(metrics: &AgentMetrics, out: &mut Exposition) {
    refusals(metrics, out);
    guard::of_agent(metrics.guard.as_ref(), out);
    out.single(&family::COLLECTIONS, Some(metrics.collections));
    out.single(&family::COLLECTION_DURATION, metrics.collection_seconds);
    out.single(&family::COLLECTION_AGE, metrics.collection_age_seconds);
    let raised = metrics.limit_raises.iter();
    let to = raised
        .clone()
        .filter_map(|(sysctl, (to, _))| Some(([sysctl.as_str()], (*to)?)));
    out.family(&family::LIMIT_RAISED, to);
    out.family(
        &family::LIMIT_RAISES,
        raised.map(|(sysctl, (_, times))| ([sysctl.as_str()], times)),
    );
    for (family, requests) in [
        (&family::KUBERNETES_REQUESTS, &metrics.kubernetes_requests),
        (&family::WEBHOOK_REQUESTS, &metrics.webhook_requests),
    ] {
        let rows = requests.iter();
        out.family(family, rows.map(|(result, times)| ([*result], times)));
    }
    let process = metrics.process;
    out.single(&family::CPU, process.map(|p| p.cpu_seconds));
    out.single(&family::RESIDENT, process.map(|p| p.resident_bytes));
    out.single(&family::OPEN_FDS, process.map(|p| p.open_fds));
    out.single(&family::START_TIME, process.map(|p| p.start_seconds));
}

fn refusals(metrics: &AgentMetrics, out: &mut Exposition) {
    let by_cause = metrics.refusals.iter().flatten();
    out.family(
        &family::REFUSALS,
        by_cause.map(|(cause, calls)| ([cause.as_str()], calls)),
    );
    let calls = metrics.inotify_refusals.iter().map(|row| {
        let labels = [
            &row.errno,
            &row.call,
            &row.namespace,
            &row.pod,
            &row.container,
        ];
        (labels.map(String::as_str), row.calls)
    });
    out.family(&family::INOTIFY_REFUSALS, calls);
    let active = u8::from(metrics.refusals.is_some());
    out.single(&family::TRACE_ACTIVE, Some(active));
    out.single(&family::TRACE_LOST, Some(metrics.lost_events));
}
