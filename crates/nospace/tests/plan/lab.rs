//! The formula, checked against a real containerd on this machine: nothing, then 2, 5 and 10 pods more.

use nospace::collect::collect;
use nospace::host::recorded::Recorded;
use nospace_core::attribute::View;
use nospace_core::model::Pair;
use nospace_core::plan::{Cgroup, CgroupDriver, Question, Version};

use super::measured::{Row, directories, monitors, pods, predicted, print, program};
use super::on_lab::{on_lab, script};

const PODS: [u64; 4] = [0, 2, 5, 10];

#[test]
fn pods_started_here_cost_what_was_predicted() {
    let directory = tempfile::tempdir().unwrap();
    let archive = |pods: u64| directory.path().join(format!("{pods}.tar.zst"));
    let mut command = String::new();
    let mut started = 0;
    for wanted in PODS {
        for pod in started..wanted {
            command += &format!("{} --pod plan-{pod} >&2; ", script().display());
        }
        started = wanted;
        let nospace = env!("CARGO_BIN_EXE_nospace");
        command += &format!("{nospace} record {} >&2; ", archive(wanted).display());
    }
    if on_lab(&command).is_none() {
        return;
    }
    let mut base = None;
    for wanted in PODS {
        let snapshot = collect(&Recorded::open(&archive(wanted)).unwrap());
        let view = nospace_core::view(&snapshot);
        // The lab begins with a pod of one container.
        assert_eq!(pods(&view), (wanted + 1, 3 * wanted + 2));
        let base = *base.get_or_insert_with(|| directories(&view));
        compare(&view, wanted, base);
    }
}

fn compare(view: &View, wanted: u64, base: u64) {
    // This host has seven hierarchies, cpu and cpuacct apart; what each pod adds shows in those.
    let hierarchies = view.cadvisor_hierarchies().unwrap();
    let asked = Question {
        cgroup: Cgroup::V1,
        cgroup_driver: CgroupDriver::Cgroupfs,
        kubernetes: Version::new(1, 33),
        other_cgroups: 0,
        ..Question::default()
    };
    let shapes = [(wanted, 2)];
    // Five hierarchies in the formula.
    let cadvisor = predicted(&asked, &shapes, "kubelet: cAdvisor");
    let rows = [
        Row {
            who: "cAdvisor, more",
            predicted: Pair::of(0, cadvisor.watches / 5 * hierarchies),
            measured: Pair::of(0, directories(view) - base),
        },
        Row {
            who: "containerd shims",
            predicted: predicted(&asked, &[(wanted, 2), (1, 1)], "containerd shims"),
            measured: monitors(view),
        },
        Row {
            who: "containerd",
            predicted: predicted(&asked, &shapes, "containerd"),
            measured: program(view, "containerd"),
        },
    ];
    print(
        &format!("{wanted} pods of two containers, cgroup v1"),
        &rows,
    );
    for row in &rows[..2] {
        assert_eq!(row.predicted, row.measured, "{}", row.who);
    }
    let daemon = &rows[2];
    assert_eq!(
        daemon.measured.minus(daemon.predicted),
        Pair::default(),
        "{daemon:?}"
    );
    assert_ne!(daemon.measured, Pair::default());
}
