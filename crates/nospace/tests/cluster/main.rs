//! `nospace cluster` against an API server of the test's own.

#![cfg(feature = "agent")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access;
mod age;
mod debug;
mod identity;
mod pods;
mod prometheus;
mod roles;
mod scale;
mod server;
mod summaries;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nospace_core::fleet::{FailureKind, Fleet, FleetRule, Row};
use nospace_core::report::Status;
use roles::only;
use server::{Agent, LONG_AGO, Node, Server};
use summaries::{full, well};

fn node(agent: Agent) -> Node {
    Node {
        labels: BTreeMap::from([("agentpool".to_owned(), "blue".to_owned())]),
        ready: true,
        created: LONG_AGO,
        agent,
    }
}

fn says(name: &str) -> Node {
    node(Agent::Says(Box::new(well(name))))
}

fn fleet_of(nodes: impl IntoIterator<Item = (&'static str, Node)>) -> Server {
    let nodes = nodes
        .into_iter()
        .map(|(name, node)| (name.to_owned(), node));
    Server::with(nodes.collect(), None, Some(only("Access", None)))
}

fn nospace(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nospace"));
    command.arg("cluster").args(arguments);
    command
        .env("KUBECONFIG", &server.kubeconfig)
        .output()
        .unwrap()
}

fn fleet(server: &Server, arguments: &[&str]) -> (Fleet, Option<i32>) {
    let output = nospace(server, &[arguments, &["-o", "json"]].concat());
    let fleet = serde_json::from_slice(&output.stdout);
    (
        fleet.unwrap_or_else(|error| panic!("{error}: {output:?}")),
        output.status.code(),
    )
}

fn row<'f>(fleet: &'f Fleet, name: &str) -> &'f Row {
    fleet.rows.iter().find(|row| row.node == name).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_row_a_node_worst_first_with_the_exit_code_of_the_worst() {
    let server = fleet_of([
        ("a", says("a")),
        ("b", node(Agent::Says(Box::new(full("b"))))),
        ("c", says("c")),
    ]);
    let (said, code) = fleet(&server, &[]);
    let order: Vec<&str> = said.rows.iter().map(|row| row.node.as_str()).collect();
    assert_eq!((order, code), (vec!["b", "a", "c"], Some(2)));
    assert_eq!((said.counts.ok, said.counts.critical), (2, 1));
    assert_eq!(said.origin.cluster.as_deref(), Some("played"));
    let first = &said.rows[0];
    assert_eq!(first.pool.as_ref().unwrap().name, "blue");
    assert_eq!((first.age_seconds, first.ready), (Some(3), Some(true)));
    let heads = server.came.heads.lock().unwrap().clone();
    assert!(heads.iter().all(|head| {
        head.to_ascii_lowercase()
            .contains("sec-nospace-client: cluster")
    }));
    let human = nospace(&server, &[]);
    let text = String::from_utf8_lossy(&human.stdout);
    assert!(
        text.starts_with("nospace cluster: CRITICAL 3 nodes: 1 critical, 2 OK"),
        "{text}"
    );
    assert!(
        text.contains("The kubelet of 1 node would not start again"),
        "{text}"
    );
}

