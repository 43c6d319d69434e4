//! `nospace cluster --via prometheus=URL` against a real Prometheus, and against what is none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nospace_core::fleet::{FailureKind, Fleet, FleetRule};
use nospace_core::model::Provenance;
use nospace_core::report::{StartVerdict, Status};

use crate::roles::only;
use crate::server::{Agent, Node, Server};
use crate::{node, stderr};

/// Answers everything with this.
fn answers(head: &'static str, body: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    address
}

/// What the agent of a node exposes, with the labels that scrape.yaml gives.
fn series(out: &mut String, node: &str, status: Option<u8>, used: u64, age: u64) {
    let of = format!("job=\"nospace\",instance=\"{node}\"");
    let _ = writeln!(
        out,
        "nospace_node_info{{{of},node=\"{node}\",kernel=\"6.12.1\",cgroup=\"v2\"}} 1"
    );
    let _ = writeln!(out, "nospace_build_info{{{of},version=\"0.2.0\"}} 1");
    if let Some(status) = status {
        let _ = writeln!(out, "nospace_status{{{of}}} {status}");
    }
    let _ = writeln!(out, "nospace_look_age_seconds{{{of}}} {age}");
    let _ = writeln!(out, "nospace_looks_total{{{of}}} 21");
    for (collector, partial) in [("bpf-jit", node == "well"), ("inotify", false)] {
        let partial = u8::from(partial);
        let of = format!("{of},collector=\"{collector}\"");
        let _ = writeln!(out, "nospace_collector_partial{{{of}}} {partial}");
    }
    let user = format!("{of},uid=\"0\",userns=\"4026531837\"");
    let _ = writeln!(out, "nospace_inotify_watches{{{user}}} {used}");
    let _ = writeln!(out, "nospace_inotify_watches_limit{{{user}}} 8192");
    let _ = writeln!(out, "nospace_inotify_instances{{{user}}} 9");
    let _ = writeln!(out, "nospace_inotify_instances_limit{{{user}}} 128");
    for n in 0..6 {
        let of = format!("{of},cause=\"pids\",subject=\"cgroup {n}\",unit=\"pids\"");
        let _ = writeln!(out, "nospace_resource_used{{{of}}} {}", n * 10);
        let _ = writeln!(out, "nospace_resource_limit{{{of}}} 100");
        if n > 1 {
            let _ = writeln!(out, "nospace_fullest_resource_used{{{of}}} {}", n * 10);
            let _ = writeln!(out, "nospace_fullest_resource_limit{{{of}}} 100");
        }
    }
    for (name, value) in [("instances", 128), ("watches", 8192)] {
        let _ = writeln!(
            out,
            "nospace_inotify_sysctl{{{of},sysctl=\"fs.inotify.max_user_{name}\"}} {value}"
        );
    }
    let _ = writeln!(
        out,
        "nospace_inotify_sysctl{{{of},sysctl=\"fs.inotify.max_queued_events\"}} 16384"
    );
    let full = used == 8100;
    let _ = writeln!(out, "nospace_kubelet_start_ok{{{of}}} {}", u8::from(!full));
    for (name, value) in [
        ("watches_needed", 100),
        ("watches_free", 8192 - used),
        ("instances_needed", 7),
        ("instances_free", 119),
    ] {
        let _ = writeln!(out, "nospace_kubelet_start_{name}{{{of}}} {value}");
    }
    if full {
        let _ = writeln!(
            out,
            "nospace_finding{{{of},cause=\"inotify-watches\",severity=\"critical\"}} 1"
        );
    }
    // As a second Prometheus that scrapes the same would have it.
    let replica = "a\",replica=\"second";
    for container in ["a", "b", replica] {
        let of =
            format!("{of},namespace=\"logging\",pod=\"promtail-h4wzq\",container=\"{container}\"");
        let _ = writeln!(out, "nospace_pod_inotify_instances{{{of}}} 1");
        let _ = writeln!(out, "nospace_pod_inotify_watches{{{of}}} {}", used / 4);
    }
    let _ = writeln!(
        out,
        "nospace_exhaustion_seconds{{{of},cause=\"pids\",subject=\"cgroup 5\",unit=\"pids\"}} 7200"
    );
}

