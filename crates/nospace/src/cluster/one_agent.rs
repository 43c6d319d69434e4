//! One agent, asked by its own address.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use nospace_core::history::HistoryDocument;
use nospace_core::report::{Report, SCHEMA_VERSION};

use super::agents::{REPORT_BYTES, read_report};
use super::{Answer, Cluster, Request, RequestError, Server};
use crate::agent::CLIENT_HEADER;

const REPORT: &str = "/api/v1/report";
const HISTORY: &str = "/api/v1/history";
/// Where an agent gives what it has recorded.
pub const RECORDING: &str = "/api/v1/recording";
/// Bytes of a history; one of 360 steps, 48 budgets and 32 workloads has less than one million.
const HISTORY_BYTES: usize = 16 << 20;
/// Bytes of a recording: twice what an agent keeps.
const RECORDING_BYTES: usize = 32 << 20;
/// A recording comes through port-forwards and slow lines, too.
const RECORDING_TIMEOUT: Duration = Duration::from_mins(1);

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

/// Asks the agent at `server` for its recording, a timeline. Nothing of it has been checked.
///
/// # Errors
///
/// The agent cannot be reached, refuses, is none or of an older version, or records nothing; the error says which, and what to do.
pub async fn recording(server: &Server) -> anyhow::Result<Vec<u8>> {
    let (url, timeout) = (&server.url, RECORDING_TIMEOUT);
    let client = server.connect()?;
    match get(&client, RECORDING, RECORDING_BYTES, timeout).await {
        Ok(answer) => Ok(answer.body),
        Err(RequestError::Status {
            code: 404, message, ..
        }) if message.contains("--state-dir") => bail!(
            "{url} has no recording: {message}. nospace report --agent {url} still shows the hours that it remembers"
        ),
        Err(RequestError::Status { code: 404, .. }) => bail!(
            "{url} answered 404: it is no agent of nospace, or one of an older version, which has no recording; its address is what stands before {RECORDING}"
        ),
        Err(error) => bail!(failed(server, RECORDING, &error, timeout)),
    }
}

async fn get(
    client: &Cluster,
    path: &str,
    most: usize,
    timeout: Duration,
) -> Result<Answer, RequestError> {
    let request = Request {
        path,
        headers: &[(CLIENT_HEADER, "nospace")],
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
        RequestError::BrokenOff(_) => return format!("{url}: {error}"),
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
            return format!(
                "{url} answered {code}: it is no agent of nospace; its address is what stands before {path}"
            );
        }
        _ => return format!("{url} answered {code}: {said}"),
    };
    format!("{url} answered {code}: {why}")
}
