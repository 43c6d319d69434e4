//! How old an answer is, and what rests on it.

use nospace_core::fleet::{FailureKind, FleetRule};
use nospace_core::report::Status;

use super::server::{Agent, JUST_NOW};
use super::summaries::{full, well};
use super::{fleet, fleet_of, node, nospace, row, says};

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