/// A Prometheus that ends with the test.
struct Prometheus(
    Child,
    SocketAddr,
    #[allow(dead_code, reason = "kept")] tempfile::TempDir,
);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Which scrapes `exposed`, and cannot scrape the agent of the node `down`.
fn prometheus(exposed: String) -> Prometheus {
    let target = answers("200 OK\r\nContent-Type: text/plain; version=0.0.4", exposed);
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("prometheus.yml");
    let scrape = format!(
        "scrape_configs:
- {{job_name: all, scrape_interval: 1s, honor_labels: true, static_configs: [{{targets: ['{target}']}}]}}
- {{job_name: nospace, scrape_interval: 1s, static_configs: [{{targets: ['127.0.0.1:1'], labels: {{instance: down}}}}]}}
"
    );
    std::fs::write(&config, scrape).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            directory.path().join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("prometheus (scripts/prepare test): {error}"));
    Prometheus(child, address, directory)
}

fn nospace(via: &str, kubeconfig: Option<&Server>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nospace"));
    command
        .args(["cluster", "--via", via, "-o", "json"])
        .args(arguments);
    command
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("HOME", "/nonexistent");
    match kubeconfig {
        Some(server) => command.env("KUBECONFIG", &server.kubeconfig),
        None => command.env_remove("KUBECONFIG"),
    };
    command.output().unwrap()
}

