use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    AGE, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use nospace_core::metrics::{self, AgentFigures, Dialect, Exposition};

use super::rendered::{Page, Rendered};
use super::wants;
use crate::agent::refusals::Refusals;
use crate::agent::{Config, Content, News, Packing, Piece, Requests, Seen, Wishes, own, page};

/// Metrics change between looks, too: refusals, and what the agent costs.
const FRESH: Duration = Duration::from_millis(250);
/// What only a look changes.
const WHOLE_LOOK: Duration = Duration::MAX;
/// A look that is older than so many intervals, and than this, is not fresh.
const INTERVALS: u32 = 3;
const STALE: Duration = Duration::from_secs(30);

type Answer = Response<Full<Bytes>>;

/// All that is served.
pub struct Site {
    /// What the agent goes by.
    pub config: Arc<Config>,
    /// The newest look.
    pub news: News,
    /// Refused calls.
    pub refusals: Arc<Refusals>,
    /// Requests to the API server.
    pub requests: Arc<Requests>,
    /// What is to be ready with the next look.
    pub wishes: Arc<Wishes>,
    /// When the agent started.
    pub started: jiff::Timestamp,
    /// Bodies made for others.
    pub rendered: Mutex<Rendered>,
}

impl Site {
    /// Answers a request. Never waits for anything.
    pub fn answer<B>(&self, request: &Request<B>) -> Answer {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
            answer
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let headers = request.headers();
        match request.uri().path() {
            "/metrics" => self.metrics(headers),
            "/" => self.html(headers),
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => self.ready(),
            "/api/v1/report" => self.report(headers),
            _ => text(
                StatusCode::NOT_FOUND,
                "there are /, /metrics, /api/v1/report, /healthz and /readyz\n",
            ),
        }
    }

    fn seen(&self) -> Option<Arc<Seen>> {
        self.news.borrow().clone()
    }

    fn metrics(&self, headers: &HeaderMap) -> Answer {
        let dialect = wants::dialect(headers);
        let page = match dialect {
            Dialect::Prometheus => Page::Metrics,
            Dialect::OpenMetrics => Page::OpenMetrics,
        };
        let seen = self.seen();
        let make = |packing| {
            let mut out = Exposition::new(dialect);
            metrics::agent(&self.figures(seen.as_deref()), &mut out);
            let own = Piece::pack(out.finish().into_bytes(), packing);
            let look = seen.as_ref().map(|seen| {
                let content = Content::Metrics(dialect);
                seen.piece(content, packing, self.config.top, &self.wishes)
            });
            let pieces: Vec<_> = look.into_iter().chain([&own]).collect();
            Piece::join(&pieces, packing)
        };
        let number = seen.as_ref().map_or(0, |seen| seen.number);
        self.page(headers, number, page, dialect.content_type(), FRESH, make)
    }

    fn figures(&self, seen: Option<&Seen>) -> AgentFigures {
        let mut figures = AgentFigures {
            raised: seen.map(raised).unwrap_or_default(),
            looks: seen.map_or(0, |seen| seen.number),
            look_seconds: seen.map(|seen| seen.took.as_secs_f64()),
            look_age_seconds: seen.map(|seen| seen.at.elapsed().as_secs_f64()),
            kubernetes_requests: self.requests.counted(),
            process: own::figures(self.started),
            ..AgentFigures::default()
        };
        self.refusals.tell(&mut figures);
        figures
    }

    fn report(&self, headers: &HeaderMap) -> Answer {
        let Some(seen) = self.seen() else {
            return text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the first look is not done\n",
            );
        };
        let make = |packing| {
            let piece = seen.piece(Content::Report, packing, self.config.top, &self.wishes);
            Piece::join(&[piece], packing)
        };
        let kind = "application/json";
        let mut answer = self.page(headers, seen.number, Page::Report, kind, WHOLE_LOOK, make);
        let age = seen.at.elapsed().as_secs();
        answer.headers_mut().insert(AGE, age.into());
        answer
    }

    fn html(&self, headers: &HeaderMap) -> Answer {
        let Some(seen) = self.seen() else {
            return text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the first look is not done: load this page again\n",
            );
        };
        let make = |packing| {
            let page = page::draw(&seen, &self.figures(Some(&seen)), self.config.interval);
            Piece::join(&[&Piece::pack(page, packing)], packing)
        };
        let kind = "text/html; charset=utf-8";
        let mut answer = self.page(headers, seen.number, Page::Html, kind, FRESH, make);
        let policy = HeaderValue::from_static(page::POLICY);
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        answer
    }

    fn ready(&self) -> Answer {
        let Some(seen) = self.seen() else {
            return text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the first look is not done\n",
            );
        };
        if self.refusals.starting() {
            return text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the trace is not attached\n",
            );
        }
        let age = seen.at.elapsed();
        if age > STALE.max(self.config.interval * INTERVALS) {
            let why = format!("the last look was {} s ago\n", age.as_secs());
            return text(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        text(StatusCode::OK, "ok\n")
    }

    fn page(
        &self,
        headers: &HeaderMap,
        look: u64,
        page: Page,
        kind: &'static str,
        fresh: Duration,
        make: impl FnOnce(Packing) -> Bytes,
    ) -> Answer {
        let packing = wants::packing(headers);
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        let body = rendered.body(look, (page, packing), fresh, || make(packing));
        drop(rendered);
        let mut answer = Response::new(Full::new(body));
        describe(answer.headers_mut(), kind, packing);
        answer
    }
}

/// By sysctl: to what it was raised, if it was, and how often.
fn raised(seen: &Seen) -> BTreeMap<String, (Option<u64>, u64)> {
    let last = |sysctl| {
        let mut raised = seen.raised.iter().rev();
        raised.find(|raised| raised.sysctl == sysctl).map(|r| r.to)
    };
    let raises = seen.raises.iter();
    raises
        .map(|(&sysctl, &times)| (sysctl.to_owned(), (last(sysctl), times)))
        .collect()
}

fn describe(headers: &mut HeaderMap, kind: &'static str, packing: Packing) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(name) = packing.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    describe(
        answer.headers_mut(),
        "text/plain; charset=utf-8",
        Packing::Plain,
    );
    answer
}
