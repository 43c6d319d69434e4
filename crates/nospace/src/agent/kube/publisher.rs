//! Publishes conditions and events to the API server: one request at a time, conditions first.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::access::Access;
use super::api::{ApiServer, Failure};
use super::backoff::{Backoff, jittered};
use super::condition_tracker::{Change, ConditionTracker, PreviousConditions};
use super::conditions::assess;
use super::event_queue::{EventQueue, RemoteEvent, TokenBucket};
use super::event_tracker::{EventTiming, EventTracker};
use crate::agent::observation::{ObservationReceiver, ShutdownReceiver};
use crate::agent::request_counter::RequestCounter;
use crate::ui;

/// Intervals, timeouts and rates.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Unchanged conditions are published again after this, give or take a tenth: as the kubelet does (`nodeStatusReportFrequency`).
    pub heartbeat: Duration,
    /// The message of a lasting problem is updated no more often than this.
    pub message_interval: Duration,
    /// When problems count as over, and when they are reported again.
    pub events: EventTiming,
    /// Events published at once; after that,
    pub event_burst: u32,
    /// one per this interval.
    pub event_interval: Duration,
    /// Timeout of a request.
    pub request_timeout: Duration,
    /// Wait after the first failure; it doubles with each further one.
    pub retry_base: Duration,
    /// The longest wait while the server is unreachable or overloaded.
    pub retry_max: Duration,
    /// The longest wait while the server rejects requests.
    pub rejected_retry_max: Duration,
    /// For the last requests at shutdown; the agent waits 0.6 s.
    pub shutdown_timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            heartbeat: seconds(300),
            message_interval: seconds(60),
            events: EventTiming {
                settle_time: seconds(30),
                repeat_critical: seconds(30 * 60),
                repeat_warning: seconds(6 * 3_600),
            },
            event_burst: 10,
            event_interval: seconds(30),
            request_timeout: seconds(10),
            retry_base: seconds(1),
            retry_max: seconds(30),
            rejected_retry_max: seconds(60),
            shutdown_timeout: Duration::from_millis(500),
        }
    }
}

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestKind {
    Read,
    Apply,
    Event,
}

/// A successful response.
enum Outcome {
    Conditions(PreviousConditions),
    Applied,
    /// How often the event on the server has happened.
    EventCount(i32),
    /// There was nothing to send.
    Nothing,
}

/// Publishes for one node.
pub struct Publisher<'a> {
    timing: Timing,
    node: String,
    access: Access,
    requests: &'a RequestCounter,
    server: Option<ApiServer>,
    condition_tracker: ConditionTracker,
    event_tracker: EventTracker,
    event_queue: EventQueue,
    bucket: TokenBucket,
    /// Whether the node's earlier conditions were read.
    read: bool,
    /// When to apply the conditions next; `None` before the first observation.
    apply: Option<Instant>,
    applied: Option<Instant>,
    conditions: Backoff,
    events: Backoff,
    logged: Option<String>,
}

impl<'a> Publisher<'a> {
    /// A publisher for `node`; nothing is sent yet.
    #[must_use]
    pub fn new(timing: Timing, node: String, access: Access, requests: &'a RequestCounter) -> Self {
        Self {
            timing,
            node,
            access,
            requests,
            server: None,
            condition_tracker: ConditionTracker::new(timing.events.settle_time),
            event_tracker: EventTracker::new(timing.events),
            event_queue: EventQueue::default(),
            bucket: TokenBucket::new(timing.event_burst, timing.event_interval, Instant::now()),
            read: false,
            apply: None,
            applied: None,
            conditions: Backoff::new(timing.retry_base),
            events: Backoff::new(timing.retry_base),
            logged: None,
        }
    }