fn fleet(output: &Output) -> Fleet {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What it says once the first scrapes have come.
fn once(via: &str, api: Option<&Server>, is_there: impl Fn(&Fleet) -> bool) -> Fleet {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let output = nospace(via, api, &[]);
        if !output.stdout.is_empty() {
            let said = fleet(&output);
            if is_there(&said) {
                return said;
            }
        }
        assert!(Instant::now() < until, "{output:?}");
        thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn a_real_prometheus_says_what_its_series_say_and_no_more() {
    let mut exposed = String::new();
    series(&mut exposed, "well", Some(0), 100, 5);
    series(&mut exposed, "full", Some(2), 8100, 5);
    series(&mut exposed, "tight", Some(1), 8192 - 105, 5);
    series(&mut exposed, "old", None, 100, 5);
    series(&mut exposed, "stale", Some(0), 100, 3600);
    series(&mut exposed, "deleted", Some(0), 100, 5);
    // By the clock of its node, which is ahead by days, the file is an hour old.
    series(&mut exposed, "file", Some(0), 100, 0);
    let file = "job=\"nospace\",instance=\"file\"";
    let _ = writeln!(
        exposed,
        "node_time_seconds{{{file}}} 4000003600\nnode_textfile_mtime_seconds{{{file},file=\"/var/lib/nospace.prom\"}} 4000000000"
    );
    let _ = writeln!(
        exposed,
        "nospace_collector_info{{job=\"nospace\",instance=\"tight\",collector=\"inotify\",source=\"/proc\",provenance=\"estimated\"}} 1"
    );
    let server = prometheus(exposed);
    let via = format!("prometheus=http://{}/", server.1);
    let names = [
        "well", "full", "tight", "old", "stale", "down", "none", "file",
    ];
    let nodes = names.map(|name| (name.to_owned(), node(Agent::None)));
    let nodes: BTreeMap<String, Node> = nodes.into_iter().collect();
    let role = only("From Prometheus", None);
    let api = Server::with(nodes.clone(), None, Some(role));
    let said = once(&via, Some(&api), |said| {
        said.counts.answered == 6
            && said.rows.iter().any(|row| {
                row.failure()
                    .is_some_and(|f| f.kind == FailureKind::AgentDown)
            })
    });
    let row = |name: &str| said.rows.iter().find(|row| row.node == name).unwrap();
    let state = names.map(|name| row(name).state);
    let unknown = Status::Unknown;
    assert_eq!(
        state,
        [
            Status::reported(0).unwrap(),
            Status::Critical,
            Status::Warning,
            unknown,
            unknown,
            unknown,
            unknown,
            unknown
        ]
    );
    assert_eq!(
        said.rows.len(),
        names.len(),
        "a node that is deleted is no row"
    );
    assert_eq!(row("none").failure().unwrap().kind, FailureKind::NoAgent);
    assert_eq!(row("well").pool.as_ref().unwrap().name, "blue");
    assert_eq!(row("well").summary().unwrap().not_covered, ["bpf-jit"]);
    assert!(row("stale").is_stale() && row("stale").age_seconds >= Some(3600));
    let file = row("file").age_seconds.unwrap();
    assert!((3600..3700).contains(&file), "{file}");
    assert!(
        said.origin
            .notes
            .iter()
            .any(|note| note.contains("1 node that is not in this cluster (deleted")),
        "{:?}",
        said.origin.notes
    );
    let old = row("old").summary().unwrap();
    assert!(old.unseen[0].contains("too old"), "{old:?}");

    let full = row("full").summary().unwrap();
    assert_eq!(full.kubelet_start, Some(StartVerdict::Fails));
    let fullest = full.fullest().unwrap();
    assert_eq!(
        (fullest.cause.as_str(), fullest.used, fullest.limit),
        ("inotify-watches", 8100, 8192)
    );
    assert_eq!(
        full.headline,
        "inotify-watches: uid 0 has used 8,100 of 8,192 watches"
    );
    assert_eq!(full.limits.unwrap().max_queued_events, 16384);
    assert_eq!(
        (full.nospace_version.as_str(), full.kernel.as_str()),
        ("0.2.0", "6.12.1")
    );
    assert_eq!(full.next_full.as_ref().unwrap().seconds, 7200);
    assert_eq!(full.checks, Some(21));
    let workload = &full.workloads[0];
    assert_eq!(
        (
            workload.workload.name.as_str(),
            workload.instances,
            workload.watches
        ),
        ("promtail", 2, 4050)
    );
    // The fullest four of six, and one each of instances and watches.
    assert_eq!(full.budgets.len(), 6);
    let tight = row("tight").summary().unwrap();
    assert_eq!(tight.kubelet_start, Some(StartVerdict::Barely));
    assert_eq!(tight.workloads_provenance, Provenance::Estimated);
    assert_eq!(
        row("well").summary().unwrap().kubelet_start,
        Some(StartVerdict::Starts)
    );
    assert!(
        said.findings
            .iter()
            .any(|finding| finding.rule == FleetRule::KubeletStart)
    );
    assert!(said.workloads[0].at_least);

    // With that right alone; without it, the rule to add.
    let asked = api.came.paths.lock().unwrap().clone();
    assert!(
        asked.iter().all(|path| path.starts_with("/api/v1/nodes?")),
        "{asked:?}"
    );
    let notes = |output: &Output| fleet(output).origin.notes.join("\n");
    assert!(!notes(&nospace(&via, Some(&api), &[])).contains("Nodes are"));
    let closed = Server::with(nodes, Some("/nodes"), None);
    let forbidden = nospace(&via, Some(&closed), &[]);
    let rule = "Add this rule to your role: {apiGroups: [\"\"], resources: [nodes], verbs: [list]}";
    assert!(notes(&forbidden).contains(rule), "{forbidden:?}");
    assert!(fleet(&forbidden).origin.may_lack_nodes);

    // Without an API server it says what it does not know.
    let alone = fleet(&nospace(&via, None, &[]));
    assert!(
        alone
            .origin
            .notes
            .iter()
            .any(|note| note.contains("Only nodes with series")),
        "{:?}",
        alone.origin.notes
    );
    assert!(alone.origin.may_lack_nodes);
    assert!(alone.rows.iter().any(|row| row.node == "deleted"));
    let labels = nospace(&via, None, &["-l", "a=b"]);
    assert!(
        stderr(&labels).contains("only the API server knows labels"),
        "{labels:?}"
    );
    let none = fleet(&nospace(
        &via,
        Some(&api),
        &["--prometheus-match", "cluster=\"other\""],
    ));
    assert_eq!((none.status, none.counts.answered), (Status::Unknown, 0));
    let wrong = nospace(&via, Some(&api), &["--prometheus-match", "cluster=other"]);
    assert!(stderr(&wrong).contains("parse error"), "{wrong:?}");
    let path = nospace(&format!("{via}graph"), Some(&api), &[]);
    assert!(stderr(&path).contains("before /api/v1/query"), "{path:?}");
}

#[test]
fn what_kube_state_metrics_does_not_list_has_left_the_cluster() {
    let mut exposed = String::new();
    series(&mut exposed, "here", Some(0), 100, 5);
    series(&mut exposed, "left", Some(2), 8100, 5);
    for node in ["here", "silent"] {
        let of = format!("job=\"kube-state-metrics\",instance=\"k:8080\",node=\"{node}\"");
        let _ = writeln!(exposed, "kube_node_info{{{of}}} 1");
    }
    let server = prometheus(exposed);
    let via = format!("prometheus=http://{}", server.1);
    let said = once(&via, None, |said| said.counts.answered > 0);
    let rows: Vec<&str> = said.rows.iter().map(|row| row.node.as_str()).collect();
    assert_eq!(rows, ["silent", "here"]);
    // The node that left is critical, and nobody has to do anything about it.
    assert_eq!(said.status, Status::Unknown);
    assert_eq!((said.counts.critical, said.counts.unknown), (0, 1));
    let kinds: Vec<FailureKind> = said
        .rows
        .iter()
        .filter_map(|row| Some(row.failure()?.kind))
        .collect();
    assert_eq!(kinds, [FailureKind::NoAgent]);
    assert!(!said.origin.may_lack_nodes);
    let notes = said.origin.notes.join("\n");
    for words in [
        "Nodes are those that kube-state-metrics knows",
        "series of 1 node that is not in this cluster (left for example)",
    ] {
        assert!(notes.contains(words), "{notes}");
    }
}

#[test]
fn errors_name_what_is_wrong_and_what_to_do() {
    let json = "200 OK\r\nContent-Type: application/json";
    let warns = r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["No StoreAPIs matched"]}"#;
    for (head, body, words) in [
        ("401 Unauthorized", "no org id", "--prometheus-tenant"),
        (
            "401 Unauthorized",
            "Unauthorized",
            "--prometheus-token-file",
        ),
        ("403 Forbidden", "denied", "may not query"),
        (
            "200 OK",
            "<html>Grafana</html>",
            "does not answer as Prometheus does",
        ),
        ("302 Found\r\nLocation: /login", "", "it is no Prometheus"),
        (
            "503 Service Unavailable",
            r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
            "query timed out",
        ),
        (
            json,
            r#"{"status":"error","error":"too many samples"}"#,
            "too many samples",
        ),
    ] {
        let address = answers(head, body.to_owned());
        let output = nospace(&format!("prometheus=http://{address}"), None, &[]);
        assert!(stderr(&output).contains(words), "{head}: {output:?}");
        assert_eq!(output.status.code(), Some(3));
    }
    let address = answers(json, warns.to_owned());
    let output = nospace(&format!("prometheus=http://{address}"), None, &[]);
    let notes = fleet(&output).origin.notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("No StoreAPIs matched")),
        "{notes:?}"
    );
    assert_eq!(output.status.code(), Some(3));
    for (arguments, words) in [
        (
            ["--prometheus-token-file", "/nonexistent/token"],
            "/nonexistent/token",
        ),
        (["--prometheus-ca", "/nonexistent/ca"], "/nonexistent/ca"),
    ] {
        let output = nospace(&format!("prometheus=http://{address}"), None, &arguments);
        assert!(stderr(&output).contains(words), "{output:?}");
    }
    let output = nospace("prometheus=nowhere", None, &[]);
    assert!(stderr(&output).contains("http://HOST:9090"), "{output:?}");
}
