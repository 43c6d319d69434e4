//! Ten thousand nodes, on demand: `NOSPACE_SCALE=10000 cargo test -p nospace --test cluster -- --nocapture ten_thousand`.
//! `NOSPACE_SCALE_OUT=DIRECTORY` keeps what was printed.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::server::{Agent, LONG_AGO, Node, Server};
use super::summaries::{full, well};

/// A tenth of the nodes is slow, gone or answers garbage; 300,000 pods are 30 a node, of which a summary has the largest workloads.
#[test]
fn ten_thousand_nodes_in_a_minute() {
    let Some(nodes) = std::env::var("NOSPACE_SCALE")
        .ok()
        .and_then(|n| n.parse::<usize>().ok())
    else {
        return;
    };
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
    let server = Server::start((0..nodes).map(node).collect());
    for format in ["human", "json", "html", "markdown"] {
        let began = Instant::now();
        let mut command = Command::new("/usr/bin/time");
        command.args([
            "-f",
            "%M",
            env!("CARGO_BIN_EXE_nospace"),
            "cluster",
            "-o",
            format,
        ]);
        let output = command
            .env("KUBECONFIG", &server.kubeconfig)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let took = began.elapsed();
        if let Ok(directory) = std::env::var("NOSPACE_SCALE_OUT") {
            std::fs::write(format!("{directory}/fleet.{format}"), &output.stdout).unwrap();
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let kilobytes: u64 = said
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .next_back()
            .unwrap();
        println!(
            "{nodes} nodes, -o {format}: {took:.1?}, {} MB resident, {} bytes printed",
            kilobytes / 1000,
            output.stdout.len()
        );
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(took < Duration::from_secs(60), "{took:?}");
        assert!(kilobytes < 300_000, "{kilobytes} kB");
    }
}
