//! The pods of a played API server: those of agents, those of workloads, and those that were made; by the selectors that nospace sends.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Agent, Node};

/// Namespaces of workloads. One is that of the agents, and one that of pods of `--via debug`: labels have to tell them apart.
const NAMESPACES: [&str; 5] = ["shop", "nospace", "default", "kube-system", "team-a"];

/// All pods.
#[derive(Debug, Default)]
pub struct Pods {
    /// Nodes by name, with what their agents do.
    nodes: Vec<(String, Node)>,
    /// Pods of workloads on each node.
    workloads: usize,
    /// Those that were made, by name; all in the namespace `default`.
    made: Mutex<BTreeMap<String, (Value, Instant)>>,
}

/// What is asked of a list.
pub struct Query<'q> {
    /// `None` for all namespaces.
    pub namespace: Option<&'q str>,
    pub labels: Vec<Requirement>,
    pub fields: Vec<Requirement>,
    pub limit: usize,
    /// Where it goes on.
    pub from: usize,
}

/// `key=value`, `key!=value`, `key` or `!key`.
#[derive(Debug, PartialEq, Eq)]
pub struct Requirement {
    key: String,
    value: Option<String>,
    is_wanted: bool,
}

/// Those of a selector, as it stands in a URL.
pub fn requirements(escaped: &str) -> Vec<Requirement> {
    let text = unescaped(escaped);
    assert!(
        !text.contains([' ', '(']),
        "not played: the selector {text}"
    );
    let one = |part: &str| {
        let (key, value, is_wanted) = if let Some((key, value)) = part.split_once("!=") {
            (key, Some(value), false)
        } else if let Some((key, value)) = part.split_once('=') {
            (key, Some(value.trim_start_matches('=')), true)
        } else {
            (part.trim_start_matches('!'), None, !part.starts_with('!'))
        };
        Requirement {
            key: key.to_owned(),
            value: value.map(str::to_owned),
            is_wanted,
        }
    };
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.map(one).collect()
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        out.push(u8::from_str_radix(&part[..2], 16).unwrap());
        out.extend(part[2..].bytes());
    }
    String::from_utf8(out).unwrap()
}

impl Requirement {
    fn holds(&self, has: impl Fn(&str) -> Option<String>) -> bool {
        let found = has(&self.key);
        let is_met = match &self.value {
            Some(value) => found.as_ref() == Some(value),
            None => found.is_some(),
        };
        is_met == self.is_wanted
    }
}

impl Query<'_> {
    fn wants(&self, namespace: &str, pod: &Value) -> bool {
        let label = |key: &str| Some(pod["metadata"]["labels"][key].as_str()?.to_owned());
        let field = |key: &str| {
            let value = match key {
                "metadata.name" => &pod["metadata"]["name"],
                "metadata.namespace" => return Some(namespace.to_owned()),
                "spec.nodeName" => &pod["spec"]["nodeName"],
                "status.phase" => &pod["status"]["phase"],
                _ => panic!("no such field of pods: {key}"),
            };
            value.as_str().map(str::to_owned)
        };
        self.labels.iter().all(|one| one.holds(label))
            && self.fields.iter().all(|one| one.holds(field))
    }
}

