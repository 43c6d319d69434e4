//! What the program takes, prints and answers.

use std::process::Command;

use jsonschema::Validator;
use nospace_core::plan::Plan;
use serde_json::Value;

use super::{plan, recorded};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = plan(&[arguments, &["-o", "json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn schema() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/schema/plan.schema.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

#[test]
fn the_schema_is_current() {
    let made = serde_json::to_value(schemars::schema_for!(Plan)).unwrap();
    assert_eq!(schema(), made, "run: cargo xtask schema");
}

#[test]
fn plans_hold_to_the_schema_and_read_back() {
    let archives = ["healthy-v2", "watches-v1", "crio-v2", "docker-podman-v2"].map(recorded);
    let mut asked: Vec<Vec<&str>> = vec![
        vec![],
        vec![
            "-v",
            "--runtime",
            "cri-o",
            "--kubernetes",
            "1.20",
            "--cgroup",
            "v1",
        ],
        vec![
            "--platform",
            "aks",
            "--memory",
            "16Gi",
            "--extra-watches",
            "5",
        ],
        vec!["--max-user-instances", "1", "--max-user-watches", "2"],
    ];
    for archive in &archives {
        asked.push(vec!["--from", archive.to_str().unwrap()]);
    }
    for arguments in asked {
        let value = json(&arguments);
        let errors: Vec<_> = validator()
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{arguments:?}: {errors:#?}");
        let read: Plan = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), value);
    }
}

/// A schema that accepts everything would pass the test above.
#[test]
fn the_schema_refuses_what_is_wrong() {
    let right = json(&[]);
    for (pointer, bad) in [
        ("/schemaVersion", Value::from("one")),
        ("/proposal/maxUserInstances", Value::from(-1)),
        ("/asked/runtime", Value::from("rkt")),
        ("/terms/0/basis", Value::from("guessed")),
        ("/limits/0/verdict", Value::Null),
    ] {
        let mut value = right.clone();
        *value.pointer_mut(pointer).unwrap() = bad;
        assert!(!validator().is_valid(&value), "{pointer}");
    }
    let mut without = right;
    without.as_object_mut().unwrap().remove("proposal");
    assert!(!validator().is_valid(&without));
}

#[test]
fn the_proposal_is_where_tune_looks_for_it() {
    let expected = serde_json::json!({"maxUserInstances": 8192, "maxUserWatches": 524288});
    assert_eq!(json(&[])["proposal"], expected);
    let more = json(&["--extra-instances", "10000", "--extra-watches", "400000"]);
    let expected = serde_json::json!({"maxUserInstances": 32768, "maxUserWatches": 1048576});
    assert_eq!(more["proposal"], expected);
}

#[test]
fn platforms_are_distinguished() {
    let verdicts = |arguments: &[&str]| -> Vec<(String, String)> {
        let limits = json(arguments)["limits"].clone();
        let word = |l: &Value, key: &str| l[key].as_str().unwrap().to_owned();
        limits
            .as_array()
            .unwrap()
            .iter()
            .map(|l| (word(l, "name"), word(l, "verdict")))
            .collect()
    };
    let asked = [
        "--platform",
        "kernel",
        "--platform",
        "eks-al2023",
        "--platform",
        "kind-recommended",
    ];
    let pair = |name: &str, verdict: &str| (name.to_owned(), verdict.to_owned());
    // In the order of the table, not of the question.
    let expected = [
        pair("proposal", "holds"),
        pair("eks-al2023", "holds"),
        pair("kind-recommended", "holds"),
        pair("kernel", "fails"),
    ];
    assert_eq!(verdicts(&asked), expected);
    assert_eq!(verdicts(&["-v"]).len(), 15);
    assert_eq!(
        verdicts(&["--platform", "talos", "--containers-per-pod", "20"])[1].1,
        "unknown"
    );
}

#[test]
fn a_manager_sets_what_is_not_given() {
    let asked = |arguments: &[&str]| {
        let plan = json(arguments);
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let asked = &plan["asked"];
        [
            word(&asked["runtime"]),
            word(&asked["cgroupDriver"]),
            word(&plan["limits"][1]["name"]),
        ]
    };
    for (arguments, expected) in [
        (&["k3s"][..], ["containerd", "systemd", "kernel"]),
        (&["talos"], ["containerd", "cgroupfs", "talos"]),
        (&["openshift"], ["cri-o", "systemd", "openshift"]),
        // No limits of NixOS are known.
        (&["nixos"], ["containerd", "systemd", "kernel"]),
        (
            &["nixos", "--runtime", "cri-o", "--platform", "aks"],
            ["cri-o", "systemd", "aks"],
        ),
        (
            &["talos", "--cgroup-driver", "systemd"],
            ["containerd", "systemd", "talos"],
        ),
    ] {
        let arguments = [&["--manager"], arguments].concat();
        assert_eq!(asked(&arguments), expected, "{arguments:?}");
    }
    let output = plan(&["--manager", "nonsense"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("possible values: k3s"));
}

#[test]
fn a_node_shows_how_many_more_pods_fit() {
    let archive = recorded("healthy-v2");
    let plan = json(&["--from", archive.to_str().unwrap(), "--pods", "34"]);
    // 16 instances of 5 pods, 11 of the rest, 7 for a kubelet: 34 pods make 127 of 128.
    assert_eq!(plan["node"]["pods"], 5);
    assert_eq!(plan["node"]["containers"], 11);
    assert_eq!(plan["node"]["perPod"]["instances"], 3.2);
    assert_eq!(plan["node"]["morePods"], 29);
    assert_eq!(plan["needed"]["instances"], 127);
    let live = &plan["limits"][1];
    assert_eq!(
        (&live["name"], &live["pods"]),
        (&"this node".into(), &34.into())
    );
    assert_eq!(
        (&live["binds"], &live["verdict"]),
        (&"instances".into(), &"tight".into())
    );

    let full = recorded("shims-v2");
    let plan = json(&["--from", full.to_str().unwrap()]);
    assert_eq!(plan["node"]["morePods"], 0);
    assert_eq!(plan["otherLimits"], Value::Null);
    let many = json(&["--from", full.to_str().unwrap(), "--pods", "10000"]);
    let others = many["otherLimits"].as_array().unwrap();
    let mounts = others
        .iter()
        .find(|one| one["sysctl"] == "user.max_mnt_namespaces");
    assert_eq!(mounts.unwrap()["value"], 65_536);
    let empty = recorded("docker-podman-v2");
    let plan = json(&["--from", empty.to_str().unwrap()]);
    assert_eq!(plan["node"]["perPod"], Value::Null);
    let notes = plan["notes"].to_string();
    assert!(notes.contains("No pods run on this node"), "{notes}");
}

#[test]
fn what_cannot_be_is_refused() {
    let cases: [(&[&str], &str); 12] = [
        (&["--pods", "1000000000000"], "0..=10000"),
        (&["--containers-per-pod", "1001"], "0..=1000"),
        (&["--platform", "minix"], "kernel-pre-5.11"),
        (&["--kubernetes", "new"], "1.33.2+k3s1"),
        (&["--kubernetes", "1.18"], "does not run on cgroup v2"),
        (
            &["--manager", "openshift", "--runtime", "docker"],
            "OpenShift runs on CRI-O alone",
        ),
        (&["--runtime-version", "new"], "1.6.20~ds1"),
        (&["--from-node", "--runtime-version", "2.1"], "--from-node"),
        (&["--memory", "16X"], "16Gi"),
        (&["--max-user-watches", "5"], "--max-user-instances"),
        (&["--from-node", "--log-follows", "5"], "--from-node"),
        (&["--from-node", "--from", "x"], "--from"),
    ];
    for (arguments, says) in cases {
        let output = plan(arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(
            text(&output.stderr).contains(says),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
    let output = plan(&["--from", "/nonexistent"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_is_odd_is_said() {
    for (arguments, says) in [
        (["--kubernetes", "1.35", "--cgroup", "v1"], "failCgroupV1"),
        (
            ["--kubernetes", "1.33", "--runtime", "docker"],
            "cri-dockerd",
        ),
        (
            ["--kubernetes", "1.99", "--runtime", "crio"],
            "measured on 1.20",
        ),
        (
            ["--runtime-version", "2.1", "--runtime", "isulad"],
            "own figures are assumed",
        ),
        (
            ["--runtime-version", "1.6.20~ds1", "--pods", "5"],
            "containerd 1.6 with cgroup v2",
        ),
    ] {
        let output = plan(&arguments);
        assert!(output.status.success());
        assert!(
            text(&output.stdout).contains(says),
            "{}",
            text(&output.stdout)
        );
    }
}

#[test]
fn it_is_read_in_ten_seconds() {
    insta::assert_snapshot!("formula", text(&plan(&[]).stdout));
    insta::assert_snapshot!(
        "verbose",
        text(&plan(&["--cgroup", "v1", "-v", "--platform", "aks"]).stdout)
    );
    for (name, node, pods) in [
        ("node", "healthy-v2", "110"),
        ("full", "shims-v2", "110"),
        ("outlier", "watches-v1", "110"),
        ("empty", "docker-podman-v2", "110"),
        ("others", "healthy-v2", "10000"),
    ] {
        let archive = recorded(node);
        let drawn = plan(&["--from", archive.to_str().unwrap(), "--pods", pods]);
        insta::assert_snapshot!(name, text(&drawn.stdout));
        assert!(
            text(&drawn.stdout)
                .lines()
                .all(|line| line.chars().count() <= 80),
            "{name}"
        );
    }
}

#[test]
fn a_narrow_terminal_shows_all_of_it() {
    for archive in ["crio-v2", "shims-v2"].map(recorded) {
        let output = Command::new(env!("CARGO_BIN_EXE_nospace"))
            .args(["plan", "--platform", "kind-recommended", "--from"])
            .arg(archive)
            .env_clear()
            .envs([("LC_ALL", "C"), ("COLUMNS", "60")])
            .output()
            .unwrap();
        let drawn = text(&output.stdout);
        assert!(
            drawn.is_ascii() && drawn.lines().all(|line| line.len() <= 60),
            "{drawn}"
        );
        for whole in [
            "pods: workloads, shims",
            "kind-recommended",
            "fs.inotify.max_user_instances = 8192",
        ] {
            assert!(drawn.contains(whole), "{drawn}");
        }
    }
}
