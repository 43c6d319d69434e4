//! Ten thousand nodes, on demand: `NOSPACE_SCALE=10000 cargo test -p nospace --test cluster -- --nocapture ten_thousand`, and by pods of
//! `--via debug`: the same with `by_pods`. `NOSPACE_SCALE_OUT=DIRECTORY` keeps what was printed.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::server::{Agent, LONG_AGO, Node, Server};
use super::summaries::{full, well};

/// Pods of workloads on a node.
const PODS: usize = 30;
/// Whatever the source is.
const MOST_KILOBYTES: u64 = 300_000;

/// A tenth of the nodes is slow, gone or answers garbage. `None` unless it is asked for.
fn cluster() -> Option<Server> {
    let nodes: usize = std::env::var("NOSPACE_SCALE").ok()?.parse().unwrap();
    let node = |n: usize| {
        let name = format!("node-{n:05}.europe-west1.internal.example.com");
        let agent = match n % 40 {
            0 => Agent::Slow(Duration::from_secs(2), Box::new(well(&name))),
            1 => Agent::Slow(Duration::from_secs(60), Box::new(well(&name))),
            2 => Agent::Answers(200, "<html>502 Bad Gateway</html>".to_owned()),
            3 => Agent::None,
            4 => Agent::Says(Box::new(full(&name))),
            _ => Agent::Says(Box::new(well(&name))),
        };
        let labels = BTreeMap::from([(
            "cloud.google.com/gke-nodepool".to_owned(),
            format!("pool-{}", n % 17),
        )]);
        (
            name,
            Node {
                labels,
                ready: n % 40 != 1,
                created: LONG_AGO,
                agent,
            },
        )
    };
    let nodes = (0..nodes).map(node).collect();
    Some(Server::busy(nodes, PODS, None, None))
}

/// How long it took, and that in words with the rest.
fn run(server: &Server, arguments: &[&str]) -> (Duration, String) {
    let began = Instant::now();
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%M", env!("CARGO_BIN_EXE_nospace"), "cluster"]);
    command
        .args(arguments)
        .env("KUBECONFIG", &server.kubeconfig);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let took = began.elapsed();
    let name = arguments.join(" ");
    if let Ok(directory) = std::env::var("NOSPACE_SCALE_OUT") {
        let name = arguments.last().unwrap();
        std::fs::write(format!("{directory}/fleet.{name}"), &output.stdout).unwrap();
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let kilobytes: u64 = said
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .next_back()
        .unwrap();
    let words = format!(
        "{} pods, {name}: {took:.1?}, {} MB resident, {} bytes printed",
        server.pods.count(),
        kilobytes * 1024 / 1_000_000,
        output.stdout.len()
    );
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(kilobytes < MOST_KILOBYTES, "{kilobytes} kB");
    let lists = server.came.without_selector.load(Ordering::SeqCst);
    assert_eq!(lists, 0, "lists of all pods");
    (took, words)
}

#[test]
fn ten_thousand_nodes_in_a_minute() {
    let Some(server) = cluster() else { return };
    for format in ["human", "json", "html", "markdown"] {
        let (took, words) = run(&server, &["-o", format]);
        println!("{words}");
        assert!(took < Duration::from_secs(60), "{took:?}");
    }
}

#[test]
fn nodes_by_pods() {
    let Some(server) = cluster() else { return };
    let by_pods = ["--via", "debug", "--image", "played", "-o", "json"];
    let (_, words) = run(&server, &by_pods);
    println!("{words}");
    assert_eq!(server.pods.made(), 0, "pods are left");
}
