//! `--via debug` where the API server does not do what it is asked: a real one with a real kubelet is in tests/node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use nospace_core::fleet::Summary;
use serde_json::{Value, json};

use crate::roles::only;
use crate::server::{Also, Server};
use crate::summaries::well;
use crate::{nospace, says, stderr};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// Pods that have ended as soon as they are made.
#[derive(Debug, Default)]
struct Cluster {
    pods: Mutex<BTreeMap<String, Value>>,
    made: Mutex<usize>,
    /// No pod is deleted.
    keeps_pods: bool,
    /// No list is given once pods were made and are gone.
    hides_the_end: bool,
    /// A list never ends.
    repeats_lists: bool,
}

impl Cluster {
    fn answer(&self, method: &str, target: &str, body: &[u8]) -> Option<(u16, Value)> {
        let (path, _query) = target.split_once('?').unwrap_or((target, ""));
        let name = path.strip_prefix(PODS)?.trim_start_matches('/');
        let mut pods = self.pods.lock().unwrap();
        let no = |code| {
            Some((
                code,
                json!({"kind": "Status", "message": "no", "code": code}),
            ))
        };
        match (method, name.strip_suffix("/log").unwrap_or(name)) {
            ("POST", "") => {
                let mut pod: Value = serde_json::from_slice(body).unwrap();
                let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
                let ended =
                    json!([{"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]);
                pod["status"] = json!({"phase": "Succeeded", "containerStatuses": ended});
                pods.insert(name, pod.clone());
                *self.made.lock().unwrap() += 1;
                Some((201, pod))
            }
            ("GET", "") => {
                if self.hides_the_end && *self.made.lock().unwrap() > 0 && pods.is_empty() {
                    return no(403);
                }
                let next = if self.repeats_lists { "again" } else { "" };
                let items: Vec<&Value> = pods.values().collect();
                Some((200, json!({"metadata": {"continue": next}, "items": items})))
            }
            ("GET", name) if pods.contains_key(name) => {
                let node = pods[name]["spec"]["nodeName"].as_str();
                let node = node.unwrap_or("a").to_owned();
                let summary: Summary = well(&node);
                Some((200, serde_json::from_str(&summary.json()).unwrap()))
            }
            ("DELETE", name) if pods.contains_key(name) => {
                if self.keeps_pods {
                    return no(403);
                }
                pods.remove(name);
                Some((200, json!({"kind": "Status"})))
            }
            _ => no(404),
        }
    }

    /// What `nospace cluster --via debug` says of two nodes; with what is left.
    fn checked(self) -> (String, String, Option<i32>, usize) {
        let cluster = Arc::new(self);
        let inside = Arc::clone(&cluster);
        let also: Also = Arc::new(move |method, target, body| {
            let (code, document) = inside.answer(method, target, body)?;
            Some((code, document.to_string().into_bytes()))
        });
        let nodes = ["a", "b"].map(|name| (name.to_owned(), says(name)));
        let allowed = only("Nothing installed", Some(also));
        let server = Server::with(nodes.into(), None, Some(allowed));
        let output = nospace(&server, &["--via", "debug", "--image", "played"]);
        let left = cluster.pods.lock().unwrap().len();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (said, stderr(&output), output.status.code(), left)
    }
}

#[test]
fn two_nodes_are_checked_and_nothing_is_left() {
    let (said, errors, code, left) = Cluster::default().checked();
    assert!(said.contains("2 nodes: 2 OK"), "{said}{errors}");
    assert!(!said.contains("may be left"), "{said}{errors}");
    assert_eq!((code, left), (Some(0), 0), "{said}{errors}");
}

#[test]
fn a_last_list_that_fails_leaves_it_open_whether_pods_are_left() {
    let cluster = Cluster {
        hides_the_end: true,
        ..Cluster::default()
    };
    let (said, errors, _, _) = cluster.checked();
    let all = said + &errors;
    assert!(
        all.contains("Pods of this run may be left: the last list of them failed"),
        "{all}"
    );
    assert!(
        all.lines()
            .any(|line| line.ends_with("/managed-by=nospace-cluster")
                && line
                    .trim_start()
                    .starts_with("kubectl delete pods -n default -l ")),
        "{all}"
    );
}

#[test]
fn pods_that_cannot_be_deleted_are_counted() {
    let cluster = Cluster {
        keeps_pods: true,
        ..Cluster::default()
    };
    let (said, errors, _, left) = cluster.checked();
    let all = said + &errors;
    assert_eq!(left, 2);
    assert!(
        all.contains("2 pods of this run could not be removed"),
        "{all}"
    );
}

#[test]
fn a_list_that_never_ends_is_an_error_before_any_pod_is_made() {
    let cluster = Cluster {
        repeats_lists: true,
        ..Cluster::default()
    };
    let (said, errors, code, left) = cluster.checked();
    assert_eq!((said.as_str(), left), ("", 0), "{errors}");
    assert_eq!(code, Some(3), "{errors}");
    assert!(
        errors.contains("repeats the same page of a list"),
        "{errors}"
    );
}
