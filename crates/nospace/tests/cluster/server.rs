//! An API server with nodes and the agents on them, in one program: what `nospace cluster` asks, and no more.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nospace_core::fleet::Summary;
use serde_json::{Value, json};

/// What the agent of a node does.
#[derive(Clone, Debug)]
pub enum Agent {
    /// Says this.
    Says(Box<Summary>),
    /// Says this after a while.
    Slow(Duration, Box<Summary>),
    /// Says this, with its age in seconds.
    Old(u64, Box<Summary>),
    /// There is none.
    None,
    /// Its pod does not run, for this reason.
    Down(&'static str),
    /// Answers with this code and text, which are not of the API server.
    Answers(u16, String),
    /// The API server answers with this code, in its own words.
    Server(u16, &'static str),
    /// The API server asks to wait, this many times, and lets it answer then.
    Throttled(Arc<AtomicUsize>, Box<Summary>),
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    pub labels: BTreeMap<String, String>,
    pub ready: bool,
    pub created: &'static str,
    pub agent: Agent,
}

/// When this server believes that it is.
const NOW: &str = "Thu, 01 Jan 2026 00:10:00 GMT";
/// Ten years before that, and five minutes.
pub const LONG_AGO: &str = "2016-01-01T00:00:00Z";
pub const JUST_NOW: &str = "2026-01-01T00:05:00Z";

/// What came.
#[derive(Debug, Default)]
pub struct Came {
    /// Paths with their queries.
    pub paths: Mutex<Vec<String>>,
    /// Heads of requests to agents.
    pub heads: Mutex<Vec<String>>,
    now: AtomicUsize,
    /// The most requests at a time.
    pub most: AtomicUsize,
}

/// Answers a method, a target and a body with a code and a document before the server does.
pub type Also = Arc<dyn Fn(&str, &str, &[u8]) -> Option<(u16, Vec<u8>)> + Send + Sync>;

/// A server that ends with the test.
pub struct Server {
    pub came: Arc<Came>,
    pub kubeconfig: PathBuf,
    _directory: tempfile::TempDir,
}

struct Inside {
    nodes: BTreeMap<String, Node>,
    names: Vec<String>,
    forbidden: Option<&'static str>,
    also: Option<Also>,
    came: Arc<Came>,
}

impl Server {
    /// With these nodes.
    pub fn start(nodes: BTreeMap<String, Node>) -> Self {
        Self::with(nodes, None, None)
    }

    /// Which forbids paths that contain `forbidden`, and leaves to `also` what that answers.
    pub fn with(
        nodes: BTreeMap<String, Node>,
        forbidden: Option<&'static str>,
        also: Option<Also>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::<Came>::default();
        let inside = Arc::new(Inside {
            names: nodes.keys().cloned().collect(),
            nodes,
            forbidden,
            also,
            came: Arc::clone(&came),
        });
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inside = Arc::clone(&inside);
                thread::spawn(move || inside.serve(&stream));
            }
        });
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = directory.path().join("config");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "played",
            "contexts": [{"name": "played", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "u", "user": {"token": "secret"}}],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        Self {
            came,
            kubeconfig,
            _directory: directory,
        }
    }
}

