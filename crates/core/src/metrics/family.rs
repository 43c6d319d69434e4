/// What a family's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, until the agent starts anew; its samples end in `_total`.
    Counter,
    /// Always 1, the labels say it; its samples end in `_info`.
    Info,
}

/// A family of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Name of its samples, suffix included.
    pub name: &'static str,
    /// What its samples are.
    pub kind: Kind,
    /// Base unit, which the name ends in; empty for plain numbers.
    pub unit: &'static str,
    /// Labels of its samples, in their order.
    pub labels: &'static [&'static str],
    /// What it says, in one line.
    pub help: &'static str,
    /// Who tells it: `check -o prometheus` and the agent, or the agent alone.
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

/// Every family, in the order in which they are told.
#[must_use]
pub fn families() -> &'static [Family] {
    ALL
}

families! {
    BUILD = "nospace_build_info" Info "" ["version"], false,
        "The nospace that tells this.";
    NODE = "nospace_node_info" Info "" ["node", "kernel", "cgroup"], false,
        "The node: its name, kernel release and cgroup interface.";
    INSTANCES = "nospace_inotify_instances" Gauge "" ["uid", "userns"], false,
        "inotify instances charged to a user of a user namespace.";
    INSTANCES_LIMIT = "nospace_inotify_instances_limit" Gauge "" ["uid", "userns"], false,
        "The limit of inotify instances that binds this user.";
    WATCHES = "nospace_inotify_watches" Gauge "" ["uid", "userns"], false,
        "inotify watches charged to a user of a user namespace.";
    WATCHES_LIMIT = "nospace_inotify_watches_limit" Gauge "" ["uid", "userns"], false,
        "The limit of inotify watches that binds this user.";
    UNATTRIBUTED_INSTANCES = "nospace_inotify_unattributed_instances" Gauge "" ["uid", "userns"], false,
        "inotify instances that the kernel charges and no visible descriptor explains; absent without eBPF.";
    UNATTRIBUTED_WATCHES = "nospace_inotify_unattributed_watches" Gauge "" ["uid", "userns"], false,
        "inotify watches that the kernel charges and no visible descriptor explains; absent without eBPF.";
    POD_INSTANCES = "nospace_pod_inotify_instances" Gauge "" ["namespace", "pod", "container"], false,
        "inotify instances held by a container of a pod; one that several containers hold counts for each.";
    POD_WATCHES = "nospace_pod_inotify_watches" Gauge "" ["namespace", "pod", "container"], false,
        "inotify watches held by a container of a pod; those of a shared instance count for each container.";
    RESOURCE_USED = "nospace_resource_used" Gauge "" ["cause", "subject", "unit"], false,
        "Every other budget whose end answers ENOSPC, EMFILE, ENFILE, EAGAIN or EDQUOT: what is used of it.";
    RESOURCE_LIMIT = "nospace_resource_limit" Gauge "" ["cause", "subject", "unit"], false,
        "The limit of that budget.";
    KUBELET_START_OK = "nospace_kubelet_start_ok" Gauge "" [], false,
        "1 if the kubelet would start now, if barely; 0 if inotify would refuse it; absent where that is not known.";
    KUBELET_START_WATCHES_NEEDED = "nospace_kubelet_start_watches_needed" Gauge "" [], false,
        "inotify watches that the kubelet would ask for at its start.";
    KUBELET_START_WATCHES_FREE = "nospace_kubelet_start_watches_free" Gauge "" [], false,
        "inotify watches that it would find free, what the running kubelet would give back included.";
    KUBELET_START_INSTANCES_NEEDED = "nospace_kubelet_start_instances_needed" Gauge "" [], false,
        "inotify instances that the kubelet would ask for at its start.";
    KUBELET_START_INSTANCES_FREE = "nospace_kubelet_start_instances_free" Gauge "" [], false,
        "inotify instances that it would find free, what the running kubelet would give back included.";
    FINDING = "nospace_finding" Gauge "" ["cause", "severity"], false,
        "Findings of this cause and severity, as nospace check shows them; absent when there is none.";
    COLLECTOR_SUCCESS = "nospace_collector_success" Gauge "" ["collector"], false,
        "1 if the collector of this name brought its figures home, 0 if it failed.";
    COLLECTOR_DURATION = "nospace_collector_duration_seconds" Gauge "seconds" ["collector"], false,
        "How long the collector took.";
    COLLECTOR = "nospace_collector_info" Info "" ["collector", "source", "provenance"], false,
        "Where the collector's figures come from, and how far they can be trusted: exact, estimated, unavailable.";
    GROWTH = "nospace_growth_per_second" Gauge "" ["cause", "subject", "unit"], true,
        "How fast the use of a budget grows, in its unit a second, over the last looks; absent until there are enough.";
    EXHAUSTION = "nospace_exhaustion_seconds" Gauge "seconds" ["cause", "subject", "unit"], true,
        "When the budget is full if it goes on growing as fast; absent where it does not grow.";
    REFUSALS = "nospace_refusals_total" Counter "" ["cause"], true,
        "Calls that the kernel refused because something was used up, whoever made them, by what it was; absent without eBPF.";
    INOTIFY_REFUSALS = "nospace_inotify_refusals_total" Counter "" ["errno", "call", "namespace", "pod", "container"], true,
        "inotify calls that the kernel refused for want of something, counted as they happen; empty labels are no pod's.";
    TRACE_ACTIVE = "nospace_trace_active" Gauge "" [], true,
        "1 while refusals are counted as they happen; 0 where eBPF is not to be had.";
    TRACE_LOST = "nospace_trace_lost_calls_total" Counter "" [], true,
        "Calls that came faster than they could be read: so many of any kind are not among the refusals.";
    COLLECTIONS = "nospace_looks_total" Counter "" [], true,
        "Looks at the node since the agent's start.";
    COLLECTION_DURATION = "nospace_look_duration_seconds" Gauge "seconds" [], true,
        "How long the last look took.";
    COLLECTION_AGE = "nospace_look_age_seconds" Gauge "seconds" [], true,
        "How long ago the last look was done.";
    LIMIT_RAISED = "nospace_limit_raised" Gauge "" ["sysctl"], true,
        "What the agent raised a limit to; absent where it raised nothing.";
    LIMIT_RAISES = "nospace_limit_raises_total" Counter "" ["sysctl"], true,
        "How often the agent raised a limit; absent without --tune.";
    KUBERNETES_REQUESTS = "nospace_kubernetes_requests_total" Counter "" ["result"], true,
        "Requests to the API server by how they ended; absent without Kubernetes.";
    CPU = "process_cpu_seconds_total" Counter "seconds" [], true,
        "User and system time that the agent spent.";
    RESIDENT = "process_resident_memory_bytes" Gauge "bytes" [], true,
        "Memory of the agent that is resident.";
    OPEN_FDS = "process_open_fds" Gauge "" [], true,
        "Descriptors that the agent has open.";
    START_TIME = "process_start_time_seconds" Gauge "seconds" [], true,
        "When the agent started, in seconds since 1970.";
}
