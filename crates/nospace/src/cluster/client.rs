use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::header::{AGE, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Uri};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use kube::client::{AuthError, Body, ClientBuilder};
use kube::config::ExecConfig;
use kube::{Client, Config};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::error::RequestError;
use super::target::Target;
use crate::agent::jittered;
use crate::agent::kube::chain;

/// Requests in flight at once, over all sources.
pub const MAX_REQUESTS: usize = 64;
/// Objects of a page of a list.
const PAGE: usize = 250;
/// Bytes of a page: a node names up to fifty images, a pod may have annotations of 256 KiB.
const PAGE_BYTES: usize = 128 << 20;
/// A list takes longer than a request for one object.
const LIST_TIMEOUT: Duration = Duration::from_secs(30);
/// Attempts of a request, the first among them; of one that the server asks to send later.
const ATTEMPTS: u32 = 3;
const ATTEMPTS_IF_THROTTLED: u32 = 6;
/// Waited after the first attempt; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest `Retry-After` that is honoured.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Objects of a list.
const MAX_OBJECTS: usize = 200_000;
/// Lists that the server no longer continues are started again, at most this many times.
const RESTARTS: u32 = 3;

/// A connection to an API server, or to another server that is asked as one is.
pub struct Cluster {
    client: Client,
    permits: Semaphore,
    /// How far the clock of the server is ahead of this machine's, in seconds.
    ahead: AtomicI64,
    /// Name of the context of the kubeconfig.
    pub context: Option<String>,
    /// The address of the server.
    pub url: Uri,
}

/// A request for one object or document.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Path with query.
    pub path: &'a str,
    /// Headers beside those of the client.
    pub headers: &'a [(&'static str, &'static str)],
    /// Longest time of one attempt.
    pub timeout: Duration,
    /// Most bytes of an answer.
    pub most: usize,
}

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    kind: &'static str,
    text: String,
}

impl Payload {
    const NONE: Self = Self {
        kind: "",
        text: String::new(),
    };

    /// A JSON document.
    pub fn json(document: &serde_json::Value) -> Self {
        Self {
            kind: "application/json",
            text: document.to_string(),
        }
    }

    /// The fields of a form.
    pub fn form(fields: &[(&str, &str)]) -> Self {
        Self {
            kind: "application/x-www-form-urlencoded",
            text: encoded(fields),
        }
    }
}

/// An answer that is a success.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The header `Age`, in seconds.
    pub age: Option<u64>,
    /// How far the clock of who gave it is ahead of this machine's, in seconds, by the header `Date`.
    ahead: Option<i64>,
    /// What it says.
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

impl Cluster {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Nothing says where the cluster is, or a file of the kubeconfig cannot be used.
    pub async fn connect(target: &Target) -> anyhow::Result<Self> {
        let (config, context) = target.config().await?;
        Ok(Self {
            context,
            ..Self::of(config)?
        })
    }

    /// Makes a client of a server. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A certificate or key cannot be used, or a credential plugin fails.
    pub fn of(config: Config) -> anyhow::Result<Self> {
        let plugin = config.auth_info.exec.clone();
        let url = config.cluster_url.clone();
        let client = ClientBuilder::try_from(config).map_err(|error| match (&error, plugin) {
            (kube::Error::Auth(_), Some(plugin)) => failed(&plugin, &error),
            _ => anyhow!(chain(&error)),
        })?;
        Ok(Self {
            client: client.build(),
            permits: Semaphore::new(MAX_REQUESTS),
            ahead: AtomicI64::new(0),
            context: None,
            url,
        })
    }

    /// Sends GET. Where the server asks to wait (429), where it is overloaded or the connection breaks, it tries again, with jitter.
    ///
    /// # Errors
    ///
    /// The last attempt's.
    pub async fn get(&self, request: Request<'_>) -> Result<Answer, RequestError> {
        self.send(Method::GET, request, &Payload::NONE).await
    }