impl Pods {
    /// The agents of these nodes, and as many pods of workloads on each.
    pub fn new(nodes: &BTreeMap<String, Node>, workloads: usize) -> Self {
        let nodes = nodes
            .iter()
            .map(|(name, node)| (name.clone(), node.clone()));
        Self {
            nodes: nodes.collect(),
            workloads,
            made: Mutex::default(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.nodes.len() * (1 + self.workloads) + self.made()
    }

    /// How many were made, and are still there.
    pub fn made(&self) -> usize {
        self.made.lock().unwrap().len()
    }

    /// A page of a list, and where the next one begins.
    pub fn page(&self, query: &Query) -> (Vec<Value>, Option<usize>) {
        let mut items = Vec::new();
        let each = 1 + self.workloads;
        let last = self.nodes.len() * each;
        for at in query.from..last {
            let (node, number) = (at / each, at % each);
            let namespace = match number {
                0 => "nospace",
                number => NAMESPACES[number % NAMESPACES.len()],
            };
            if query.namespace.is_some_and(|wanted| wanted != namespace) {
                continue;
            }
            let (name, node) = &self.nodes[node];
            let pod = match number {
                0 => of_agent(name, node),
                number => Some(of_workload(name, number, namespace)),
            };
            let Some(pod) = pod.filter(|pod| query.wants(namespace, pod)) else {
                continue;
            };
            if items.len() == query.limit {
                return (items, Some(at));
            }
            items.push(pod);
        }
        if query.namespace.is_none_or(|wanted| wanted == "default") {
            let made = self.made.lock().unwrap();
            let made = made.values().map(|(pod, at)| self.now(pod, at.elapsed()));
            items.extend(made.filter(|pod| query.wants("default", pod)));
        }
        (items, None)
    }

    /// Makes a pod.
    pub fn make(&self, body: &[u8]) -> Value {
        let mut pod: Value = serde_json::from_slice(body).unwrap();
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        pod["metadata"]["uid"] = json!(name);
        let made = (pod.clone(), Instant::now());
        self.made.lock().unwrap().insert(name, made);
        pod
    }

    /// Deletes one that was made; `false` where there is none.
    pub fn delete(&self, name: &str) -> bool {
        self.made.lock().unwrap().remove(name).is_some()
    }

    /// What one that was made has said.
    pub fn log(&self, name: &str) -> Option<String> {
        let made = self.made.lock().unwrap();
        let (pod, _) = made.get(name)?;
        Some(match self.agent(pod) {
            Agent::Answers(_, text) => text.clone(),
            Agent::Says(summary) | Agent::Slow(_, summary) => summary.json(),
            _ => crate::summaries::well(node_of(pod)).json(),
        })
    }

    fn agent(&self, pod: &Value) -> &Agent {
        &self.node(pod).agent
    }

    fn node(&self, pod: &Value) -> &Node {
        let name = node_of(pod);
        let at = self
            .nodes
            .binary_search_by(|(node, _)| node.as_str().cmp(name));
        &self.nodes[at.unwrap()].1
    }

    /// A pod that was made so long ago: it ends at once, or after as long as its node is slow. One that is not ready does not pick it up.
    fn now(&self, pod: &Value, since: Duration) -> Value {
        let node = self.node(pod);
        let takes = match &node.agent {
            Agent::Slow(time, _) => *time,
            _ => Duration::ZERO,
        };
        let mut pod = pod.clone();
        pod["status"] = if !node.ready {
            json!({"phase": "Pending"})
        } else if since < takes {
            json!({"phase": "Running", "startTime": "2026-01-01T00:00:00Z", "containerStatuses": [{"state": {"running": {}}}]})
        } else {
            let ended = json!([{"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]);
            json!({"phase": "Succeeded", "containerStatuses": ended})
        };
        pod
    }
}

fn node_of(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap()
}

fn of_agent(name: &str, node: &Node) -> Option<Value> {
    let waiting = match node.agent {
        Agent::None => return None,
        Agent::Down(reason) => json!([{"state": {"waiting": {"reason": reason}}}]),
        _ => json!([{"state": {"running": {}}}]),
    };
    Some(json!({
        "metadata": {
            "name": format!("agent-{name}"), "namespace": "nospace", "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app.kubernetes.io/name": "nospace", "controller-revision-hash": "5d8f7c9b6"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "nospace", "controller": true}],
        },
        "spec": {"nodeName": name, "containers": [{"name": "agent", "ports": [{"name": "metrics", "containerPort": 9409}]}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": waiting}
    }))
}

/// A pod as large as one of a Deployment is, or of a `DaemonSet` (every tenth).
fn of_workload(node: &str, number: usize, namespace: &str) -> Value {
    let workload = format!("web-{number}");
    let (kind, owner) = match number % 10 {
        0 => ("DaemonSet", workload.clone()),
        _ => ("ReplicaSet", format!("{workload}-7d4b9c6f5")),
    };
    let variables: Vec<Value> = (0..12)
        .map(|n| json!({"name": format!("SETTING_{n}"), "value": "x".repeat(60)}))
        .collect();
    json!({
        "metadata": {
            "name": format!("{owner}-{node}"), "namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app.kubernetes.io/name": workload, "pod-template-hash": "7d4b9c6f5"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": owner, "controller": true}],
        },
        "spec": {"nodeName": node, "containers": [{"name": "web", "image": "registry.example/shop/web:1", "env": variables}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                   "containerStatuses": [{"name": "web", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}
    })
}

#[test]
fn selectors_select() {
    let nodes = ["a", "b", "c"].map(|name| (name.to_owned(), crate::says(name)));
    let pods = Pods::new(&nodes.into(), 30);
    assert_eq!(pods.count(), 93);
    let count = |namespace, labels: &str, fields: &str| {
        let mut query = Query {
            namespace,
            labels: requirements(labels),
            fields: requirements(fields),
            limit: 2,
            from: 0,
        };
        let mut count = 0;
        loop {
            let (items, next) = pods.page(&query);
            assert!(items.len() <= 2);
            count += items.len();
            match next {
                Some(from) => query.from = from,
                None => return count,
            }
        }
    };
    let agents = "app.kubernetes.io%2Fname%3Dnospace";
    assert_eq!(count(Some("nospace"), agents, ""), 3);
    assert_eq!(count(Some("nospace"), agents, "spec.nodeName%3Db"), 1);
    assert_eq!(count(Some("nospace"), "", ""), 3 * 7);
    assert_eq!(count(Some("shop"), agents, ""), 0);
    assert_eq!(count(None, "", "spec.nodeName=b"), 31);
    assert_eq!(count(None, "app.kubernetes.io/name!=nospace", ""), 90);
    assert_eq!(count(None, "pod-template-hash", ""), 90);
    assert_eq!(count(None, "!pod-template-hash", ""), 3);
    assert_eq!(count(None, "", ""), 93);
}
