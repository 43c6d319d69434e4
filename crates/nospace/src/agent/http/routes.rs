use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use http_body_util::BodyExt as _;
use nospace_core::metrics::{self, AgentMetrics, Exposition};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::set_header::SetResponseHeaderLayer;

use super::access::{self, AccessReceiver};
use super::negotiate;
use super::recording;
use crate::agent::config::ConfigReceiver;
use crate::agent::guard::GuardState;
use crate::agent::history::History;
use crate::agent::observation::{Observation, ObservationReceiver};
use crate::agent::pages::Page;
use crate::agent::recording::Recordings;
use crate::agent::refusals::Refusals;
use crate::agent::request_counter::RequestCounter;
use crate::agent::{page, process};

/// The agent is not ready once the last observation is older than this and than [`INTERVALS`] intervals.
const STALE: Duration = Duration::from_secs(30);
const INTERVALS: u32 = 3;

/// How an agent says that it has collected nothing yet.
pub const STARTING: &str = "starting up: no data yet, reload in a few seconds\n";
const NOTHING_YET: (StatusCode, &str) = (StatusCode::SERVICE_UNAVAILABLE, STARTING);
const NOT_FOUND: (StatusCode, &str) = (
    StatusCode::NOT_FOUND,
    "not found; try /, /metrics, /api/v1/report, /api/v1/summary, /api/v1/history, /api/v1/recording, /healthz or /readyz\n",
);

/// What the handlers read.
pub struct AppState {
    /// The agent's settings.
    pub config: ConfigReceiver,
    /// Who may read.
    pub access: AccessReceiver,
    /// The newest observation.
    pub observations: ObservationReceiver,
    /// Refused calls.
    pub refusals: Arc<Refusals>,
    /// What the agent's guard does.
    pub guard: Arc<GuardState>,
    /// The last hours.
    pub history: Arc<History>,
    /// What was recorded of them.
    pub recordings: Arc<Recordings>,
    /// Requests to the API server.
    pub requests: Arc<RequestCounter>,
    /// Requests to the webhook.
    pub webhook_requests: Arc<RequestCounter>,
    /// When the agent started.
    pub started: jiff::Timestamp,
}

/// Every path that the agent serves. No handler waits for anything.
pub fn router(state: Arc<AppState>) -> Router {
    Router::new()
        .route("/", get(html))
        .route("/metrics", get(metrics))
        .route("/api/v1/report", get(report))
        .route("/api/v1/summary", get(summary))
        .route("/api/v1/history", get(history))
        .route("/api/v1/recording", get(recording))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(async || NOT_FOUND)
        .layer(from_fn_with_state(state.access.clone(), access::check))
        // gzip and zstd each time anew: at a thousand pods that takes about 0.2 ms of a scrape (`cargo xtask bench scrapes`).
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(compressible()),
        )
        .layer(map_response(buffer))
        .layer(header(VARY, "accept, accept-encoding"))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(CACHE_CONTROL, "no-cache"))
        .with_state(state)
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// Compresses all at once: a client that reads slowly then holds on to some kilobytes, not to an encoder of hundreds.
async fn buffer(response: Response) -> Response {
    if !response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let (parts, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => Response::from_parts(parts, Body::from(body.to_bytes())),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn metrics(State(state): State<Arc<AppState>>, headers: HeaderMap) -> impl IntoResponse {
    let dialect = negotiate::dialect(&headers);
    let observation = state.latest();
    let mut own = Exposition::new(dialect);
    metrics::agent(&state.metrics(observation.as_deref()), &mut own);
    let observed = observation.map(|observation| observation.page(Page::Metrics(dialect)));
    // Two frames, since all clients share the first.
    let frames = [observed.unwrap_or_default(), own.finish().into()];
    let length = frames.iter().map(|frame| frame.len()).sum::<usize>();
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static(dialect.content_type()),
        ),
        (CONTENT_LENGTH, length.into()),
    ];
    let frames = stream::iter(frames.map(Ok::<_, Infallible>));
    (headers, Body::from_stream(frames))
}

