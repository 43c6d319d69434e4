//! The formula, checked against nodes that were recorded: real systemd, containerd, shims and conmon.

use nospace::collect::collect;
use nospace::host::recorded::Recorded;
use nospace_core::model::Pair;
use nospace_core::model::Runtime;
use nospace_core::model::Snapshot;
use nospace_core::plan::{Cgroup, CgroupDriver, Question, Version};

use super::measured::{Row, directories, monitors, pods, predicted, print, program};
use super::recorded;

/// Cgroups of a bare Debian 12 that are no pod's, and no `*.mount`.
const DEBIAN_12: u64 = 21;

fn snapshot(node: &str) -> Snapshot {
    let archive = match node.split_once('/') {
        Some((series, pods)) => recorded(series).with_file_name(format!("{pods}.tar.zst")),
        None => recorded(node),
    };
    collect(&Recorded::open(&archive).unwrap())
}

fn asked(runtime: Runtime, cgroup: Cgroup, cgroup_driver: CgroupDriver) -> Question {
    Question {
        runtime,
        cgroup,
        cgroup_driver,
        other_cgroups: DEBIAN_12,
        ..Question::default()
    }
}

/// The parts of a node, predicted and measured. `shapes` are numbers of pods and of containers in each.
fn compare(
    node: &str,
    asked: &Question,
    shapes: &[(u64, u64)],
    monitors_by: &'static str,
) -> Vec<Row> {
    let snapshot = snapshot(node);
    let view = nospace_core::view(&snapshot);
    let containers: u64 = shapes.iter().map(|(pods, of)| pods * (of + 1)).sum();
    let all: u64 = shapes.iter().map(|(pods, _)| pods).sum();
    assert_eq!(pods(&view), (all, containers), "{node}");
    let host = ["systemd-udevd", "dbus-daemon", "systemd-logind", "agetty"];
    let daemons = host
        .iter()
        .fold(Pair::default(), |sum, name| sum.plus(program(&view, name)));
    let rows = [
        ("kubelet: cAdvisor", Pair::of(2, directories(&view))),
        ("systemd (PID 1)", program(&view, "systemd")),
        (monitors_by, monitors(&view)),
        ("containerd", program(&view, "containerd")),
        ("other host daemons", daemons),
    ];
    let rows = rows.map(|(who, measured)| Row {
        who,
        predicted: predicted(asked, shapes, who),
        measured,
    });
    print(node, &rows);
    rows.into()
}

/// cAdvisor, PID 1 and monitors to the watch; what has a margin covers what was measured.
fn hold(rows: &[Row]) {
    for row in &rows[..3] {
        assert_eq!(row.predicted, row.measured, "{}", row.who);
    }
    for row in &rows[3..] {
        let more = row.measured.minus(row.predicted);
        assert_eq!(
            more,
            Pair::default(),
            "{} holds more than calculated",
            row.who
        );
    }
}

#[test]
fn five_pods_on_containerd() {
    let asked = asked(Runtime::Containerd, Cgroup::V2, CgroupDriver::Systemd);
    hold(&compare(
        "healthy-v2",
        &asked,
        &[(4, 1), (1, 2)],
        "containerd shims",
    ));
}

/// The last pod's three shims were refused their instances: that is what the node was recorded for.
#[test]
fn shims_take_the_default_up() {
    let asked = asked(Runtime::Containerd, Cgroup::V2, CgroupDriver::Systemd);
    let mut rows = compare("shims-v2", &asked, &[(36, 2), (1, 6)], "containerd shims");
    rows[2].measured = rows[2].measured.plus(Pair::of(3, 6));
    hold(&rows);
}

#[test]
fn three_pods_on_conmon() {
    let asked = asked(Runtime::CriO, Cgroup::V2, CgroupDriver::Systemd);
    let mut rows = compare("crio-v2", &asked, &[(1, 1), (2, 2)], "conmon");
    // Its three pause containers run, as with drop_infra_ctr = false: each has a conmon, and both of them a scope.
    for (row, held) in rows.iter_mut().zip([(0, 3), (0, 12), (3, 3)]) {
        row.measured = row.measured.minus(Pair::of(held.0, held.1));
    }
    // Debian's containerd runs there beside, and the daemon of CRI-O was played by a script.
    rows.remove(3);
    hold(&rows);
}

/// systemd has fewer cgroups below the controllers of v1 than of its own: 11 and 22.
#[test]
fn three_pods_on_cgroup_v1() {
    let with = |other_cgroups| {
        let asked = Question {
            other_cgroups,
            kubernetes: Version::new(1, 28),
            ..asked(Runtime::Containerd, Cgroup::V1, CgroupDriver::Cgroupfs)
        };
        compare("watches-v1", &asked, &[(3, 1)], "containerd shims")
    };
    let (mut rows, units) = (with(11), with(22));
    rows[1].predicted = units[1].predicted;
    hold(&rows);
}