    /// Sends a request, and tries again as [`Cluster::get`] does: one that may be made twice must mean the same.
    ///
    /// # Errors
    ///
    /// The last attempt's.
    pub async fn send(
        &self,
        method: Method,
        request: Request<'_>,
        payload: &Payload,
    ) -> Result<Answer, RequestError> {
        // Nothing closes the semaphore. A request that waits to be retried keeps its permit, so that all slow down.
        let _permit = self.permits.acquire().await;
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let error = match self.attempt(&method, request, payload).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let (error, after) = error;
            if attempt >= attempts(&error) {
                return Err(error);
            }
            let after = after.unwrap_or_default().min(MAX_WAIT);
            sleep(after + jittered(wait)).await;
            wait *= 2;
        }
        Err(RequestError::Timeout)
    }

    async fn attempt(
        &self,
        method: &Method,
        request: Request<'_>,
        payload: &Payload,
    ) -> Result<Answer, (RequestError, Option<Duration>)> {
        let until = Instant::now() + request.timeout;
        let unreachable = |why: String| (RequestError::Unreachable(why), None);
        let mut built = hyper::Request::builder().method(method).uri(request.path);
        if !payload.kind.is_empty() {
            built = built.header(CONTENT_TYPE, payload.kind);
        }
        for (name, value) in request.headers {
            built = built.header(*name, HeaderValue::from_static(value));
        }
        let built = built.body(Body::from(payload.text.clone().into_bytes()));
        let built = built.map_err(|error| unreachable(error.to_string()))?;
        let sent = timeout(request.timeout, self.client.send(built)).await;
        let response = sent
            .map_err(|_| (RequestError::Timeout, None))?
            .map_err(|error| unreachable(chain(&error)))?;
        let (head, body) = response.into_parts();
        let ahead = ahead(&head.headers);
        let body = Limited::new(body, request.most).collect();
        let left = until.saturating_duration_since(Instant::now());
        let body = timeout(left, body)
            .await
            .map_err(|_| (RequestError::Timeout, None))?
            .map_err(|error| match error.is::<LengthLimitError>() {
                true => (RequestError::TooLong(request.most), None),
                false => (RequestError::BrokenOff(error.to_string()), None),
            })?;
        let body = body.to_bytes().to_vec();
        if !head.status.is_success() {
            let error = RequestError::of_answer(head.status.as_u16(), &body);
            let after = seconds(&head.headers, RETRY_AFTER.as_str()).map(Duration::from_secs);
            return Err((error, after));
        }
        Ok(Answer {
            age: seconds(&head.headers, AGE.as_str()),
            ahead,
            body,
        })
    }

    /// A time of the server, in an object for example, on the clock of this machine: that by which the last list came.
    #[must_use]
    pub fn here(&self, time: Timestamp) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        time.saturating_sub(ahead).unwrap_or(time)
    }

    /// Reads a list page by page, and keeps of each object what `keep` makes of it, by its name.
    ///
    /// # Errors
    ///
    /// A page cannot be read.
    pub async fn list<T: DeserializeOwned, K>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        keep: impl Fn(T) -> Option<(String, K)>,
        mut each: impl FnMut(usize),
    ) -> Result<BTreeMap<String, K>, RequestError> {
        let mut all = BTreeMap::new();
        let mut next: Option<String> = None;
        let mut restarts = 0;
        let mut read = 0;
        loop {
            let limit = PAGE.to_string();
            let mut query: Vec<(&str, &str)> = query.to_vec();
            query.push(("limit", &limit));
            query.extend(next.as_deref().map(|next| ("continue", next)));
            let path = format!("{path}?{}", encoded(&query));
            let request = Request {
                path: &path,
                headers: &[("accept", "application/json")],
                timeout: LIST_TIMEOUT,
                most: PAGE_BYTES,
            };
            let answer = match self.get(request).await {
                // The server has forgotten the state that the list is of.
                Err(RequestError::Status { code: 410, .. }) if restarts < RESTARTS => {
                    (restarts, next, read) = (restarts + 1, None, 0);
                    all.clear();
                    continue;
                }
                answer => answer?,
            };
            if let Some(ahead) = answer.ahead {
                self.ahead.store(ahead, Ordering::Relaxed);
            }
            let page: Page<T> = serde_json::from_slice(&answer.body)
                .map_err(|error| RequestError::Unreachable(format!("not a list: {error}")))?;
            // An empty page counts too: a server that never ends its list is not followed.
            read += page.items.len().max(1);
            all.extend(page.items.into_iter().filter_map(&keep));
            each(all.len());
            if read > MAX_OBJECTS {
                let why = format!("the list has more than {MAX_OBJECTS} objects");
                return Err(RequestError::Unreachable(why));
            }
            match page.metadata.next.filter(|next| !next.is_empty()) {
                Some(same) if next.as_ref() == Some(&same) => {
                    let why = "the server repeats the same page of a list".to_owned();
                    return Err(RequestError::Unreachable(why));
                }
                Some(more) => next = Some(more),
                None => return Ok(all),
            }
        }
    }
}

/// Says which credential plugin of the kubeconfig failed and what it said; how to install it where it is missing and the kubeconfig knows.
fn failed(plugin: &ExecConfig, error: &kube::Error) -> anyhow::Error {
    let command = plugin.command.as_deref().unwrap_or("(no command)");
    match error {
        kube::Error::Auth(AuthError::AuthExecStart(why)) => {
            let hint = behind(". ", plugin.install_hint.as_deref().unwrap_or_default());
            anyhow!("cannot start the kubeconfig's credential plugin {command}: {why}{hint}")
        }
        // An interactive plugin has written to the terminal.
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            let said = behind(": ", &String::from_utf8_lossy(&out.stderr));
            let status = out.status;
            anyhow!("the kubeconfig's credential plugin {command} failed ({status}){said}")
        }
        _ => anyhow!(
            "the kubeconfig's credential plugin {command}: {}",
            chain(error)
        ),
    }
}

/// `text` on one line, at most 1,000 characters, behind `separator`; nothing if it is blank.
fn behind(separator: &str, text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [] => String::new(),
        _ => {
            let line: String = words.join(" ").chars().take(1000).collect();
            format!("{separator}{line}")
        }
    }
}

/// How often a request that ends like this is sent: the server asks for another attempt, or may be well in a moment.
fn attempts(error: &RequestError) -> u32 {
    match error {
        RequestError::Status { code: 429, .. } => ATTEMPTS_IF_THROTTLED,
        RequestError::Unreachable(_)
        | RequestError::BrokenOff(_)
        | RequestError::Status {
            code: 500 | 502 | 504,
            by_server: true,
            ..
        } => ATTEMPTS,
        _ => 1,
    }
}

/// A header with a number of seconds.
fn seconds(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// How far the clock of who answers is ahead of this machine's, in seconds.
fn ahead(headers: &HeaderMap) -> Option<i64> {
    let date = rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(date.timestamp().as_second() - Timestamp::now().as_second())
}

/// A query, everything but letters, digits and `-._~` escaped.
fn encoded(query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    pairs.join("&")
}

/// `text` as a part of a path or of a query.
pub fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}