async fn report(State(state): State<Arc<AppState>>) -> Response {
    document(&state, Page::Report)
}

async fn summary(State(state): State<Arc<AppState>>) -> Response {
    document(&state, Page::Summary)
}

fn document(state: &AppState, page: Page) -> Response {
    let Some(observation) = state.latest() else {
        return NOTHING_YET.into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (AGE, observation.finished_at.elapsed().as_secs().into()),
    ];
    (headers, observation.page(page)).into_response()
}

async fn history(State(state): State<Arc<AppState>>, RawQuery(query): RawQuery) -> Response {
    let Some(observation) = state.latest() else {
        return NOTHING_YET.into_response();
    };
    let node = &observation.report.node.name;
    let document = match state.history.ask(node, &query.unwrap_or_default()) {
        Ok(Some(document)) => document,
        Ok(None) => return NOTHING_YET.into_response(),
        Err(wrong) => return (StatusCode::BAD_REQUEST, format!("{wrong}\n")).into_response(),
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (AGE, observation.finished_at.elapsed().as_secs().into()),
    ];
    match serde_json::to_vec(&document) {
        Ok(body) => (headers, body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn recording(State(state): State<Arc<AppState>>) -> Response {
    recording::answer(&state.recordings)
}

/// What is compressed already is left as it is.
fn compressible() -> impl Predicate {
    DefaultPredicate::new().and(NotForContentType::const_new(recording::CONTENT))
}

async fn html(State(state): State<Arc<AppState>>) -> Response {
    let Some(observation) = state.latest() else {
        return NOTHING_YET.into_response();
    };
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, page::POLICY),
    ];
    let page = page::draw(
        &observation,
        &state.metrics(Some(&observation)),
        state.interval(),
        state.history.whole(&observation.report.node.name).as_ref(),
    );
    (headers, page).into_response()
}

async fn ready(State(state): State<Arc<AppState>>) -> Response {
    let Some(observation) = state.latest() else {
        return NOTHING_YET.into_response();
    };
    let age = observation.finished_at.elapsed();
    let why = if state.refusals.starting() {
        "starting up: the trace is not attached yet\n".to_owned()
    } else if age > STALE.max(state.interval() * INTERVALS) {
        format!("the last collection ended {} s ago\n", age.as_secs())
    } else {
        return "ok\n".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

impl AppState {
    fn interval(&self) -> Duration {
        self.config.borrow().interval
    }

    fn latest(&self) -> Option<Arc<Observation>> {
        self.observations.borrow().clone()
    }

    fn metrics(&self, observation: Option<&Observation>) -> AgentMetrics {
        let mut metrics = AgentMetrics {
            limit_raises: observation.map(limit_raises).unwrap_or_default(),
            collections: observation.map_or(0, |observation| observation.number),
            collection_seconds: observation.map(|observation| observation.duration.as_secs_f64()),
            collection_age_seconds: observation
                .map(|observation| observation.finished_at.elapsed().as_secs_f64()),
            kubernetes_requests: self.requests.counts(),
            webhook_requests: self.webhook_requests.counts(),
            guard: self.guard.metrics(),
            process: process::metrics(self.started),
            ..AgentMetrics::default()
        };
        self.refusals.fill(&mut metrics);
        metrics
    }
}

/// By sysctl: to what it was raised, if it was, and how often.
fn limit_raises(observation: &Observation) -> BTreeMap<String, (Option<u64>, u64)> {
    let last = |sysctl| {
        let mut raised = observation.limit_raises.iter().rev();
        raised.find(|raised| raised.sysctl == sysctl).map(|r| r.to)
    };
    let raises = observation.raise_counts.iter();
    raises
        .map(|(&sysctl, &times)| (sysctl.to_owned(), (last(sysctl), times)))
        .collect()
}
