//! `nospace agent` as it runs on a node, and what the API server says that it was told.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::node::{Node, wait};
use crate::nospace::Nospace;

/// Its rights, as the documentation has them.
pub const RULES: &str = include_str!("../../../../crates/nospace/src/agent/kube/rules.yaml");

const ADDRESS: &str = "127.0.0.1:9409";

/// A running agent; killed where it was not stopped.
pub struct Agent {
    child: Child,
    log: PathBuf,
}

impl Agent {
    /// With this kubeconfig, a look a second.
    pub fn start(nospace: &Nospace, node: &Node, kubeconfig: &Path) -> anyhow::Result<Self> {
        Self::start_with(nospace, node, kubeconfig, &[])
    }

    /// The same, with more options.
    pub fn start_with(
        nospace: &Nospace,
        node: &Node,
        kubeconfig: &Path,
        options: &[&str],
    ) -> anyhow::Result<Self> {
        let log = std::env::temp_dir().join(format!("nospace-agent-{}.log", std::process::id()));
        let file = File::create(&log)?;
        let child = nospace
            .command(&["agent", "--interval", "1s", "--listen", ADDRESS])
            .args(["--node-name", &node.name])
            .args(options)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .context("nospace agent")?;
        Ok(Self { child, log })
    }

    /// What it has said so far.
    pub fn said(&self) -> anyhow::Result<String> {
        std::fs::read_to_string(&self.log).context("the agent's words")
    }

    /// Its metrics.
    pub fn metrics(&self) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(ADDRESS).context(ADDRESS)?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// How many requests to the API server ended so.
    pub fn requests(&self, result: &str) -> anyhow::Result<u64> {
        let name = format!("nospace_kubernetes_requests_total{{result=\"{result}\"}} ");
        let metrics = self.metrics()?;
        let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
        Ok(value.map_or(Ok(0), str::parse)?)
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// SIGTERM; how long it took to end.
    pub fn stop(mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        )?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the agent: {status}: {}", self.said()?);
        Ok(began.elapsed())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service account `name` of the namespace `default` with these rules, and a kubeconfig that has its token.
pub fn account(node: &Node, name: &str, rules: &str) -> anyhow::Result<PathBuf> {
    let role = rules.replace("name: nospace", &format!("name: {name}"));
    node.apply(&format!(
        "{role}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}, namespace: default}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}
subjects: [{{kind: ServiceAccount, name: {name}, namespace: default}}]
"
    ))?;
    kubeconfig_of(node, name)
}

/// A kubeconfig that has the token of this service account of the namespace `default`.
pub fn kubeconfig_of(node: &Node, name: &str) -> anyhow::Result<PathBuf> {
    let token = token(node, name)?;
    let view = node.kubectl(&["config", "view", "--raw", "-o", "json"])?;
    let mut config: Value = serde_json::from_str(&view)?;
    config["users"][0]["user"] = serde_json::json!({"token": token});
    let path = std::env::temp_dir().join(format!("nospace-{name}.conf"));
    std::fs::write(&path, config.to_string())?;
    Ok(path)
}

/// `kubectl create token`, which kubectl has from 1.24 on only.
fn token(node: &Node, account: &str) -> anyhow::Result<String> {
    let request = std::env::temp_dir().join("nospace-token.json");
    let kind = serde_json::json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}});
    std::fs::write(&request, kind.to_string())?;
    let place = format!("/api/v1/namespaces/default/serviceaccounts/{account}/token");
    let request = request.to_str().context("the temporary directory's name")?;
    let answer = node.kubectl(&["create", "--raw", &place, "-f", request])?;
    let answer: Value = serde_json::from_str(&answer).context("a token")?;
    let token = answer["status"]["token"].as_str().context("no token")?;
    Ok(token.to_owned())
}

/// One of a node's conditions; null where it has none of that type.
pub fn condition(node: &Node, kind: &str) -> anyhow::Result<Value> {
    let text = node.kubectl(&["get", "node", &node.name, "-o", "json"])?;
    let document: Value = serde_json::from_str(&text)?;
    let mut conditions = document["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    Ok(conditions
        .find(|c| c["type"] == kind)
        .cloned()
        .unwrap_or_default())
}

/// Waits until a condition has this status.
pub fn wait_status(node: &Node, kind: &str, status: &str, seconds: u64) -> anyhow::Result<Value> {
    wait(seconds, &format!("{kind} {status}"), || {
        Ok(condition(node, kind)?["status"] == status)
    })
    .with_context(|| condition(node, kind).unwrap_or_default().to_string())?;
    condition(node, kind)
}

/// The agent's events with this reason, on an object of this kind.
pub fn events(node: &Node, kind: &str, reason: &str) -> anyhow::Result<Vec<Value>> {
    let text = node.kubectl(&["get", "events", "-A", "-o", "json"])?;
    let document: Value = serde_json::from_str(&text)?;
    let events = document["items"].as_array().context("items")?.iter();
    let ours = events.filter(|e| {
        e["source"]["component"] == "nospace"
            && e["involvedObject"]["kind"] == kind
            && e["reason"] == reason
    });
    Ok(ours.cloned().collect())
}