#[test]
fn nodes_that_do_not_answer_are_rows_with_the_reason_and_the_fleet_is_unknown() {
    let asleep = |ready| Node {
        ready,
        ..node(Agent::Slow(Duration::from_secs(20), Box::new(well("x"))))
    };
    let server = fleet_of([
        ("down", node(Agent::Down("CrashLoopBackOff"))),
        ("another", says("well")),
        ("garbage", node(Agent::Answers(200, "<html>".to_owned()))),
        ("long", node(Agent::Answers(200, "x".repeat(1 << 20)))),
        ("none", node(Agent::None)),
        ("notlinux", {
            let mut other = node(Agent::None);
            let system = ("kubernetes.io/os".to_owned(), "windows".to_owned());
            other.labels.extend([system]);
            other
        }),
        ("notready", asleep(false)),
        ("old", node(Agent::Answers(404, "not found\n".to_owned()))),
        (
            "refused",
            node(Agent::Server(
                503,
                "error trying to reach service: dial tcp: connection refused",
            )),
        ),
        (
            "sidecar",
            node(Agent::Answers(403, "RBAC: access denied".to_owned())),
        ),
        ("slow", asleep(true)),
        (
            "starting",
            node(Agent::Answers(
                503,
                "starting up: no data yet, reload in a few seconds\n".to_owned(),
            )),
        ),
        (
            "token",
            node(Agent::Answers(
                401,
                "this agent asks for a valid bearer token\n".to_owned(),
            )),
        ),
        ("well", says("well")),
    ]);
    let began = Instant::now();
    let (said, code) = fleet(&server, &["--timeout", "1s"]);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!((said.status, code), (Status::Unknown, Some(3)));
    assert_eq!((said.counts.answered, said.counts.nodes), (1, 14));
    let kinds: BTreeMap<&str, FailureKind> = said
        .rows
        .iter()
        .filter_map(|row| Some((row.node.as_str(), row.failure()?.kind)))
        .collect();
    let expected = [
        ("another", FailureKind::Garbage),
        ("down", FailureKind::AgentDown),
        ("garbage", FailureKind::Garbage),
        ("long", FailureKind::Garbage),
        ("none", FailureKind::NoAgent),
        ("notlinux", FailureKind::NoAgent),
        ("notready", FailureKind::NotReady),
        ("old", FailureKind::TooOld),
        ("refused", FailureKind::Unreachable),
        ("sidecar", FailureKind::Unreachable),
        ("slow", FailureKind::Timeout),
        ("starting", FailureKind::Starting),
        ("token", FailureKind::Refused),
    ];
    assert_eq!(kinds, BTreeMap::from(expected));
    for (name, why) in [
        ("down", "CrashLoopBackOff"),
        ("notlinux", "it runs windows: -l kubernetes.io/os=linux"),
        ("sidecar", "neither the API server nor an agent"),
        ("sidecar", "RBAC: access denied (403)"),
        ("token", "--via debug"),
    ] {
        let failure = row(&said, name).failure().unwrap();
        assert!(failure.why.contains(why), "{failure}");
    }
    assert_eq!(said.counts.not_ready, 1);
    assert_eq!(
        said.findings
            .iter()
            .filter(|f| f.rule == FleetRule::Unanswered)
            .count(),
        9
    );
}

#[test]
fn what_the_server_asks_to_wait_is_waited_and_answered() {
    let times = Arc::new(AtomicUsize::new(2));
    let throttled = node(Agent::Throttled(Arc::clone(&times), Box::new(well("a"))));
    let server = fleet_of([("a", throttled)]);
    let began = Instant::now();
    let (said, code) = fleet(&server, &[]);
    assert!(
        said.status.is_well() && code == Some(0),
        "{:?} {code:?}",
        said.status
    );
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(server.came.heads.lock().unwrap().len(), 3);
}

#[test]
fn what_is_forbidden_names_the_rule_to_add() {
    let nodes = || {
        (0..40)
            .map(|n| (format!("n{n}"), says(&format!("n{n}"))))
            .collect()
    };
    for (what, rule) in [
        ("/nodes", "resources: [nodes], verbs: [list]"),
        ("/pods", "resources: [pods], verbs: [list]"),
    ] {
        let output = nospace(&Server::with(nodes(), Some(what), None), &[]);
        assert_eq!(output.status.code(), Some(3), "{what}");
        assert!(
            stderr(&output).contains(rule) && output.stdout.is_empty(),
            "{output:?}"
        );
    }
    let server = Server::with(nodes(), Some("/proxy"), None);
    let (said, code) = fleet(&server, &[]);
    assert_eq!((said.status, code), (Status::Unknown, Some(3)));
    for row in &said.rows {
        let failure = row.failure().unwrap();
        assert_eq!(failure.kind, FailureKind::Forbidden);
        assert!(
            failure
                .why
                .contains("resources: [pods/proxy], verbs: [get]"),
            "{failure}"
        );
    }
}

