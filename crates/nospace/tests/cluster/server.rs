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

use crate::pods::{Pods, Query, requirements};

/// What the agent of a node does.
#[derive(Clone, Debug)]
pub enum Agent {
    /// Says this.
    Says(Box<Summary>),
    /// Says this after a while.
    Slow(Duration, Box<Summary>),
    /// Says this, with its age in seconds.
    Old(u64, Box<Summary>),
    /// Gives this report, with its age in seconds if it is known.
    Reports(Option<u64>, Arc<Vec<u8>>),
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
    /// Lists of all pods.
    pub without_selector: AtomicUsize,
}

/// Answers a method, a target and a body with a code and a document before the server does.
pub type Also = Arc<dyn Fn(&str, &str, &[u8]) -> Option<(u16, Vec<u8>)> + Send + Sync>;

/// A server that ends with the test.
pub struct Server {
    pub came: Arc<Came>,
    pub kubeconfig: PathBuf,
    pub pods: Arc<Pods>,
    _directory: tempfile::TempDir,
}

struct Inside {
    nodes: BTreeMap<String, Node>,
    names: Vec<String>,
    pods: Arc<Pods>,
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
        Self::busy(nodes, 0, forbidden, also)
    }

    /// Also with `workloads` pods on each node.
    pub fn busy(
        nodes: BTreeMap<String, Node>,
        workloads: usize,
        forbidden: Option<&'static str>,
        also: Option<Also>,
    ) -> Self {
        let pods = Arc::new(Pods::new(&nodes, workloads));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::<Came>::default();
        let inside = Arc::new(Inside {
            names: nodes.keys().cloned().collect(),
            nodes,
            pods: Arc::clone(&pods),
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
            pods,
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
                None => self.answer(method, &target, &head, &body),
            };
            self.came.now.fetch_sub(1, Ordering::SeqCst);
            let mut stream = stream;
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }

    fn answer(&self, method: &str, target: &str, head: &str, body: &[u8]) -> Vec<u8> {
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
        let parts: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
        match (method, &parts[..]) {
            ("GET", ["nodes"]) => self.list_nodes(&query),
            ("GET", ["nodes", name]) => match self.nodes.get(*name) {
                Some(found) => ok(node(name, found).to_string().as_bytes(), ""),
                None => status(404, "not found", ""),
            },
            ("GET", ["pods"]) => self.list_pods(None, &query),
            ("GET", ["namespaces", namespace, "pods"]) => self.list_pods(Some(namespace), &query),
            ("POST", ["namespaces", "default", "pods"]) => {
                response(201, "", self.pods.make(body).to_string().as_bytes())
            }
            ("DELETE", ["namespaces", "default", "pods", name]) => match self.pods.delete(name) {
                true => ok(b"{\"kind\": \"Status\"}", ""),
                false => status(404, "not found", ""),
            },
            ("GET", ["namespaces", "default", "pods", name, "log"]) => match self.pods.log(name) {
                Some(log) => ok(log.as_bytes(), ""),
                None => status(404, "not found", ""),
            },
            ("GET", ["namespaces", "nospace", "pods", pod, "proxy", rest @ ..]) => {
                self.came.heads.lock().unwrap().push(head.to_owned());
                let name = pod
                    .strip_prefix("agent-")
                    .and_then(|n| n.strip_suffix(":9409"));
                let node = name.and_then(|name| self.nodes.get(name));
                match (node, rest) {
                    (Some(node), ["api", "v1", what @ ("summary" | "report")]) => {
                        agent(&node.agent, what)
                    }
                    _ => status(404, "no such pod", ""),
                }
            }
            _ => status(404, "the server could not find the requested resource", ""),
        }
    }

    fn list_nodes(&self, query: &BTreeMap<&str, &str>) -> Vec<u8> {
        let (from, limit) = page(query);
        let to = from.saturating_add(limit).min(self.names.len());
        let items = self.names[from..to].iter();
        let items = items.map(|name| node(name, &self.nodes[name])).collect();
        list(items, (to < self.names.len()).then_some(to))
    }

    /// Refuses a list of all: there are too many.
    fn list_pods(&self, namespace: Option<&str>, query: &BTreeMap<&str, &str>) -> Vec<u8> {
        let selector = |name| requirements(query.get(name).copied().unwrap_or_default());
        let (labels, fields) = (selector("labelSelector"), selector("fieldSelector"));
        if labels.is_empty() && fields.is_empty() {
            self.came.without_selector.fetch_add(1, Ordering::SeqCst);
            return status(400, "all pods are too many", "");
        }
        let (from, limit) = page(query);
        let (items, next) = self.pods.page(&Query {
            namespace,
            labels,
            fields,
            limit,
            from,
        });
        list(items, next)
    }
}

/// Where a page begins, and how many objects it may have.
fn page(query: &BTreeMap<&str, &str>) -> (usize, usize) {
    let number = |name| query.get(name).map(|n| n.parse().unwrap());
    (
        number("continue").unwrap_or(0),
        number("limit").unwrap_or(usize::MAX),
    )
}

fn list(items: Vec<Value>, next: Option<usize>) -> Vec<u8> {
    let next = next.map_or_else(String::new, |next| next.to_string());
    let list = json!({"kind": "List", "metadata": {"continue": next}, "items": items});
    // By this server's clock it is always the same time.
    ok(list.to_string().as_bytes(), &format!("Date: {NOW}\r\n"))
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

fn agent(agent: &Agent, what: &str) -> Vec<u8> {
    if let Agent::Reports(age, document) = agent {
        assert_eq!(what, "report");
        let age = age.map_or_else(String::new, |age| format!("Age: {age}\r\n"));
        return ok(document, &age);
    }
    assert_eq!(what, "summary");
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
        Agent::None | Agent::Down(_) | Agent::Reports(..) => status(404, "no such pod", ""),
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
