//! Names on a node with a real containerd (tests/lab/lab.sh): a container of `ctr run` and a CRI
//! pod, each with 500 watches.

#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

#[path = "support/lab.rs"]
mod lab;

use std::process::Command;

use lab::on_lab;
use serde_json::Value;

const NOSPACE: &str = env!("CARGO_BIN_EXE_nospace");

fn report(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The only element of a list.
fn only<'a>(report: &'a Value, list: &str) -> &'a Value {
    let all = report[list].as_array().expect(list);
    assert_eq!(all.len(), 1, "{list}: {all:?}");
    &all[0]
}

fn assert_names_both(report: &Value) {
    let pod = only(report, "pods");
    assert_eq!(
        (&pod["namespace"], &pod["name"]),
        (&"default".into(), &"web-0".into())
    );
    assert_eq!(
        (&pod["instances"], &pod["watches"]),
        (&1.into(), &500.into())
    );
    let app = only(pod, "containers");
    assert_eq!(
        (&app["name"], &app["part"]),
        (&"app".into(), &"container".into())
    );
    assert_eq!(
        (&app["instances"], &app["watches"]),
        (&1.into(), &500.into())
    );

    let container = only(report, "containers");
    assert_eq!(container["runtime"], "containerd");
    assert_eq!(container["id"], "watcher");
    assert_eq!(
        (&container["instances"], &container["watches"]),
        (&1.into(), &500.into())
    );
}

#[test]
fn a_container_and_a_pod_are_named_live_and_recorded() {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = directory.path().join("node.tar.zst");
    let archive = archive.to_str().expect("UTF-8");
    // 3: the lab is a pid namespace, from where the host's processes are not visible.
    let command =
        format!("{NOSPACE} record {archive} >&2; {NOSPACE} check -o json || [ $? -eq 3 ]");
    let Some(live) = on_lab(&command) else { return };
    assert_names_both(&report(&live));

    let replayed = Command::new(NOSPACE)
        .args(["check", "-o", "json", "--from", archive])
        .output();
    let replayed = String::from_utf8(replayed.expect("it runs").stdout).expect("UTF-8");
    assert_names_both(&report(&replayed));
}

#[test]
fn watches_are_named_as_host_and_container_see_them() {
    let command = format!("{NOSPACE} watches default/web-0 -o json");
    let Some(text) = on_lab(&command) else { return };
    let report = report(&text);
    let watches = report["watches"].as_array().expect("watches");
    assert_eq!(watches.len(), 500);
    if report["collectors"][2]["source"] != "ebpf" {
        eprintln!("skipped: overlayfs has names only by eBPF");
        return;
    }
    for watch in watches {
        let path = |key: &str| watch[key].as_str().expect(key).to_owned();
        let (host, container) = (path("hostPath"), path("containerPath"));
        assert!(container.starts_with("/tmp/watched"), "{container}");
        let rootfs = host.strip_suffix(&container).expect(&host);
        assert!(
            rootfs.starts_with("/run/containerd/") && rootfs.ends_with("/rootfs"),
            "{host}"
        );
        assert_eq!(watch["mask"], serde_json::json!(["modify"]));
        assert_eq!(watch["naming"], "kernel");
    }
    let dearest = only(&report, "heaviest");
    assert_eq!(dearest["watches"], 500);
    let inside = dearest["containerPath"].as_str().expect("containerPath");
    assert!(inside.starts_with("/tmp/watched"), "{inside}");
    let device = only(&report, "devices");
    assert_eq!(device["fileSystem"], "overlay");
}
