//! How old an answer is, and what rests on it.

use std::process::Command;
use std::sync::Arc;

use nospace_core::fleet::{FailureKind, FleetRule};
use nospace_core::report::Status;
use serde_json::Value;

use super::server::{Agent, JUST_NOW};
use super::summaries::{full, well};
use super::{fleet, fleet_of, node, nospace, row, says, stderr};

#[test]
fn an_old_answer_is_on_its_row_with_its_age_and_in_no_sum_and_no_finding() {
    let hours = 3 * 3600;
    let server = fleet_of([
        ("bad", node(Agent::Old(hours, Box::new(full("bad"))))),
        ("good", node(Agent::Old(hours, Box::new(well("good"))))),
        ("new", says("new")),
    ]);
    let (said, code) = fleet(&server, &[]);
    assert_eq!((said.counts.answered, said.counts.current), (3, 1));
    assert_eq!((row(&said, "bad").state, code), (Status::Critical, Some(2)));
    assert_eq!(row(&said, "good").state, Status::Unknown);
    let rules: Vec<FleetRule> = said.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [FleetRule::Unanswered]);
    let cost = &said.workloads[0];
    assert_eq!((cost.nodes, cost.covered, cost.at_least), (1, 1, true));
    for format in ["human", "html", "markdown"] {
        let output = nospace(&server, &["-o", format]);
        let text = String::from_utf8(output.stdout).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "2 not checked within 15 min",
            "3 h ago: pod logging/promtail-h4wzq",
            "3 h ago: OK",
            "(answers up to 3 h old)",
            "over the 1 of 3 nodes checked within 15 min",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("would not start"), "{text}");
    }
}

#[test]
fn an_answer_from_before_its_node_was_created_is_that_of_another() {
    // Five minutes by the clock of the server, whatever that of this machine says.
    let created = |age| {
        let mut one = node(Agent::Old(age, Box::new(well("again"))));
        one.created = JUST_NOW;
        let (said, _) = fleet(&fleet_of([("again", one)]), &[]);
        said.rows.into_iter().next().unwrap()
    };
    assert!(created(200).state.is_well());
    let before = created(400);
    let failure = before.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Starting);
    assert!(
        failure.why.contains("before this node was created"),
        "{failure}"
    );
}

/// The report of a recorded node, as its agent would give it.
fn report(recorded: &str) -> Arc<Vec<u8>> {
    let archive = format!(
        "{}/../../tests/nodes/{recorded}/node.tar.zst",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_nospace"));
    command.args(["check", "-o", "json", "--from", &archive]);
    let output = command.env("NOSPACE_WHOLE_NODE", "1").output().unwrap();
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["node"]["name"] = "a".into();
    Arc::new(report.to_string().into_bytes())
}

#[test]
fn the_check_of_one_node_says_how_old_it_is_where_that_matters() {
    let [well, full] = ["healthy-v2", "watches-v2"].map(report);
    let said = |report: &Arc<Vec<u8>>, age| {
        let server = fleet_of([("a", node(Agent::Reports(age, Arc::clone(report))))]);
        let output = nospace(&server, &["a"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (text, stderr(&output), output.status.code())
    };
    let hours = Some(3 * 3600);
    for (report, age, when, code) in [
        (&well, Some(60), None, 0),
        (&full, Some(60), None, 2),
        // What was bad then is shown, and may be over; that it was well then says nothing.
        (&full, hours, Some("last checked it 3 h ago"), 2),
        (&full, None, Some("last checked it at an unknown time"), 2),
        (&well, hours, Some("last checked it 3 h ago"), 3),
        (&well, None, Some("last checked it at an unknown time"), 3),
    ] {
        let (text, warned, exit) = said(report, age);
        assert_eq!(exit, Some(code), "{age:?}: {text}{warned}");
        assert_eq!(text.is_empty(), code == 3, "{age:?}: {text}{warned}");
        match when {
            Some(when) => {
                let words = format!("the agent of node a {when}, and that may no longer hold");
                assert!(warned.contains(&words), "{warned}");
                assert!(
                    warned.contains("--via debug checks the node now"),
                    "{warned}"
                );
            }
            None => assert_eq!(warned, ""),
        }
    }
}
