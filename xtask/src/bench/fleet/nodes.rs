//! What the agents of many nodes expose: that of the recorded nodes in turn, under names of their own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nospace_core::metrics::families;

use super::remote_write::{Labels, Moment, Request};
use crate::bench::measure::run;

/// The series of one node, without what tells it from others.
pub struct Shape {
    series: Vec<Series>,
    /// Bytes of the page that they are from.
    pub bytes: usize,
}

struct Series {
    labels: Labels,
    value: f64,
    /// It goes up and down, as what is used does.
    moves: bool,
    /// It only goes up.
    counts: bool,
}

impl Shape {
    /// How many series.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Adds each of them on this node, at these moments.
    pub fn add(&self, request: &mut Request, node: &str, moments: &[Moment]) {
        for series in &self.series {
            request.add(&series.labels, node, moments, |moment| series.at(moment.at));
        }
    }
}

impl Series {
    fn at(&self, milliseconds: i64) -> f64 {
        let minute = milliseconds / 60_000;
        // Whole numbers, as most are; never below what was recorded, so that a budget that was full stays so.
        let moved = if self.counts {
            minute % 1_000_000
        } else if self.moves {
            (minute * 7919) % 5
        } else {
            0
        };
        self.value + moved as f64
    }
}

/// Of each recorded node, with what only an agent exposes: `agent`, a page of one.
pub fn shapes(root: &Path, nospace: &Path, agent: &str) -> Result<Vec<Shape>> {
    let mut recorded: Vec<_> = std::fs::read_dir(root.join("tests/nodes"))?
        .map(|entry| Ok(entry?.path().join("node.tar.zst")))
        .collect::<Result<_>>()?;
    recorded.retain(|path| path.exists());
    recorded.sort();
    ensure!(!recorded.is_empty(), "tests/nodes has no recorded node");
    let own = of_the_agent(agent);
    let shape = |path: &std::path::PathBuf| {
        let mut command = Command::new(nospace);
        command
            .args(["check", "-o", "prometheus", "--from"])
            .arg(path);
        // Nothing of a recorded node is outside of what was recorded.
        command.env("NOSPACE_WHOLE_NODE", "1");
        let (_, answer) = run(&mut command)?;
        ensure!(
            !answer.output.is_empty(),
            "{}: {}",
            path.display(),
            answer.errors
        );
        let lines = answer.output.lines().chain(own.iter().copied());
        let series: Vec<Series> = lines
            .filter(|line| !line.starts_with('#'))
            .map(read)
            .collect::<Result<_>>()?;
        let more: usize = own.iter().map(|line| line.len() + 1).sum();
        Ok(Shape {
            series,
            bytes: answer.output.len() + more,
        })
    };
    recorded.iter().map(shape).collect()
}

/// The lines of families that `check -o prometheus` does not have.
fn of_the_agent(page: &str) -> Vec<&str> {
    let is_own = |line: &&str| {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        families()
            .iter()
            .any(|family| family.agent_only && family.name == &line[..end])
    };
    page.lines().filter(is_own).collect()
}

/// A line of the text format.
fn read(line: &str) -> Result<Series> {
    let (series, value) = line.rsplit_once(' ').context("no value")?;
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').context("no end of labels")?),
        None => (series, ""),
    };
    let mut all = vec![
        ("__name__".to_owned(), Some(name.to_owned())),
        ("instance".to_owned(), None),
        ("job".to_owned(), Some("nospace".to_owned())),
    ];
    let mut rest = labels;
    while let Some((label, after)) = rest.split_once("=\"") {
        let end = end_of_value(after).with_context(|| line.to_owned())?;
        let value = after[..end].replace("\\\"", "\"").replace("\\\\", "\\");
        // Prometheus has no empty labels.
        if label == "node" {
            all.push((label.to_owned(), None));
        } else if !value.is_empty() {
            all.push((label.to_owned(), Some(value)));
        }
        rest = after[end + 1..].trim_start_matches(',');
    }
    all.sort();
    let labels = all.iter();
    let labels = labels.map(|(name, value)| (name.as_str(), value.as_deref()));
    Ok(Series {
        labels: Labels::new(labels),
        value: value.parse()?,
        moves: [
            "nospace_resource_used",
            "nospace_inotify_watches",
            "nospace_collector_duration_seconds",
        ]
        .contains(&name),
        counts: name.ends_with("_total"),
    })
}

/// Where the quoted value ends that `text` begins with.
fn end_of_value(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Of kube-state-metrics.
pub fn kube_node_info() -> Labels {
    Labels::new([
        ("__name__", Some("kube_node_info")),
        ("container_runtime_version", Some("containerd://1.7.27")),
        ("instance", Some("10.0.0.7:8080")),
        ("job", Some("kube-state-metrics")),
        ("kernel_version", Some("6.1.0-56-amd64")),
        ("kubelet_version", Some("v1.33.1")),
        ("node", None),
        ("os_image", Some("Debian GNU/Linux 12 (bookworm)")),
    ])
}
