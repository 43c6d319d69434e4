//! What a pod is one of: names without the parts that the controllers of Kubernetes generate.
//!
//! The node's disk does not say which controller made a pod; its name does, as far as it goes:
//!
//! - a ReplicaSet of a Deployment is named after a hash in decimal, spelled by `rand.SafeEncodeString`, which makes of ten digits
//!   the letters `456789bcdf` (k8s.io/apimachinery/pkg/util/rand);
//! - a controller that lets the API server name pods gets five letters of `bcdfghjklmnpqrstvwxz2456789` (names.SimpleNameGenerator);
//! - a CronJob names its Jobs after minutes since 1970, a StatefulSet its pods by number, the kubelet static pods after the node.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::describe::short;
use crate::report::Owner;

/// A workload, by the names of what it runs.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// What kind, as far as the name tells.
    pub kind: WorkloadKind,
    /// Kubernetes namespace; empty for what is not of Kubernetes.
    pub namespace: String,
    /// Name without what is generated.
    pub name: String,
}

/// Kinds of workloads.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum WorkloadKind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A CronJob.
    CronJob,
    /// A DaemonSet, a Job, or a ReplicaSet: their pods are named alike.
    DaemonSetOrJob,
    /// A static pod.
    StaticPod,
    /// A pod whose name has no generated part.
    Pod,
    /// A container outside any pod.
    Container,
    /// A systemd unit.
    Unit,
    /// Processes of one name.
    Program,
}

const HASH: &[u8] = b"456789bcdf";
const RANDOM: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Workload {
    /// What a pod of this name on this node is one of.
    #[must_use]
    pub fn of_pod(namespace: &str, pod: &str, uid: &str, node: &str) -> Self {
        let (kind, name) = named(pod, node);
        let name = if pod.is_empty() { uid } else { name };
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// What a process of this name is one of.
    #[must_use]
    pub fn of_process(owner: &Owner, comm: &str, node: &str) -> Self {
        let (kind, name) = match owner {
            Owner::Pod {
                namespace,
                name,
                uid,
                ..
            } => return Self::of_pod(namespace, name, uid, node),
            Owner::Container { id, name, .. } => return Self::of_container(name.as_deref(), id),
            Owner::Unit { name } => (WorkloadKind::Unit, name.as_str()),
            Owner::Host => (WorkloadKind::Program, comm),
        };
        Self {
            kind,
            namespace: String::new(),
            name: name.to_owned(),
        }
    }

    /// Whether it is known only by its processes, and not by containers.
    #[must_use]
    pub fn is_of_processes(&self) -> bool {
        matches!(self.kind, WorkloadKind::Unit | WorkloadKind::Program)
    }

    /// A container outside any pod.
    #[must_use]
    pub fn of_container(name: Option<&str>, id: &str) -> Self {
        Self {
            kind: WorkloadKind::Container,
            namespace: String::new(),
            name: name.unwrap_or_else(|| short(id)).to_owned(),
        }
    }
}

fn named<'p>(pod: &'p str, node: &str) -> (WorkloadKind, &'p str) {
    let of_node = pod
        .strip_suffix(node)
        .and_then(|rest| rest.strip_suffix('-'));
    if let Some(name) = of_node.filter(|name| !node.is_empty() && !name.is_empty()) {
        return (WorkloadKind::StaticPod, name);
    }
    let Some((rest, last)) = pod.rsplit_once('-').filter(|(rest, _)| !rest.is_empty()) else {
        return (WorkloadKind::Pod, pod);
    };
    if is_of(last, RANDOM) && last.len() == 5 {
        if let Some((name, middle)) = rest.rsplit_once('-').filter(|(name, _)| !name.is_empty()) {
            if is_of(middle, HASH) && (6..=10).contains(&middle.len()) {
                return (WorkloadKind::Deployment, name);
            }
            if middle.len() >= 8 && middle.bytes().all(|b| b.is_ascii_digit()) {
                return (WorkloadKind::CronJob, name);
            }
        }
        return (WorkloadKind::DaemonSetOrJob, rest);
    }
    if last.len() <= 5 && !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) {
        return (WorkloadKind::StatefulSet, rest);
    }
    (WorkloadKind::Pod, pod)
}

fn is_of(text: &str, letters: &[u8]) -> bool {
    text.bytes().all(|byte| letters.contains(&byte))
}

impl WorkloadKind {
    /// In words.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::CronJob => "cronjob",
            Self::DaemonSetOrJob => "daemonset or job",
            Self::StaticPod => "static pod",
            Self::Pod => "pod",
            Self::Container => "container",
            Self::Unit => "unit",
            Self::Program => "program",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.noun())?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_parts_are_taken_off() {
        for (pod, expected) in [
            // Names of real pods, from public threads.
            ("coredns-5dd5756b68-2xqzv", "deployment default/coredns"),
            (
                "metrics-server-648b5df564-4g7rt",
                "deployment default/metrics-server",
            ),
            ("kube-proxy-8xk2p", "daemonset or job default/kube-proxy"),
            ("backup-28379520-x5mhp", "cronjob default/backup"),
            ("web-0", "statefulset default/web"),
            (
                "kafka-controller-12",
                "statefulset default/kafka-controller",
            ),
            ("etcd-worker-1.example.com", "static pod default/etcd"),
            ("redis", "pod default/redis"),
            ("my-app-cache", "pod default/my-app-cache"),
            ("-x5mhp", "pod default/-x5mhp"),
            ("", "pod default/the-uid"),
        ] {
            let workload = Workload::of_pod("default", pod, "the-uid", "worker-1.example.com");
            assert_eq!(workload.to_string(), expected, "{pod}");
        }
    }

    #[test]
    fn what_is_not_a_pod_is_named_by_its_unit_or_program() {
        let unit = Owner::Unit {
            name: "tail.service".into(),
        };
        let of = |owner: &Owner| Workload::of_process(owner, "tail", "n").to_string();
        assert_eq!(of(&unit), "unit tail.service");
        assert_eq!(of(&Owner::Host), "program tail");
    }
}
