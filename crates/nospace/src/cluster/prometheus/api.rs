use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{bail, ensure};
use hyper::{Method, Uri};
use serde::Deserialize;

use crate::cluster::client::Payload;
use crate::cluster::{Cluster, Request, RequestError, Server};

/// Bytes of the answer to a query: that for 10,000 nodes takes some ten million.
const ANSWER_BYTES: usize = 128 << 20;

/// The query API.
pub struct Api {
    server: Cluster,
    url: Uri,
    timeout: Duration,
}

/// A series with its value now.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// Labels.
    pub metric: BTreeMap<String, String>,
    value: (f64, String),
}

impl Sample {
    /// `None` where it is no number.
    pub fn value(&self) -> Option<f64> {
        self.value
            .1
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
    }

    /// As an amount.
    pub fn amount(&self) -> Option<u64> {
        // A value is printed with all its digits; one beyond 2^53 is rounded by Prometheus already.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded"
        )]
        self.value()
            .filter(|value| (0.0..1e19).contains(value))
            .map(|value| value as u64)
    }

    /// Empty where it has none of this name.
    pub fn label(&self, name: &str) -> &str {
        self.metric.get(name).map_or("", String::as_str)
    }
}

#[derive(Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    result: Vec<Sample>,
}

impl Api {
    pub fn new(server: &Server, timeout: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            server: server.connect()?,
            url: server.url.clone(),
            timeout,
        })
    }

    /// What a query gives now, and warnings: that the answer is not complete, for example.
    pub async fn query(&self, query: &str) -> anyhow::Result<(Vec<Sample>, Vec<String>)> {
        let limit = format!("{}s", self.timeout.as_secs().max(1));
        let payload = Payload::form(&[("query", query), ("timeout", &limit)]);
        let request = Request {
            path: "/api/v1/query",
            headers: &[("accept", "application/json")],
            timeout: self.timeout,
            most: ANSWER_BYTES,
        };
        let answer = self.server.send(Method::POST, request, &payload).await;
        let answer = answer.map_err(|error| self.failed(&error))?;
        let Ok(reply) = serde_json::from_slice::<Reply>(&answer.body) else {
            bail!("{} does not answer as Prometheus does; {}", self.url, BASE);
        };
        ensure!(
            reply.status == "success",
            "Prometheus cannot answer: {}",
            reply.error
        );
        let warnings = reply.warnings.into_iter().take(10);
        let warnings = warnings.map(|warning| format!("Prometheus warns: {warning}"));
        let samples = reply.data.map(|data| data.result).unwrap_or_default();
        Ok((samples, warnings.collect()))
    }

    fn failed(&self, error: &RequestError) -> anyhow::Error {
        let url = &self.url;
        let said = match error {
            RequestError::Status { message, .. } => words(message),
            error => error.to_string(),
        };
        let code = match error {
            RequestError::Status { code, .. } => *code,
            _ => 0,
        };
        match (code, error) {
            (401, _) if said.contains("org id") => {
                anyhow::anyhow!("{url} answered 401: {said}: --prometheus-tenant names the tenant")
            }
            (401, _) => anyhow::anyhow!(
                "{url} answered 401: it wants credentials (--prometheus-token-file, --prometheus-basic-auth-file): {said}"
            ),
            (403, _) => {
                anyhow::anyhow!("{url} answered 403: these credentials may not query it: {said}")
            }
            (301..=308 | 404 | 405, _) => {
                anyhow::anyhow!("{url} answered {code}: it is no Prometheus; {BASE}")
            }
            (_, RequestError::Timeout) => anyhow::anyhow!(
                "{url} did not answer within {} s (--timeout)",
                self.timeout.as_secs()
            ),
            (0, _) => anyhow::anyhow!("cannot ask {url}: {said}"),
            _ => anyhow::anyhow!("{url} answered {code}: {said}"),
        }
    }
}

const BASE: &str = "--via prometheus=URL takes what stands before /api/v1/query";

/// The error in an answer of Prometheus, which may be cut; else the first line of it.
fn words(answer: &str) -> String {
    if let Some((_, error)) = answer.split_once("\"error\":") {
        let mut texts = serde_json::Deserializer::from_str(error).into_iter::<String>();
        match texts.next() {
            Some(Ok(text)) => return text,
            _ => return error.to_owned(),
        }
    }
    answer.lines().next().unwrap_or_default().to_owned()
}
