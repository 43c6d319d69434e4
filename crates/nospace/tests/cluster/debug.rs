//! `--via debug` where the API server does not do what it is asked: a real one with a real kubelet is in tests/node.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::roles::only;
use crate::server::{Agent, Also, Server};
use crate::summaries::well;
use crate::{fleet, node, nospace, row, says, stderr};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// What the API server does not do.
#[derive(Debug, Default)]
struct Cluster {
    /// No pod is deleted.
    keeps_pods: bool,
    /// No list is given once pods were made and are gone.
    hides_the_end: bool,
    /// A list never ends.
    repeats_lists: bool,
}

impl Cluster {
    /// What it answers in place of the server.
    fn also(self) -> Also {
        let (made, deleted) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let no = || Some((403, json!({"kind": "Status", "message": "no", "code": 403})));
        Arc::new(move |method, target, _| {
            let path = target.split('?').next().unwrap();
            // Before it makes any pod, nospace tries to delete one that there is not.
            let answer = match (method, path.strip_prefix(PODS)?) {
                ("POST", "") => {
                    made.fetch_add(1, Ordering::SeqCst);
                    None
                }
                ("DELETE", name) if !name.ends_with("-none") => {
                    deleted.fetch_add(1, Ordering::SeqCst);
                    if self.keeps_pods { no() } else { None }
                }
                ("GET", "") if self.repeats_lists => {
                    Some((200, json!({"metadata": {"continue": "again"}, "items": []})))
                }
                ("GET", "") if self.hides_the_end => {
                    let [made, deleted] = [&made, &deleted].map(|n| n.load(Ordering::SeqCst));
                    if made > 0 && deleted >= made {
                        no()
                    } else {
                        None
                    }
                }
                _ => None,
            };
            answer.map(|(code, document)| (code, document.to_string().into_bytes()))
        })
    }

    /// What `nospace cluster --via debug` says of two nodes; with what is left.
    fn checked(self) -> (String, String, Option<i32>, usize) {
        let nodes = ["a", "b"].map(|name| (name.to_owned(), says(name)));
        let allowed = only("Nothing installed", Some(self.also()));
        let server = Server::busy(nodes.into(), 30, None, Some(allowed));
        let output = nospace(&server, &["--via", "debug", "--image", "played"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let left = server.pods.made();
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

#[test]
fn an_answer_ages_while_others_are_waited_for() {
    let slow = node(Agent::Slow(Duration::from_secs(5), Box::new(well("slow"))));
    let nodes = [("fast", says("fast")), ("slow", slow)];
    let nodes = nodes.map(|(name, node)| (name.to_owned(), node));
    let server = Server::start(nodes.into());
    let (said, code) = fleet(&server, &["--via", "debug", "--image", "played"]);
    assert_eq!((said.counts.ok, code), (2, Some(0)), "{said:?}");
    // The pod of one ends within a second or two, that of the other after five.
    let age = row(&said, "fast").age_seconds.unwrap();
    assert!((4..60).contains(&age), "{age}");
}
