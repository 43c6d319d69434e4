//! Posts each new, worse or resolved finding to a webhook, so that it reaches somebody's phone.
//!
//! ```text
//! Observation ─ EventTracker ─▶ Notice ─ NoticeQueue ─▶ body (Slack | JSON) ─ post ─▶ webhook
//! ```
//!
//! One request at a time, no more often than [`Timing::gap`], with everything that waits. What fails is tried again with back-off.
//! The URL is a secret: it is read from its file for each request, and no message has any part of it.

mod body;
mod post;
mod queue;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::RequestCounter;
use super::config::{Config, WebhookFormat};
use super::kube::{Backoff, EventTarget, EventTiming, EventTracker};
use super::observation::{Observation, ObservationReceiver, ShutdownReceiver};
use crate::ui::warn;
use post::{Failure, post};
use queue::{Notice, NoticeQueue};

/// Intervals and timeouts.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// When problems count as over, and when they are reported again.
    pub events: EventTiming,
    /// From one request to the next, at least. What happens meanwhile is sent together.
    pub gap: Duration,
    /// Timeout of a request.
    pub request_timeout: Duration,
    /// Wait after the first failure; it doubles with each further one.
    pub retry_base: Duration,
    /// The longest wait, unless the webhook asks for more.
    pub retry_max: Duration,
    /// For a last request at shutdown; the agent waits 0.6 s.
    pub shutdown_timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            events: EventTiming {
                settle_time: seconds(30),
                // A person needs no reminder twice an hour; Alertmanager's default is four hours, too.
                repeat_critical: seconds(4 * 3_600),
                repeat_warning: seconds(24 * 3_600),
            },
            gap: seconds(10),
            request_timeout: seconds(10),
            retry_base: seconds(1),
            retry_max: seconds(300),
            shutdown_timeout: Duration::from_millis(500),
        }
    }
}

/// The part of the agent that posts.
#[derive(Debug)]
pub struct Webhook {
    timing: Timing,
    url_file: PathBuf,
    format: WebhookFormat,
    node: String,
    tracker: EventTracker,
    queue: NoticeQueue,
    backoff: Backoff,
    sent: Option<Instant>,
    requests: Arc<RequestCounter>,
    /// The failure that was said last, until a request succeeds.
    said: Option<String>,
}

impl Webhook {
    /// The webhook of these settings; `None` where they name none.
    #[must_use]
    pub fn of(config: &Config, timing: Timing, requests: Arc<RequestCounter>) -> Option<Self> {
        Some(Self {
            timing,
            url_file: config.webhook_url_file.clone()?,
            format: config.webhook_format,
            node: config.node_name.clone().unwrap_or_default(),
            tracker: EventTracker::new(timing.events),
            queue: NoticeQueue::default(),
            backoff: Backoff::new(timing.retry_base),
            sent: None,
            requests,
            said: None,
        })
    }

    /// Posts until `stop`. It runs on the agent's single thread, so nothing in it may block.
    pub async fn run(&mut self, mut observations: ObservationReceiver, mut stop: ShutdownReceiver) {
        // A file that is missing or wrong is said at once, not when it is needed at night.
        if let Err(failure) = post::url(&self.url_file) {
            self.say(&failure);
        }
        loop {
            let due = self.due();
            let wait = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stop.changed() => break,
                changed = observations.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let newest = observations.borrow_and_update().clone();
                    if let Some(observation) = newest {
                        self.take(&observation);
                    }
                }
                () = wait => {
                    let mut stopping = stop.clone();
                    tokio::select! {
                        _ = stopping.changed() => break,
                        () = self.send() => {}
                    }
                }
            }
        }
        if !self.queue.is_empty() && self.backoff.not_before().is_none() {
            let _ = tokio::time::timeout(self.timing.shutdown_timeout, self.send()).await;
        }
    }

    fn take(&mut self, observation: &Observation) {
        let at = Timestamp::now();
        let specs = self.tracker.update(observation).into_iter();
        // What a pod holds is in the node's own notice.
        let of_node = specs.filter(|spec| spec.object == EventTarget::Node);
        of_node.for_each(|spec| self.queue.push(Notice { spec, at }));
    }

    /// When to send next; `None` where nothing waits.
    fn due(&self) -> Option<Instant> {
        if self.queue.is_empty() {
            return None;
        }
        let gap = self.sent.map(|sent| sent + self.timing.gap);
        let now = Instant::now();
        Some(gap.max(self.backoff.not_before()).unwrap_or(now))
    }

    async fn send(&mut self) {
        let (notices, lost) = self.queue.batch();
        let notices = body::fitting(self.format, &self.node, &notices);
        let count = notices.len();
        let body = body::body(self.format, &self.node, notices, lost);
        self.sent = Some(Instant::now());
        let done = post(&self.url_file, body, self.timing.request_timeout).await;
        self.requests.count(
            done.as_ref()
                .map_or_else(|failure| failure.result, |()| "ok"),
        );
        match done {
            Ok(()) => {
                self.queue.delivered(count);
                self.backoff.succeeded();
                if self.said.take().is_some() {
                    warn("the webhook accepts notices again");
                }
            }
            Err(failure) => {
                if failure.is_final {
                    // What it does not take now it does not take later, and what comes after must not wait for it.
                    self.queue.discard(count);
                }
                let (now, max) = (Instant::now(), self.timing.retry_max);
                self.backoff.failed(now, max, failure.retry_after);
                self.say(&failure);
            }
        }
    }

    /// Says a failure once, until it is another.
    fn say(&mut self, failure: &Failure) {
        let text = failure.to_string();
        if self.said.as_ref() != Some(&text) {
            warn(&format!("cannot post to the webhook: {text}"));
            self.said = Some(text);
        }
    }
}