    /// Publishes until `stop`.
    pub async fn run(mut self, mut observations: ObservationReceiver, mut stop: ShutdownReceiver) {
        loop {
            let next = self.next();
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                changed = observations.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.observe(&mut observations);
                }
                () = until(next.map(|(_, at)| at)) => {
                    let Some((kind, _)) = next else { continue };
                    self.request(kind, &mut stop).await;
                }
            }
        }
        self.drain(&mut observations).await;
    }

    /// Sends a request and waits for the response; not for long once the agent shuts down.
    async fn request(&mut self, kind: RequestKind, stop: &mut ShutdownReceiver) {
        let shutdown_timeout = self.timing.shutdown_timeout / 2;
        let answer = {
            let hurried = async {
                stopped(stop).await;
                tokio::time::sleep(shutdown_timeout).await;
            };
            tokio::select! {
                answer = self.send(kind) => answer,
                () = hurried => Err(Failure::Timeout),
            }
        };
        self.handle(kind, answer);
    }

    /// Takes the newest observation.
    fn observe(&mut self, observations: &mut ObservationReceiver) {
        let Some(observation) = observations.borrow_and_update().clone() else {
            return;
        };
        let now = Timestamp::now();
        let change = self.condition_tracker.update(
            assess(&observation.report, observation.guard.as_ref()),
            observation.finished_at,
            now,
        );
        let soonest = match change {
            Change::Status => Some(Instant::now()),
            Change::Message => self.applied.map(|at| at + self.timing.message_interval),
            Change::None => None,
        };
        self.apply = self.apply.into_iter().chain(soonest).min();
        for spec in self.event_tracker.update(&observation) {
            self.event_queue.push(spec, now);
        }
    }

    /// The next request, and when; of several that are due, the conditions.
    fn next(&self) -> Option<(RequestKind, Instant)> {
        let now = Instant::now();
        let after = |backoff: &Backoff, at: Instant| {
            let at = backoff.not_before().map_or(at, |until| at.max(until));
            at.max(now)
        };
        let conditions = self.apply.map(|at| {
            let kind = if self.read {
                RequestKind::Apply
            } else {
                RequestKind::Read
            };
            (kind, after(&self.conditions, at))
        });
        let waits = !self.event_queue.is_empty();
        let events = waits.then(|| (RequestKind::Event, after(&self.events, self.bucket.ready())));
        let both = conditions.into_iter().chain(events);
        both.min_by_key(|(_, at)| *at)
    }

    async fn send(&mut self, kind: RequestKind) -> Result<Outcome, Failure> {
        let server = match &self.server {
            Some(server) => server,
            None => {
                let server = self.connect().await;
                let server = server.map_err(|error| Failure::Unreachable(format!("{error:#}")))?;
                self.server.insert(server)
            }
        };
        let answer = match kind {
            RequestKind::Read => server.conditions().await.map(Outcome::Conditions),
            RequestKind::Apply => {
                let conditions = self.condition_tracker.conditions();
                let applied = server.apply(conditions, Timestamp::now()).await;
                applied.map(|()| Outcome::Applied)
            }
            RequestKind::Event => match self.event_queue.next() {
                Some((pending, None)) => {
                    let created = server.create_event(pending).await;
                    created.map(|()| Outcome::EventCount(pending.times))
                }
                Some((pending, Some(RemoteEvent::UnknownCount))) => {
                    server.event_count(pending).await.map(Outcome::EventCount)
                }
                Some((pending, Some(RemoteEvent::Count(count)))) => {
                    let added = server.add_to_event(pending, count).await;
                    added.map(Outcome::EventCount)
                }
                None => return Ok(Outcome::Nothing),
            },
        };
        let result = answer.as_ref().map_or_else(Failure::result, |_| "ok");
        self.requests.count(result);
        answer
    }

    async fn connect(&self) -> anyhow::Result<ApiServer> {
        let config = self.access.config().await?;
        Ok(ApiServer::new(
            config,
            self.node.clone(),
            self.timing.request_timeout,
        )?)
    }

    /// Updates what is to be sent by how a request ended.
    fn handle(&mut self, kind: RequestKind, answer: Result<Outcome, Failure>) {
        let now = Instant::now();
        let failure = match answer {
            Ok(Outcome::Conditions(previous)) => {
                self.condition_tracker.restore(&previous);
                self.read = true;
                return self.succeeded(kind);
            }
            Ok(Outcome::Applied) => {
                self.applied = Some(now);
                self.apply = Some(
                    now + jittered(self.timing.heartbeat / 5) + self.timing.heartbeat / 20 * 17,
                );
                return self.succeeded(kind);
            }
            Ok(Outcome::EventCount(count)) => {
                let count = RemoteEvent::Count(count);
                match self.remote() {
                    Some(RemoteEvent::UnknownCount) => self.event_queue.update(Some(count)),
                    _ => {
                        self.bucket.take(now);
                        self.event_queue.done(count);
                    }
                }
                return self.succeeded(kind);
            }
            Ok(Outcome::Nothing) => return,
            Err(Failure::Rejected { code: 409, .. })
                if kind == RequestKind::Event && self.remote().is_none() =>
            {
                // An earlier agent created it.
                return self.event_queue.update(Some(RemoteEvent::UnknownCount));
            }
            Err(Failure::Rejected { code: 404, .. })
                if kind == RequestKind::Event && self.remote().is_some() =>
            {
                // The server deletes events after an hour (--event-ttl).
                return self.event_queue.update(None);
            }
            Err(failure) => failure,
        };
        self.failed(kind, &failure, now);
    }

    fn remote(&self) -> Option<RemoteEvent> {
        self.event_queue.next()?.1
    }

    fn succeeded(&mut self, kind: RequestKind) {
        match kind {
            RequestKind::Event => self.events.succeeded(),
            RequestKind::Read | RequestKind::Apply => self.conditions.succeeded(),
        }
        if self.logged.take().is_some() {
            ui::warn("the API server accepts updates again");
        }
    }

    fn failed(&mut self, kind: RequestKind, failure: &Failure, now: Instant) {
        let timing = self.timing;
        let (max, wait, all) = match failure {
            Failure::Rejected { code: 409, .. } => (timing.retry_max, None, false),
            Failure::Rejected {
                code: 429 | 500..,
                retry_after,
                ..
            } => (timing.retry_max, *retry_after, true),
            Failure::Rejected { retry_after, .. } => {
                (timing.rejected_retry_max, *retry_after, false)
            }
            Failure::Timeout | Failure::Unreachable(_) => (timing.retry_max, None, true),
        };
        let lanes = [
            (&mut self.conditions, all || kind != RequestKind::Event),
            (&mut self.events, all || kind == RequestKind::Event),
        ];
        for (lane, _) in lanes.into_iter().filter(|(_, concerned)| *concerned) {
            lane.failed(now, max, wait);
        }
        if kind == RequestKind::Event {
            self.event_failed(failure);
        }
        // Certificates and tokens may have been rotated; the connection may lead to a server that is gone.
        if matches!(
            failure,
            Failure::Timeout | Failure::Unreachable(_) | Failure::Rejected { code: 401, .. }
        ) {
            self.server = None;
        }
        self.log(kind, failure);
    }

    /// An event that is rejected, because its namespace terminates or it is invalid, does not hold up the others.
    fn event_failed(&mut self, failure: &Failure) {
        match failure {
            Failure::Rejected {
                code: 401 | 403 | 408 | 409 | 429 | 500..,
                ..
            } => self.event_queue.defer(Timestamp::now()),
            Failure::Rejected { .. } => self.event_queue.discard(),
            _ => {}
        }
    }

    /// Logs each problem with the server once.
    fn log(&mut self, kind: RequestKind, failure: &Failure) {
        let what = match kind {
            RequestKind::Event => "event",
            RequestKind::Read | RequestKind::Apply => "conditions",
        };
        let text = match failure {
            Failure::Rejected { code: 404, .. } if kind != RequestKind::Event => format!(
                "no node {} in this cluster: set --node-name or NODE_NAME to the name that `kubectl get nodes` shows (retrying)",
                self.node
            ),
            Failure::Rejected {
                code: 403, message, ..
            } => format!(
                "not allowed to publish {what}: {message}; see RBAC in docs/agent-kubernetes.md"
            ),
            Failure::Rejected { message, .. } => {
                format!("the API server rejected the {what}: {message}")
            }
            Failure::Timeout => format!(
                "the API server did not answer within {} s (retrying)",
                self.timing.request_timeout.as_secs()
            ),
            Failure::Unreachable(why) => {
                format!("cannot reach the API server: {why} (retrying)")
            }
        };
        // A server that shuts down resets connections first and refuses them then: one problem.
        let problem = match failure {
            Failure::Unreachable(_) => "unreachable".to_owned(),
            _ => text.clone(),
        };
        if self.logged.as_ref() != Some(&problem) {
            ui::warn(&text);
            self.logged = Some(problem);
        }
    }

    /// Sends what is due at shutdown, if that goes quickly.
    async fn drain(mut self, observations: &mut ObservationReceiver) {
        if observations.has_changed().unwrap_or(false) {
            self.observe(observations);
        }
        // A server that has not answered so far will not now.
        if self.server.is_none() {
            return;
        }
        self.conditions.skip_wait();
        self.events.skip_wait();
        let until = Instant::now() + self.timing.shutdown_timeout / 2;
        while let Some((kind, at)) = self.next() {
            let now = Instant::now();
            if at > now || now >= until {
                break;
            }
            let Ok(answer) = tokio::time::timeout(until - now, self.send(kind)).await else {
                break;
            };
            self.handle(kind, answer);
        }
    }
}

/// Resolves when the agent shuts down, or the sender is dropped.
async fn stopped(stop: &mut ShutdownReceiver) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
