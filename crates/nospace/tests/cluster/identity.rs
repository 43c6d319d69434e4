//! Which node an answer is from: the address of a pod that is gone may be that of another node's agent.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use nospace_core::fleet::FailureKind;
use nospace_core::report::Report;

use super::server::{Node, Server};
use super::{fleet, fleet_of, nospace, row, says, stderr};

#[test]
fn the_answer_of_a_node_that_was_not_asked_for_is_not_taken_for_another() {
    let mut red = says("red");
    red.labels = BTreeMap::from([("agentpool".to_owned(), "red".to_owned())]);
    let server = fleet_of([
        ("stale", says("RED")),
        ("machine", says("ip-10-0-0-1")),
        ("red", red),
    ]);
    let (said, _) = fleet(&server, &["--pool", "blue"]);
    assert_eq!(said.rows.len(), 2);
    let failure = row(&said, "stale").failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Garbage);
    assert!(failure.why.contains("answer of node red"), "{failure}");
    assert!(row(&said, "machine").state.is_well());
}

#[test]
fn an_answer_that_two_nodes_give_is_taken_for_that_of_neither() {
    let server = fleet_of([
        ("a", says("ip-10-0-0-1")),
        ("b", says("ip-10-0-0-1")),
        ("c", says("ip-10-0-0-3")),
    ]);
    let (said, code) = fleet(&server, &[]);
    assert_eq!((said.counts.ok, code), (1, Some(3)));
    for name in ["a", "b"] {
        let failure = row(&said, name).failure().unwrap();
        assert!(
            failure.why.contains("2 nodes answer as ip-10-0-0-1"),
            "{failure}"
        );
    }
}

#[test]
fn the_report_of_another_node_is_refused() {
    let recorded = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/nodes/kubelet-v2/report.json"
    );
    let report = fs::read(recorded).unwrap();
    let name = serde_json::from_slice::<Report>(&report).unwrap();
    let name: &'static str = name.node.name.leak();
    let ask = |nodes: Vec<(&'static str, Node)>| {
        let report = report.clone();
        let nodes = nodes
            .into_iter()
            .map(|(name, node)| (name.to_owned(), node));
        let server = Server::with(
            nodes.collect(),
            None,
            Some(Arc::new(move |_: &str, target: &str, _: &[u8]| {
                target
                    .ends_with("/api/v1/report")
                    .then(|| (200, report.clone()))
            })),
        );
        nospace(&server, &["asked", "-o", "json"])
    };
    let of_another = ask(vec![("asked", says("asked")), (name, says(name))]);
    assert!(
        of_another.stdout.is_empty() && stderr(&of_another).contains("it is the answer of node"),
        "{of_another:?}"
    );
    let of_machine = ask(vec![("asked", says("asked"))]);
    assert!(!of_machine.stdout.is_empty(), "{of_machine:?}");
}
