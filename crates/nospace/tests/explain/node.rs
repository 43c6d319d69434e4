//! What a node says of a log, and what is advised where none was asked.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use nospace_core::explain::Explanation;

use super::{WATCHES, explain, json, path, stdout};

/// Node, log, and what comes of them: cause of the lines, what the node says, the cause that it decides on, exit code.
type Asked<'a> = (&'a str, &'a str, &'a str, &'a str, Option<&'a str>, i32);

const ASKED: &[Asked<'_>] = &[
    (
        "watches-v1",
        "v1-kubelet120-A-watches-exhausted-restart.log",
        "inotify-watches",
        "confirms",
        Some("inotify-watches"),
        2,
    ),
    (
        "healthy-v2",
        "v1-kubelet120-A-watches-exhausted-restart.log",
        "inotify-watches",
        "recovered",
        None,
        1,
    ),
    // Recorded within a pid namespace: who else holds watches is not known.
    (
        "healthy-v1",
        "v1-kubelet120-A-watches-exhausted-restart.log",
        "inotify-watches",
        "unknown",
        None,
        2,
    ),
    (
        "shims-v2",
        "v2-bookworm-G1-containerd.log",
        "inotify-instances",
        "confirms",
        Some("inotify-instances"),
        2,
    ),
    (
        "shims-v2",
        "v2-bookworm-G2-kubelet.log",
        "inotify-watches",
        "recovered",
        None,
        1,
    ),
    // Root's watches are used up; whose journalctl it was is not known.
    (
        "watches-v1",
        "v2-bookworm-G1-journalctl-f.log",
        "inotify-instances",
        "unknown",
        None,
        2,
    ),
    (
        "healthy-v2",
        "v1-kubelet120-B4-containerd-cri-not-loaded.log",
        "inotify-instances",
        "contradicts",
        None,
        1,
    ),
];

#[test]
fn a_recorded_node_is_asked() {
    let mut strangers = 0;
    for (node, log, cause, says, decided, code) in ASKED {
        let text = fs::read_to_string(path(log)).unwrap();
        let out = on_node(node, &["-o", "json", &path(log)], "");
        let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
        if said.causes[0].hosts == ["node1"] {
            assert_eq!(said.causes[0].node.word(), "unknown", "{node}, {log}");
            assert!(said.causes[0].node_says[0].contains("of node1"));
            assert!(said.findings[0].blame.names().is_empty());
            strangers += 1;
        }
        let mut own = text.replace(" node1 ", " nospace-guest ");
        if *node == "healthy-v2" {
            // Recorded a week later: its own log is not older than its boot.
            for (day, later) in [
                ("1121 ", "1129 "),
                ("11-21T", "11-29T"),
                ("Nov 21", "Nov 29"),
            ] {
                own = own.replace(day, later);
            }
        }
        let out = on_node(node, &["-o", "json"], &own);
        let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
        let all = &said.causes;
        assert_eq!(all.len(), 1, "{node}, {log}");
        let seen = (all[0].cause.code(), all[0].node.word());
        assert_eq!(seen, (*cause, *says), "{node}, {log}: {:?}", all[0]);
        assert_eq!(all[0].decided.map(|c| c.code()), *decided, "{node}, {log}");
        assert_eq!(out.status.code(), Some(*code), "{node}, {log}");
    }
    assert_eq!(strangers, 2);
}

#[test]
fn the_node_says_who_holds_and_what_nobody_can_tell() {
    let log = path("v1-kubelet120-A-watches-exhausted-restart.log");
    let out = on_node("watches-v1", &["-o", "json", &log], "");
    let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
    let node = said.causes[0].node_says.join(" ").replace(',', "");
    for part in ["uid 0", "22829", "100 %", "estimated"] {
        assert!(node.contains(part), "{part}: {node}");
    }
    let culprit = said.findings[0].blame.culprits()[0]
        .to_string()
        .replace(',', "");
    for part in ["logging/promtail-h4wzq", "22769"] {
        assert!(culprit.contains(part), "{part}: {culprit}");
    }
    let full = "no IP addresses available in range set: 10.244.1.1-10.244.1.254\n";
    let out = on_node("healthy-v2", &["-o", "json"], full);
    let said: Explanation = serde_json::from_slice(&out.stdout).unwrap();
    let ip_pool = &said.causes[0];
    assert_eq!(
        (ip_pool.cause.code(), ip_pool.node.word()),
        ("ip-pool", "unknown")
    );
    assert_eq!(out.status.code(), Some(2));
}

fn on_node(node: &str, args: &[&str], input: &str) -> std::process::Output {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes");
    let mut command = Command::cargo_bin("nospace").unwrap();
    command.args(["explain", "--from"]);
    command.arg(nodes.join(node).join("node.tar.zst"));
    command.args(args).write_stdin(input).output().unwrap()
}

/// Lines of CRI-O 1.34 when it was started without instances or watches; the last one says only in the journal whose it is.
#[test]
fn crio_is_restarted_on_its_own_node() {
    for line in [
        r#"time="2026-12-01T00:52:10Z" level=fatal msg="validating network config: initialize CNI plugin: initialize CNI plugin: failed to create new watcher too many open files""#,
        r#"time="2026-12-01T00:52:10Z" level=fatal msg="Failed to create new watch: too many open files""#,
        r#"time="2026-12-01T00:52:10Z" level=fatal msg="validating network config: initialize CNI plugin: initialize CNI plugin: failed to add watch on \"/etc/cni/net.d/\": no space left on device""#,
        r#"time="2026-12-01T00:52:10Z" level=error msg="Watcher.Add(\"/var/run/crio/exits\") failed: no space left on device""#,
        r#"Dec 01 00:52:10 node-1 crio[973]: time="2026-12-01T00:52:10Z" level=fatal msg="too many open files""#,
    ] {
        // A line of another node gets the usual command.
        let of_another = line.contains(" node-1 ");
        for (node, restarted) in [("crio-1.34-v2", true), ("healthy-v2", of_another)] {
            let out = on_node(node, &["-o", "json"], line);
            let said = String::from_utf8(out.stdout).unwrap();
            let restarts = said.contains("\"systemctl restart crio\"");
            assert_eq!(restarts, restarted, "{node}: {line}\n{said}");
        }
    }
}

#[test]
fn advice_is_that_of_the_place_that_the_log_is_from() {
    for (host, wanted) in [
        ("talos-abc-1", "talosctl patch machineconfig"),
        (
            "kind-worker",
            "docker exec kind-worker systemctl restart kubelet",
        ),
        ("minikube", "minikube ssh"),
        ("node1", "nospace tune --apply"),
    ] {
        let line = format!("Nov 21 00:00:01 {host} kubelet[812]: {WATCHES}");
        let explained = json(explain(&[]).write_stdin(line));
        let commands: Vec<&str> = explained.findings[0]
            .remedies
            .iter()
            .map(|r| r.command.as_str())
            .collect();
        assert!(
            commands.iter().any(|c| c.contains(wanted)),
            "{host}: {commands:?}"
        );
    }
    let page = stdout(&mut explain(&["inotify-watches"]));
    assert!(page.contains("How to fix, by platform") && page.contains("WSL2"));
}
