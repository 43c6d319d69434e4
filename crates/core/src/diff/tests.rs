use super::*;
use crate::testing::node;

#[test]
fn equal_samples_differ_in_nothing() {
    let sample = node()
        .pod(7, "app", "web-5dd5756b68-2xqzv")
        .holds(2, 30)
        .report();
    let none = difference(&sample, &sample);
    assert!(none.budgets.is_empty() && none.workloads.is_empty() && none.processes.is_empty());
    assert!(none.new_findings.is_empty() && none.gone_findings.is_empty() && none.notes.is_empty());
}

#[test]
fn a_restart_that_holds_as_much_is_no_change_of_a_workload() {
    let before = node().process(5, "tail").holds(1, 5).report();
    let after = node().process(6, "tail").holds(1, 5).report();
    let changes = difference(&before, &after);
    assert!(changes.workloads.is_empty(), "{:?}", changes.workloads);
    assert_eq!(changes.processes.len(), 2);
}

#[test]
fn what_grew_shrank_came_and_went() {
    let before = node()
        .process(5, "tail")
        .holds(1, 5)
        .pod(7, "app", "web-5dd5756b68-2xqzv")
        .holds(1, 100)
        .report();
    let after = node()
        .pod(7, "app", "web-5dd5756b68-2xqzv")
        .holds(1, 8_000)
        .pod(8, "app", "web-5dd5756b68-x5mhp")
        .holds(1, 100)
        .limits(256, 8_192)
        .report();
    let changes = difference(&before, &after);
    let watches = changes
        .budgets
        .iter()
        .find(|b| b.unit == "watches")
        .unwrap();
    assert_eq!((watches.by(), watches.before.unwrap().used), (7_995, 105));
    let instances = changes
        .budgets
        .iter()
        .find(|b| b.unit == "instances")
        .unwrap();
    let limit = |level: Option<Level>| level.unwrap().limit;
    assert_eq!(
        (limit(instances.before), limit(instances.after)),
        (Some(128), Some(256))
    );
    let workloads: Vec<_> = changes
        .workloads
        .iter()
        .map(|w| {
            (
                w.workload.to_string(),
                w.before.holds.watches,
                w.after.holds.watches,
                w.after.parts,
            )
        })
        .collect();
    assert_eq!(
        workloads,
        [
            ("deployment default/web".to_owned(), 100, 8_100, 2),
            ("program tail".to_owned(), 5, 0, 0)
        ]
    );
    let pids: Vec<_> = changes.processes.iter().map(|p| p.pid).collect();
    assert_eq!(pids, [7, 8, 5]);
    assert!(
        changes
            .new_findings
            .iter()
            .any(|f| f.cause == Cause::InotifyWatches)
    );
    let back = difference(&after, &before);
    assert_eq!(back.gone_findings, changes.new_findings);
}

#[test]
fn users_have_the_names_on_which_the_samples_agree() {
    let named = |names: &[(u32, &str)]| {
        let names = names.iter().map(|(uid, name)| (*uid, (*name).to_owned()));
        let mut report = node().report();
        report.user_names = UserNames::new(names.collect());
        report
    };
    let before = named(&[(0, "root"), (1000, "web"), (1001, "ci")]);
    let after = named(&[(0, "root"), (1000, "db"), (1002, "app")]);
    let names = difference(&before, &after).user_names;
    let all = [0, 1000, 1001, 1002].map(|uid| names.uid(uid));
    assert_eq!(
        all,
        [
            "uid 0 (root)",
            "uid 1000",
            "uid 1001 (ci)",
            "uid 1002 (app)"
        ]
    );
    assert!(difference(&named(&[]), &named(&[])).user_names.is_empty());
}

#[test]
fn what_is_hard_to_compare_is_said() {
    let before = node().report();
    let mut after = node().report();
    after.node.name = "other".into();
    after.collectors[0].provenance = Provenance::Exact;
    let notes = difference(&before, &after).notes.join("\n");
    assert!(
        notes.contains("two nodes") && notes.contains("first estimated, then exact"),
        "{notes}"
    );
    assert_eq!(minus(u64::MAX, 0), i64::MAX);
    assert_eq!(minus(0, u64::MAX), i64::MIN);
}
