//! What a node's parts hold, beside what the formula says of them.

use nospace_core::attribute::{View, running};
use nospace_core::model::Pair;
use nospace_core::plan::{Plan, Question, plan};
use nospace_core::report::{Owner, PodPart};

/// One row of the comparison.
#[derive(Debug)]
pub struct Row {
    pub who: &'static str,
    pub predicted: Pair<u64>,
    pub measured: Pair<u64>,
}

/// What pods add up to: `shapes` are numbers of pods and of containers in each.
pub fn predicted(asked: &Question, shapes: &[(u64, u64)], who: &str) -> Pair<u64> {
    let term = |pods, containers_per_pod| {
        let asked = Question {
            pods,
            containers_per_pod,
            ..asked.clone()
        };
        of(&plan(&asked, &[]).unwrap(), who)
    };
    let base = term(0, 0);
    shapes.iter().fold(base, |sum, &(pods, containers)| {
        sum.plus(term(pods, containers).minus(base))
    })
}

fn of(plan: &Plan, who: &str) -> Pair<u64> {
    let terms = plan.terms.iter().filter(|t| t.who == who);
    terms.fold(Pair::default(), |sum, t| sum.plus(t.amounts()))
}

/// What the node's monitors of containers hold.
pub fn monitors(view: &View) -> Pair<u64> {
    let is_monitor = |owner: &Owner| {
        matches!(
            owner,
            Owner::Pod {
                part: PodPart::Shim,
                ..
            }
        )
    };
    sum(view, |_, owner| is_monitor(owner))
}

/// What processes of that name hold.
pub fn program(view: &View, name: &str) -> Pair<u64> {
    sum(view, |comm, owner| {
        comm == name && !matches!(owner, Owner::Pod { .. })
    })
}

fn sum(view: &View, wanted: impl Fn(&str, &Owner) -> bool) -> Pair<u64> {
    let processes = view.processes.iter().filter(|p| wanted(&p.comm, &p.owner));
    processes.fold(Pair::default(), |sum, p| {
        sum.plus(Pair::of(p.instances, p.watches))
    })
}

/// Directories that cAdvisor would watch, all hierarchies together.
pub fn directories(view: &View) -> u64 {
    let start = view.forecast.kubelet_start.as_ref().unwrap();
    assert_eq!(start.kubelet_pid, None, "no kubelet runs there");
    start.watches_needed - 6
}

/// Pods and containers, pause included.
pub fn pods(view: &View) -> (u64, u64) {
    let running = running(view.snapshot);
    (running.pods, running.containers)
}

/// Side by side, for people.
pub fn print(title: &str, rows: &[Row]) {
    println!("{title}");
    println!(
        "  {:<18} {:>9} {:>9}   {:>9} {:>9}",
        "", "predicted", "measured", "predicted", "measured"
    );
    println!("  {:<18} {:>19}   {:>19}", "", "instances", "watches");
    for row in rows {
        println!(
            "  {:<18} {:>9} {:>9}   {:>9} {:>9}",
            row.who,
            row.predicted.instances,
            row.measured.instances,
            row.predicted.watches,
            row.measured.watches
        );
    }
}