#[test]
fn many_nodes_are_read_page_by_page_with_few_requests_at_once() {
    let name = |n: usize| format!("node-{n:04}");
    let nodes = (0..1_000).map(|n| {
        let mut one = says(&name(n));
        one.labels
            .insert("agentpool".to_owned(), format!("pool-{}", n % 4));
        if n % 3 == 0 {
            one.agent = Agent::Slow(Duration::from_millis(20), Box::new(well(&name(n))));
        }
        (name(n), one)
    });
    let server = Server::start(nodes.collect());
    let (said, code) = fleet(&server, &[]);
    assert_eq!((said.counts.ok, code), (1_000, Some(0)));
    let paths = server.came.paths.lock().unwrap().clone();
    assert!(paths.iter().filter(|path| path.contains("limit=")).count() >= 8);
    let most = server.came.most.load(Ordering::SeqCst);
    assert!((8..=64).contains(&most), "{most} requests at once");
    let cost = &said.workloads[0];
    assert_eq!(
        (cost.nodes, cost.covered, cost.of, cost.at_least),
        (1_000, 1_000, 1_000, false)
    );
    let (some, _) = fleet(&server, &["--pool", "pool-1", "--pool", "pool-2"]);
    assert_eq!(some.counts.nodes, 500);
    // Nor do some of the pools that were asked for pass for all.
    let output = nospace(&server, &["--pool", "pool-1", "--pool", "pool-9"]);
    let known = "no node is in pool \"pool-9\"; there are: pool-0, pool-1, pool-2, pool-3";
    assert!(stderr(&output).contains(known), "{output:?}");
    assert_eq!(output.status.code(), Some(3));
    let output = nospace(&server, &["--pool", "pool-1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    // An all-clear of a part does not pass for one of the cluster.
    assert!(
        text.contains("context played, pool pool-1, via agents"),
        "{text}"
    );
}

#[test]
fn filters_choose_rows_and_nodes() {
    let server = fleet_of([
        ("a", says("a")),
        ("b", node(Agent::Says(Box::new(full("b"))))),
        ("c", node(Agent::None)),
    ]);
    let shown = |severity| {
        let (said, code) = fleet(&server, &["--severity", severity]);
        assert_eq!((said.counts.nodes, code), (3, Some(2)));
        let rows: Vec<String> = said.rows.into_iter().map(|row| row.node).collect();
        rows.join(" ")
    };
    assert_eq!(
        ["critical", "warning", "unknown"].map(shown),
        ["b", "b", "b c"]
    );
    // The headline is that of all nodes, and every format says that not all are listed.
    for (severity, listed) in [
        (
            &["--severity", "critical"][..],
            Some("1 of 3 nodes listed (--severity)"),
        ),
        (
            &["--severity", "unknown"],
            Some("2 of 3 nodes listed (--severity)"),
        ),
        (&[], None),
    ] {
        for format in ["human", "html", "markdown"] {
            let output = nospace(&server, &[severity, &["-o", format]].concat());
            assert_eq!(output.status.code(), Some(2));
            let text = String::from_utf8(output.stdout).unwrap();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let all = "3 nodes: 1 critical, 1 unknown (1 did not answer), 1 OK";
            assert!(text.contains(all), "{text}");
            match listed {
                Some(listed) => assert!(text.contains(listed), "{text}"),
                None => assert!(!text.contains("--severity"), "{text}"),
            }
        }
    }
    let well = fleet_of([("a", says("a")), ("b", says("b"))]);
    let output = nospace(&well, &["--severity", "warning"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("nospace cluster: OK 2 nodes: 2 OK"),
        "{text}"
    );
    assert!(text.contains("0 of 2 nodes listed (--severity)"), "{text}");
    assert_eq!(output.status.code(), Some(0));
    let _ = fleet(&server, &["-l", "team=a b,x!=y"]);
    let paths = server.came.paths.lock().unwrap();
    assert!(
        paths
            .iter()
            .any(|path| path.contains("labelSelector=team%3Da%20b%2Cx%21%3Dy"))
    );
}

#[test]
fn no_kubeconfig_and_no_server_are_said() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nospace"));
    let output = command
        .arg("cluster")
        .env("KUBECONFIG", "/nowhere/config")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("/nowhere/config"), "{output:?}");
    let server = fleet_of([("a", says("a"))]);
    let output = nospace(&server, &["--context", "other"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("other"), "{output:?}");
    let output = nospace(&server, &["no-such-node"]);
    assert!(
        stderr(&output).contains("there is no node \"no-such-node\""),
        "{output:?}"
    );
}

#[test]
fn an_all_clear_names_what_it_does_not_cover() {
    let hides = |name: &str, causes: &[&str]| {
        let mut said = well(name);
        said.not_covered = causes.iter().map(|cause| (*cause).to_owned()).collect();
        node(Agent::Says(Box::new(said)))
    };
    let line = |server: &Server| {
        let output = nospace(server, &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let some = fleet_of([
        ("a", hides("a", &["bpf-jit"])),
        ("b", hides("b", &["conntrack", "bpf-jit"])),
        ("c", says("c")),
    ]);
    let said = line(&some);
    let hidden = "3 nodes: 3 OK; not fully visible: bpf-jit, conntrack (on 2 nodes)";
    assert!(said.contains(hidden), "{said}");
    let all = fleet_of([("a", hides("a", &["bpf-jit"]))]);
    let said = line(&all);
    assert!(
        said.contains("1 node: 1 OK; not fully visible: bpf-jit "),
        "{said}"
    );
    // Trouble needs no such words.
    let mut bad = full("b");
    bad.not_covered = vec!["bpf-jit".to_owned()];
    let trouble = fleet_of([("b", node(Agent::Says(Box::new(bad))))]);
    assert!(!line(&trouble).contains("not fully visible"));
}

#[test]
fn the_plugin_is_the_same_program() {
    let server = fleet_of([("a", says("a"))]);
    let directory = tempfile::tempdir().unwrap();
    let plugin = directory.path().join("kubectl-nospace");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_nospace"), &plugin).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&plugin);
        command
            .args(arguments)
            .env("KUBECONFIG", &server.kubeconfig)
            .output()
            .unwrap()
    };
    let output = run(&[]);
    assert!(
        output
            .stdout
            .starts_with(b"nospace cluster: OK 1 node: 1 OK"),
        "{output:?}"
    );
    assert!(run(&["--version"]).stdout.starts_with(b"nospace "));
}

#[test]
fn every_format_names_every_node_and_takes_nothing_for_markup() {
    let evil = "<script>alert(1)</script>|`x`";
    let mut said = full("b");
    said.headline = evil.to_owned();
    said.findings[0].culprit = Some(format!("pod {evil}\u{1b}[2J"));
    let server = fleet_of([
        ("a", says("a")),
        ("b", node(Agent::Says(Box::new(said)))),
        ("c", node(Agent::None)),
    ]);
    let printed = |format| {
        let output = nospace(&server, &["-o", format]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let html = printed("html");
    assert!(html.contains("&lt;script&gt;alert(1)") && html.contains("script-src 'sha256-"));
    assert_eq!(html.matches("<script>").count(), 1);
    assert_eq!(html.matches("<tr id=n").count(), 3);
    let markdown = printed("markdown");
    assert!(markdown.contains("\\<script\\>") && !markdown.contains("<script>"));
    assert!(markdown.contains("| UNKNOWN | c | blue |"), "{markdown}");
    for text in [html, markdown, printed("human"), printed("json")] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let schema = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/schema/cluster.schema.json"
    );
    let schema: serde_json::Value =
        serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&printed("json")).unwrap();
    jsonschema::validate(&schema, &document).unwrap();
}

#[test]
fn watching_prints_a_document_a_line_again_and_again() {
    let server = fleet_of([("a", says("a"))]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_nospace"));
    command.args(["cluster", "--watch=0.2", "-o", "json"]);
    command.env("KUBECONFIG", &server.kubeconfig);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let seen: Vec<Fleet> = lines
        .take(3)
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    // Nobody reads any more: it ends by itself.
    let status = child.wait().unwrap();
    assert!(seen.iter().all(|fleet| fleet.status.is_well()));
    assert_eq!((seen.len(), status.code()), (3, Some(0)));
}
