//! The source that needs nothing installed: a pod per node runs `nospace check`, and its log is the answer.
//!
//! ```text
//! nodes ─▶ create a pod ─ wait until it has ended ─ read its log ─ delete it ─▶ Row       at most 32 at once
//!                            one list a second of all pods of ours ─▲
//! ```
//!
//! A pod is pinned to its node, and ends by itself at its deadline. However a run ends, its pods are deleted; those of a run that was
//! killed are deleted by the next.

mod failure;
mod manifest;
mod pod;
mod run;
mod signals;

use nospace_core::fleet::{Failure, FailureKind, READ_BYTES, Row};
use nospace_core::report::Report;
use serde::de::IgnoredAny;

use self::run::{Log, Run};
use super::agents::{REPORT_BYTES, read_report};
use super::{
    Arrived, Asked, Cluster, Collected, NodeInfo, Progress, Source, read_summary, ready_first,
};

/// Checks nodes by pods of its own.
pub struct Debug<'c> {
    /// The cluster.
    pub cluster: &'c Cluster,
    /// What the pods are like.
    pub options: Options,
}

/// What the pods are like.
#[derive(Clone, Debug)]
pub struct Options {
    /// Their namespace.
    pub namespace: String,
    /// Their image: nospace's own.
    pub image: String,
    /// Secrets of that namespace to pull it with.
    pub pull_secrets: Vec<String>,
    /// All rights, for nodes on which the fewer ones do not suffice.
    pub privileged: bool,
}

/// A signal has ended the run; its pods are removed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("stopped by a signal, without a result")]
pub struct Stopped;

impl Source for Debug<'_> {
    fn via(&self) -> String {
        "debug".to_owned()
    }

    async fn collect(&self, asked: &Asked, progress: &Progress) -> anyhow::Result<Collected> {
        let nodes = ready_first(self.cluster, asked, progress).await?;
        progress.expect(nodes.len());
        let run = Run::new(self, asked, "summary", READ_BYTES);
        let (rows, notes) = run
            .on(nodes, progress, |(name, node), answer| {
                Arrived::now(row(name, node, answer))
            })
            .await?;
        Ok(Collected {
            rows: rows.into_iter().map(Arrived::row).collect(),
            may_lack_nodes: false,
            notes,
        })
    }
}

impl Debug<'_> {
    /// The whole report of one node.
    ///
    /// # Errors
    ///
    /// There is no such node, or its pod did not run; the error says why.
    pub async fn report(&self, node: &str, asked: &Asked) -> anyhow::Result<Report> {
        let progress = Progress::on_stderr();
        let asked = asked.of_node(node);
        let nodes = ready_first(self.cluster, &asked, &progress).await?;
        progress.say("waiting for the pod");
        let run = Run::new(self, &asked, "json", REPORT_BYTES);
        let answers = run.on(nodes, &progress, |_, answer| answer).await;
        progress.finish();
        let (answers, notes) = answers?;
        for note in notes {
            crate::ui::warn(&note);
        }
        let answer = answers.into_iter().next();
        let log = answer
            .ok_or_else(|| anyhow::anyhow!("node {node} is not in this pool"))?
            .map_err(anyhow::Error::msg)?;
        let document = document(&log).map_err(anyhow::Error::msg)?;
        read_report(document)
    }
}

fn row(name: String, node: NodeInfo, answer: Result<Log, Failure>) -> Row {
    let answer = answer.and_then(|log| {
        let summary = read_summary(document(&log)?)?;
        Ok((Some(log.age.as_secs()), summary))
    });
    node.row(name, answer)
}

/// The JSON document of a log. Warnings, which go to standard error, may stand before and after it.
fn document(log: &Log) -> Result<&[u8], Failure> {
    let text = &log.text;
    let begins = |at: &usize| text[*at] == b'{' && (*at == 0 || text[*at - 1] == b'\n');
    let whole = (0..text.len()).filter(begins).find_map(|at| {
        let mut documents = serde_json::Deserializer::from_slice(&text[at..]).into_iter();
        let _: IgnoredAny = documents.next()?.ok()?;
        Some(&text[at..at + documents.byte_offset()])
    });
    whole.ok_or_else(|| {
        let said = String::from_utf8_lossy(text);
        let said: String = match said.lines().find(|line| !line.trim().is_empty()) {
            Some(line) => line.chars().take(300).collect(),
            None => "nothing".to_owned(),
        };
        if said.contains("'summary'") {
            let why = "the nospace in the image is too old for this: --image names another";
            return Failure::new(FailureKind::TooOld, why);
        }
        let why = format!("exit code {}, and the pod said: {said}", log.exit);
        Failure::new(FailureKind::Garbage, why)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn log(text: &str) -> Log {
        Log {
            text: text.as_bytes().to_vec(),
            exit: 2,
            age: Duration::ZERO,
        }
    }

    #[test]
    fn the_document_is_found_among_messages() {
        let log_of = log("nospace: a warning {not json}\n{\"a\": {\n\"b\": 1\n}}\nnospace: more\n");
        assert_eq!(document(&log_of).unwrap(), b"{\"a\": {\n\"b\": 1\n}}");
    }

    #[test]
    fn what_is_no_document_is_said() {
        let failure = document(&log("exec /bin/nospace: no such file\n")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Garbage);
        assert!(failure.why.contains("no such file"), "{failure}");
        let cut = document(&log("{\"a\": 1")).unwrap_err();
        assert_eq!(cut.kind, FailureKind::Garbage);
        let old = log("error: invalid value 'summary' for '--output <FORMAT>'\n");
        assert_eq!(document(&old).unwrap_err().kind, FailureKind::TooOld);
    }
}