impl Inside {
    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                match reader.read_line(&mut head) {
                    Ok(1..) => {}
                    _ => return,
                }
            }
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let now = self.came.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.came.most.fetch_max(now, Ordering::SeqCst);
            self.came.paths.lock().unwrap().push(target.clone());
            let method = head.split(' ').next().unwrap_or_default();
            let mut body = vec![0; length(&head)];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            let also = self.also.as_ref();
            let answer = match also.and_then(|also| also(method, &target, &body)) {
                Some((code, body)) => response(code, "Age: 3\r\n", &body),
                None => self.answer(&target, &head),
            };
            self.came.now.fetch_sub(1, Ordering::SeqCst);
            let mut stream = stream;
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }

    fn answer(&self, target: &str, head: &str) -> Vec<u8> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: BTreeMap<&str, &str> =
            query.split('&').filter_map(|q| q.split_once('=')).collect();
        if let Some(what) = self.forbidden.filter(|what| path.contains(what)) {
            return status(
                403,
                &format!("User \"me\" cannot list resource \"{what}\" in API group \"\""),
                "",
            );
        }
        if path == "/api/v1/nodes" {
            return self.page(&query, |name| Some(node(name, &self.nodes[name])));
        }
        if let Some(name) = path.strip_prefix("/api/v1/nodes/") {
            return match self.nodes.get(name) {
                Some(found) => ok(node(name, found).to_string().as_bytes(), ""),
                None => status(404, "not found", ""),
            };
        }
        let pods = "/api/v1/namespaces/nospace/pods";
        match path.strip_prefix(pods) {
            Some("") => {
                assert!(query["labelSelector"].contains("nospace"), "{target}");
                self.page(&query, |name| pod(name, &self.nodes[name]))
            }
            Some(rest) => {
                self.came.heads.lock().unwrap().push(head.to_owned());
                let name = rest.trim_start_matches("/agent-").split(':').next();
                let is_summary = rest.ends_with(":9409/proxy/api/v1/summary");
                let node = name.and_then(|name| self.nodes.get(name));
                match node.filter(|_| is_summary) {
                    Some(node) => agent(&node.agent),
                    None => status(404, "no such pod", ""),
                }
            }
            None => status(404, "the server could not find the requested resource", ""),
        }
    }

    fn page(
        &self,
        query: &BTreeMap<&str, &str>,
        object: impl Fn(&str) -> Option<Value>,
    ) -> Vec<u8> {
        let limit: usize = query
            .get("limit")
            .map_or(usize::MAX, |n| n.parse().unwrap());
        let from: usize = query.get("continue").map_or(0, |n| n.parse().unwrap());
        let to = from.saturating_add(limit).min(self.names.len());
        let items: Vec<Value> = self.names[from..to]
            .iter()
            .filter_map(|name| object(name))
            .collect();
        let next = (to < self.names.len()).then(|| to.to_string());
        let list = json!({"kind": "List", "metadata": {"continue": next.unwrap_or_default()}, "items": items});
        // By this server's clock it is always the same time.
        ok(list.to_string().as_bytes(), &format!("Date: {NOW}\r\n"))
    }
}

/// Bytes of the body that follows this head.
fn length(head: &str) -> usize {
    let head = head.to_ascii_lowercase();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length:"));
    length.map_or(0, |length| length.trim().parse().unwrap())
}

fn node(name: &str, node: &Node) -> Value {
    let ready = if node.ready { "True" } else { "Unknown" };
    // What a node of a cloud has beside that: images, addresses, capacities.
    let images: Vec<Value> = (0..20).map(|n| json!({"names": [format!("registry.example/team/image-{n}@sha256:{:064x}", n)], "sizeBytes": 1})).collect();
    json!({
        "metadata": {"name": name, "creationTimestamp": node.created, "labels": node.labels, "annotations": {"example.com/a": "b".repeat(200)}},
        "status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}], "images": images}
    })
}

fn pod(name: &str, node: &Node) -> Option<Value> {
    let waiting = match node.agent {
        Agent::None => return None,
        Agent::Down(reason) => json!([{"state": {"waiting": {"reason": reason}}}]),
        _ => json!([{"state": {"running": {}}}]),
    };
    Some(json!({
        "metadata": {"name": format!("agent-{name}"), "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": name, "containers": [{"name": "agent", "ports": [{"name": "metrics", "containerPort": 9409}]}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": waiting}
    }))
}

fn agent(agent: &Agent) -> Vec<u8> {
    let says = |summary: &Summary| ok(summary.json().as_bytes(), "Age: 3\r\n");
    match agent {
        Agent::Old(age, summary) => ok(summary.json().as_bytes(), &format!("Age: {age}\r\n")),
        Agent::Says(summary) => says(summary),
        Agent::Slow(time, summary) => {
            thread::sleep(*time);
            says(summary)
        }
        Agent::Answers(code, text) => response(*code, "", text.as_bytes()),
        Agent::Server(code, text) => status(*code, text, ""),
        Agent::Throttled(times, summary) => {
            let left = times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            match left {
                Ok(_) => status(429, "too many requests", "Retry-After: 1\r\n"),
                Err(_) => says(summary),
            }
        }
        Agent::None | Agent::Down(_) => status(404, "no such pod", ""),
    }
}

fn ok(body: &[u8], headers: &str) -> Vec<u8> {
    response(200, headers, body)
}

/// As the API server says no.
fn status(code: u16, message: &str, headers: &str) -> Vec<u8> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code});
    response(code, headers, status.to_string().as_bytes())
}

fn response(code: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {code} Played\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
