/// Type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows until the agent restarts; the name ends in `_total`.
    Counter,
    /// Always 1, with the information in labels; the name ends in `_info`.
    Info,
}

/// A metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Name of its samples, with the suffix.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Base unit, with which the name ends; empty for plain numbers.
    pub unit: &'static str,
    /// Labels of its samples, in their order.
    pub labels: &'static [&'static str],
    /// HELP, in one line.
    pub help: &'static str,
    /// Whether only the agent has it, and `check -o prometheus` not.
    pub agent_only: bool,
}

macro_rules! families {
    ($($ident:ident = $name:literal $kind:ident $unit:literal $labels:expr, $agent:literal, $help:literal;)+) => {
        $(pub(super) const $ident: Family = Family {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            labels: &$labels,
            help: $help,
            agent_only: $agent,
        };)+
        const ALL: &[Family] = &[$($ident),+];
    };
}

/// Every family, in the order of output.
#[must_use]
pub fn families() -> &'static [Family] {
    ALL
}

families! {
    BUILD = "nospace_build_info" Info "" ["version"], false,
        "Version of the nospace agent.";
    NODE = "nospace_node_info" Info "" ["node", "kernel", "cgroup"], false,
        "Name, kernel release and cgroup version of the node.";
    STATUS = "nospace_status" Gauge "" [], false,
        "The answer of nospace check, as its exit code: 0 OK, 1 warning, 2 critical, 3 unknown.";
    SYSCTL = "nospace_inotify_sysctl" Gauge "" ["sysctl"], false,
        "inotify limits of the initial user namespace.";
    INSTANCES = "nospace_inotify_instances" Gauge "" ["uid", "userns"], false,
        "inotify instances charged to a user in a user namespace.";
    INSTANCES_LIMIT = "nospace_inotify_instances_limit" Gauge "" ["uid", "userns"], false,
        "Limit of inotify instances for this user.";
    WATCHES = "nospace_inotify_watches" Gauge "" ["uid", "userns"], false,
        "inotify watches charged to a user in a user namespace.";
    WATCHES_LIMIT = "nospace_inotify_watches_limit" Gauge "" ["uid", "userns"], false,
        "Limit of inotify watches for this user.";
    UNATTRIBUTED_INSTANCES = "nospace_inotify_unattributed_instances" Gauge "" ["uid", "userns"], false,
        "inotify instances charged by the kernel without a visible holder; absent without eBPF.";
    UNATTRIBUTED_WATCHES = "nospace_inotify_unattributed_watches" Gauge "" ["uid", "userns"], false,
        "inotify watches charged by the kernel without a visible holder; absent without eBPF.";
    POD_INSTANCES = "nospace_pod_inotify_instances" Gauge "" ["namespace", "pod", "container"], false,
        "inotify instances held by a container of a pod; an instance shared by containers counts for each.";
    POD_WATCHES = "nospace_pod_inotify_watches" Gauge "" ["namespace", "pod", "container"], false,
        "inotify watches held by a container of a pod; watches of a shared instance count for each container.";
    RESOURCE_USED = "nospace_resource_used" Gauge "" ["cause", "subject", "unit"], false,
        "Usage of any other resource that fails with ENOSPC, EMFILE, ENFILE, EAGAIN or EDQUOT when used up.";
    RESOURCE_LIMIT = "nospace_resource_limit" Gauge "" ["cause", "subject", "unit"], false,
        "Limit of that resource.";
    FULLEST_USED = "nospace_fullest_resource_used" Gauge "" ["cause", "subject", "unit"], false,
        "Usage of the four fullest resources in nospace_resource_used, for queries over many nodes.";
    FULLEST_LIMIT = "nospace_fullest_resource_limit" Gauge "" ["cause", "subject", "unit"], false,
        "Limit of the four fullest resources in nospace_resource_used.";
    KUBELET_START_OK = "nospace_kubelet_start_ok" Gauge "" [], false,
        "1 if the kubelet could restart now, even if barely; 0 if it would run out of inotify; absent if unknown.";
    KUBELET_START_WATCHES_NEEDED = "nospace_kubelet_start_watches_needed" Gauge "" [], false,
        "inotify watches that the kubelet needs to start.";
    KUBELET_START_WATCHES_FREE = "nospace_kubelet_start_watches_free" Gauge "" [], false,
        "inotify watches free for a starting kubelet, including those of the running one.";
    KUBELET_START_INSTANCES_NEEDED = "nospace_kubelet_start_instances_needed" Gauge "" [], false,
        "inotify instances that the kubelet needs to start.";
    KUBELET_START_INSTANCES_FREE = "nospace_kubelet_start_instances_free" Gauge "" [], false,
        "inotify instances free for a starting kubelet, including those of the running one.";
    GUARD_KEPT = "nospace_guard_kept" Gauge "" ["resource", "mode"], false,
        "How many of root's inotify watches and instances are kept from pods by a guard (mode enforce), or would be (shadow); absent without a guard, and without eBPF.";
    FINDING = "nospace_finding" Gauge "" ["cause", "severity"], false,
        "Number of findings of this cause and severity, as in nospace check; absent if there are none.";
    COLLECTOR_SUCCESS = "nospace_collector_success" Gauge "" ["collector"], false,
        "1 if the collector succeeded, 0 if it failed.";
    COLLECTOR_PARTIAL = "nospace_collector_partial" Gauge "" ["collector"], false,
        "1 if the collector could not read all that it counts, so that its figures may be too low; 0 otherwise.";
    COLLECTOR_DURATION = "nospace_collector_duration_seconds" Gauge "seconds" ["collector"], false,
        "Duration of the collector's last run.";
    COLLECTOR = "nospace_collector_info" Info "" ["collector", "source", "provenance"], false,
        "Source of the collector's data, and its provenance: exact, estimated or unavailable.";
    GROWTH = "nospace_growth_per_second" Gauge "" ["cause", "subject", "unit"], true,
        "Growth of a resource's usage over the last collections, in its unit per second; absent until there are enough.";
    EXHAUSTION = "nospace_exhaustion_seconds" Gauge "seconds" ["cause", "subject", "unit"], true,
        "Time until the resource runs out at the current rate; absent if its usage does not grow.";
    REFUSALS = "nospace_refusals_total" Counter "" ["cause"], true,
        "Calls that failed because a resource was used up, by that resource, or another reason where that is not certain; absent without eBPF.";
    INOTIFY_REFUSALS = "nospace_inotify_refusals_total" Counter "" ["errno", "call", "namespace", "pod", "container"], true,
        "inotify calls that failed with ENOSPC or EMFILE: because a limit was reached, or because a guard or another program refused them; labels are empty for calls from outside pods.";
    TRACE_ACTIVE = "nospace_trace_active" Gauge "" [], true,
        "1 while failing calls are traced; 0 without eBPF.";
    TRACE_LOST = "nospace_trace_lost_calls_total" Counter "" [], true,
        "Traced calls that were lost because they came too fast, and so may be missing in the refusals.";
    GUARD = "nospace_guard_info" Info "" ["mode", "watch_hook", "instance_hook"], true,
        "Mode of the agent's own guard, and where it refuses or counts calls; a hook is empty while nothing is attached there. Absent without --guard, as is all of nospace_guard but nospace_guard_kept.";
    GUARD_UP = "nospace_guard_up" Gauge "" [], true,
        "1 while the guard is at work; 0 if it could not start, or found itself wrong and detached; absent while it starts.";
    GUARD_TEST_AGE = "nospace_guard_self_test_age_seconds" Gauge "seconds" [], true,
        "Time since the guard last passed its self-test, which it makes each minute.";
    GUARD_PODS = "nospace_guard_pods" Gauge "" ["policy"], true,
        "Pods that are guarded, exempt, or unknown: those may use all, since their namespace is not known.";
    GUARD_REFUSED = "nospace_guard_refused_total" Counter "" ["resource", "namespace", "pod"], true,
        "Calls of pods that the guard refused.";
    GUARD_WOULD_REFUSE = "nospace_guard_would_refuse_total" Counter "" ["resource", "namespace", "pod"], true,
        "Calls of pods that the guard would have refused, in mode shadow.";
    GUARD_OVER_BUDGET = "nospace_guard_over_budget" Gauge "" ["resource", "namespace", "pod"], true,
        "By how many of root's watches or instances a pod is over its budget, at the last look; absent for pods within it, and without budgets.";
    GUARD_BUDGET_PODS = "nospace_guard_budget_pods" Gauge "" ["outcome"], true,
        "Pods at the last look at budgets that could be read, or not (unreadable): those may use any number; absent without budgets.";
    GUARD_SKIPPED = "nospace_guard_skipped_calls_total" Counter "" ["hook"], true,
        "Calls of any process that the kernel let past a hook unseen; kernels before 5.12 do not count them.";
    COLLECTIONS = "nospace_looks_total" Counter "" [], true,
        "Collections since the agent started.";
    COLLECTION_DURATION = "nospace_look_duration_seconds" Gauge "seconds" [], true,
        "Duration of the last collection.";
    COLLECTION_AGE = "nospace_look_age_seconds" Gauge "seconds" [], true,
        "Time since the end of the last collection.";
    LIMIT_RAISED = "nospace_limit_raised" Gauge "" ["sysctl"], true,
        "Value that the agent last raised a limit to; absent if it raised none.";
    LIMIT_RAISES = "nospace_limit_raises_total" Counter "" ["sysctl"], true,
        "How often the agent has raised a limit; absent without --tune.";
    KUBERNETES_REQUESTS = "nospace_kubernetes_requests_total" Counter "" ["result"], true,
        "Requests to the Kubernetes API server by result; absent without Kubernetes.";
    WEBHOOK_REQUESTS = "nospace_webhook_requests_total" Counter "" ["result"], true,
        "Requests to the webhook by result; absent without a webhook, and until it got its first notice.";
    CPU = "process_cpu_seconds_total" Counter "seconds" [], true,
        "Total user and system CPU time of the agent.";
    RESIDENT = "process_resident_memory_bytes" Gauge "bytes" [], true,
        "Resident memory of the agent.";
    OPEN_FDS = "process_open_fds" Gauge "" [], true,
        "Open file descriptors of the agent.";
    START_TIME = "process_start_time_seconds" Gauge "seconds" [], true,
        "Start time of the agent since the Unix epoch.";
}
