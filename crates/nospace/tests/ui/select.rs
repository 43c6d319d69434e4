use nospace_core::model::InotifyResource;
use nospace_core::report::Report;
use nospace_core::select::{self, Selection, SelectionError};

use crate::samples;

type Names = (Vec<u32>, Vec<String>, Vec<String>);

fn selected(selection: Selection) -> Result<Names, SelectionError> {
    let mut report = samples::instances_exhausted();
    selection.apply(&mut report)?;
    let pids = report.processes.iter().map(|p| p.pid).collect();
    let pods = report.pods.into_iter().map(|p| p.name).collect();
    let containers = report
        .containers
        .into_iter()
        .filter_map(|c| c.name)
        .collect();
    Ok((pids, pods, containers))
}

fn pod(name: &str) -> Selection {
    Selection {
        pods: vec![name.into()],
        ..Selection::default()
    }
}

fn container(name: &str) -> Selection {
    Selection {
        containers: vec![name.into()],
        ..Selection::default()
    }
}

fn pid(pid: u32) -> Selection {
    Selection {
        pids: vec![pid],
        ..Selection::default()
    }
}

#[test]
fn a_pod_is_named_in_three_ways() {
    let web0 = (vec![4711, 4650], vec!["web-0".to_owned()], vec![]);
    for name in ["web-0", "default/web-0", "uid-of-web-0"] {
        assert_eq!(selected(pod(name)), Ok(web0.clone()), "{name}");
    }
}

#[test]
fn a_container_is_of_a_pod_or_of_the_node() {
    let registry = (vec![33], vec![], vec!["registry".to_owned()]);
    assert_eq!(selected(container("registry")), Ok(registry.clone()));
    assert_eq!(selected(container("4f66")), Ok(registry));
    let (pids, pods, _) = selected(container("app")).unwrap();
    assert_eq!((pids, pods.len()), (vec![4711], 2));
}

#[test]
fn a_process_brings_its_pod() {
    assert_eq!(
        selected(pid(4650)),
        Ok((vec![4650], vec!["web-0".to_owned()], vec![]))
    );
    assert_eq!(selected(pid(900)), Ok((vec![900], vec![], vec![])));
}

#[test]
fn kinds_narrow_and_values_widen() {
    let both = Selection {
        pids: vec![4711, 33],
        pods: vec!["web-0".into()],
        ..Selection::default()
    };
    assert_eq!(
        selected(both),
        Ok((vec![4711], vec!["web-0".to_owned()], vec![]))
    );
    let never = Selection {
        pids: vec![33],
        ..pod("web-0")
    };
    assert_eq!(selected(never), Err(SelectionError::Together));
}

#[test]
fn what_matches_nothing_is_said() {
    assert_eq!(selected(pid(5)), Err(SelectionError::Pid(5)));
    let named = |selection| match selected(selection) {
        Err(SelectionError::Name { kind, names, .. }) => (kind, names.join(" ")),
        other => panic!("{other:?}"),
    };
    let pods = |names: &str| ("pod", names.to_owned());
    assert_eq!(
        named(pod("default/web")),
        pods("default/web-0 default/web-1")
    );
    assert_eq!(named(pod("kube-system/web-0")), pods("default/web-0"));
    // Nothing is like it: what is there is named.
    assert_eq!(named(pod("nope")), pods("default/web-0 default/web-1"));
    // Too short for an id, and nobody's name.
    assert_eq!(named(container("4f6")).0, "container");
    assert!(selected(pod("")).is_err());
}

#[test]
fn a_program_is_all_its_processes_with_their_pods() {
    let report = samples::instances_exhausted();
    let comm = report.processes[0].comm.clone();
    let program = |name: &str| Selection {
        programs: vec![name.into()],
        ..Selection::default()
    };
    let same = report.processes.iter().filter(|p| p.comm == comm);
    let (pids, pods, _) = selected(program(&comm)).unwrap();
    assert_eq!(pids, same.map(|p| p.pid).collect::<Vec<_>>());
    assert_eq!(pods, ["web-0"]);
    let error = selected(program("containerd-shim-runc-v2"));
    assert!(error.is_ok(), "{error:?}: the kernel keeps 15 bytes of it");
    let wrong = selected(program("contianerd-shim")).unwrap_err();
    let said = wrong.to_string();
    assert!(
        said.contains("programs that have some: containerd-shim"),
        "{said}"
    );
}

#[test]
fn names_are_similar_that_contain_it_or_are_mistyped() {
    let names = ["Promtail", "default/web-0", "java"].map(str::to_owned);
    let names = std::collections::BTreeSet::from(names);
    let similar = |wanted| select::similar(wanted, &names).join(" ");
    assert_eq!(similar("promtail"), "Promtail");
    assert_eq!(similar("promtial"), "Promtail");
    assert_eq!(similar("kube/web"), "default/web-0");
    assert_eq!(similar("jv"), "");
    assert_eq!(similar("postgres"), "");
}

#[test]
fn nothing_asked_for_keeps_all() {
    let mut report = samples::hostile();
    Selection::default().apply(&mut report).unwrap();
    assert_eq!(report, samples::hostile());
}

#[test]
fn holders_are_sorted_by_what_is_asked() {
    let pids = |report: &Report| -> Vec<u32> { report.processes.iter().map(|p| p.pid).collect() };
    let mut report = samples::instances_exhausted();
    select::sort(&mut report, InotifyResource::Watches);
    assert_eq!(pids(&report), [4650, 900, 4711, 33]);
    assert_eq!(report.pods[0].containers[0].watches, 14);
    select::sort(&mut report, InotifyResource::Instances);
    assert_eq!(pids(&report), [4711, 4650, 900, 33]);
}

#[test]
fn the_fuller_budget_sorts() {
    assert_eq!(
        select::nearest_limit(&samples::instances_exhausted()),
        InotifyResource::Instances
    );
    assert_eq!(
        select::nearest_limit(&samples::watches_exhausted()),
        InotifyResource::Watches
    );
    assert_eq!(
        select::nearest_limit(&samples::unavailable()),
        InotifyResource::Instances
    );
}
