//! One agent, asked by its own address.

use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use nospace_core::history::HistoryDocument;
use nospace_core::report::{Report, SCHEMA_VERSION};

use super::agents::{REPORT_BYTES, read_report};
use super::{Answer, Cluster, Request, RequestError, Server};
use crate::agent::CLIENT_HEADER;

const REPORT: &str = "/api/v1/report";
const HISTORY: &str = "/api/v1/history";
/// Bytes of a history; one of 360 steps, 48 budgets and 32 workloads has less than one million.
const HISTORY_BYTES: usize = 16 << 20;

/// What an agent answered.
#[derive(Debug)]
pub struct AgentAnswer {
    /// Its newest report.
    pub report: Report,
    /// Seconds since that was collected; `None` where it did not say.
    pub age: Option<u64>,
    /// The last hours, or why they are not known.
    pub history: Result<HistoryDocument, String>,
}

/// Asks the agent at `server` for its report and its history; no attempt of a request takes longer than `timeout`.
///
/// # Errors
///
/// There is no report: the agent cannot be reached, refuses, is none, or is of another version; the error says which, and what to do. A
/// missing history is no error.
pub async fn ask(server: &Server, timeout: Duration) -> anyhow::Result<AgentAnswer> {
    let url = &server.url;
    let client = server.connect()?;
    let answer = get(&client, REPORT, REPORT_BYTES, timeout).await;
    let answer = answer.map_err(|error| anyhow!(failed(server, REPORT, &error, timeout)))?;
    let report = read_report(&answer.body)
        .with_context(|| format!("{url} is no agent of nospace, or one of another version"))?;
    let history = match get(&client, HISTORY, HISTORY_BYTES, timeout).await {
        Ok(answer) => read_history(&answer.body).map_err(|error| format!("{error:#}")),
        Err(RequestError::Status { code: 404, .. }) => {
            Err("it is of an older version, which keeps no history: update it".to_owned())
        }
        Err(error) => Err(failed(server, HISTORY, &error, timeout)),
    };
    Ok(AgentAnswer {
        report,
        age: answer.age,
        history,
    })
}

async fn get(
    client: &Cluster,
    path: &str,
    most: usize,
    timeout: Duration,
) -> Result<Answer, RequestError> {
    let request = Request {
        path,
        headers: &[(CLIENT_HEADER, "report")],
        timeout,
        most,
    };
    client.get(request).await
}

fn read_history(document: &[u8]) -> anyhow::Result<HistoryDocument> {
    let history: HistoryDocument =
        serde_json::from_slice(document).context("the answer is not a history of nospace")?;
    ensure!(
        history.schema_version == SCHEMA_VERSION,
        "it has schema version {}, and this nospace reads {SCHEMA_VERSION}",
        history.schema_version
    );
    Ok(history)
}

fn failed(server: &Server, path: &str, error: &RequestError, timeout: Duration) -> String {
    let url = &server.url;
    let (code, said) = match error {
        RequestError::Timeout => {
            return format!("{url} did not answer within {} s", timeout.as_secs());
        }
        RequestError::TooLong(_) => return format!("{url} is no agent of nospace: {error}"),
        RequestError::Unreachable(why) => {
            return format!(
                "cannot ask {url}: {why}. Does an agent run there, and does it listen on this address (--listen)?"
            );
        }
        RequestError::Status { code, message, .. } => {
            (*code, message.lines().next().unwrap_or_default())
        }
    };
    let why = match code {
        401 if server.token_file.is_some() => "the agent does not accept this token",
        401 => "it asks for a token: --agent-token-file",
        403 => {
            return format!(
                "{url} answered 403: the user of this token may not get {path} (the ClusterRole nospace-reader of the chart allows it): {said}"
            );
        }
        301..=308 | 404 | 405 => {
            "it is no agent of nospace; --agent takes what stands before /api/v1/report"
        }
        _ => return format!("{url} answered {code}: {said}"),
    };
    format!("{url} answered {code}: {why}")
}
