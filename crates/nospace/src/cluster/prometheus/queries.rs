/// What a sample says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Node, kernel and cgroup version as labels.
    Node,
    /// The agent's version as a label.
    Version,
    /// The answer as an exit code.
    Status,
    /// Seconds since the check.
    Age,
    /// Checks since the agent started.
    Checks,
    /// Findings of a cause and severity.
    Finding,
    /// The forecast; the name says which figure.
    Start,
    /// Used of a budget, of this cause; that of other resources is a label.
    Used(Option<&'static str>),
    /// Its limit.
    Limit(Option<&'static str>),
    /// Seconds until a budget runs out.
    FullIn,
    /// What a pod holds.
    PodInstances,
    /// The same of watches.
    PodWatches,
    /// A limit of the initial user namespace.
    Sysctl,
    /// A collector with figures that are not exact.
    NotExact,
    /// A collector that does not see all.
    Partial,
    /// The agent cannot be scraped.
    Down,
}

/// Pods of a node by either figure.
pub const PODS: usize = 6;

/// All queries, with these matchers in each selector.
pub fn queries(matchers: &str) -> Vec<(Kind, String)> {
    let of = |name: &str, more: &str| {
        let parts: Vec<&str> = [more, matchers]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        format!("{name}{{{}}}", parts.join(","))
    };
    let all = |name: &str| of(name, "");
    let age = all("nospace_look_age_seconds");
    let written = of("node_textfile_mtime_seconds", "file=~\".*nospace.*\"");
    let mut queries = vec![
        (Kind::Node, all("nospace_node_info")),
        (Kind::Version, all("nospace_build_info")),
        (Kind::Status, all("nospace_status")),
        (Kind::Age, format!("time() - timestamp({age}) + {age}")),
        // What node_exporter reads from a file is as old as the file: by the clock of the node, which wrote it, not by Prometheus's.
        (
            Kind::Age,
            format!(
                "time() - timestamp({written}) + on (job, instance) group_left () max by (job, instance) ({}) - {written}",
                all("node_time_seconds")
            ),
        ),
        (Kind::Checks, all("nospace_looks_total")),
        (Kind::Finding, of("nospace_finding", "severity!=\"info\"")),
        (
            Kind::Start,
            of("", "__name__=~\"nospace_kubelet_start_.*\""),
        ),
        (Kind::Sysctl, all("nospace_inotify_sysctl")),
        (
            Kind::NotExact,
            of("nospace_collector_info", "provenance!=\"exact\""),
        ),
        (
            Kind::Partial,
            format!("{} == 1", all("nospace_collector_partial")),
        ),
        (
            Kind::FullIn,
            format!(
                "bottomk by (job, instance) (1, {})",
                all("nospace_exhaustion_seconds")
            ),
        ),
        (
            Kind::Down,
            format!("{} == 0", of("up", "job=~\".*nospace.*\"")),
        ),
    ];
    // The fullest of the other resources are known to each agent: to find them here would mean to compare all budgets of all nodes.
    queries.push((Kind::Used(None), all("nospace_fullest_resource_used")));
    queries.push((Kind::Limit(None), all("nospace_fullest_resource_limit")));
    for (cause, name) in [
        ("inotify-instances", "nospace_inotify_instances"),
        ("inotify-watches", "nospace_inotify_watches"),
    ] {
        let used = of(name, "uid!=\"other\"");
        let limit = of(&format!("{name}_limit"), "uid!=\"other\"");
        let top = format!("topk by (job, instance) (1, {used} / ({limit} > 0))");
        queries.push((Kind::Used(Some(cause)), format!("{used} and {top}")));
        queries.push((Kind::Limit(Some(cause)), format!("{limit} and {top}")));
    }
    for (kind, name) in [
        (Kind::PodInstances, "nospace_pod_inotify_instances"),
        (Kind::PodWatches, "nospace_pod_inotify_watches"),
    ] {
        let held = of(name, "pod!=\"other\"");
        // Of replicas that are not merged there are several series of a container: it is counted once.
        let once = format!("max by (job, instance, namespace, pod, container) ({held})");
        let sums = format!("sum by (job, instance, namespace, pod) ({once})");
        queries.push((kind, format!("topk by (job, instance) ({PODS}, {sums})")));
    }
    queries
}
