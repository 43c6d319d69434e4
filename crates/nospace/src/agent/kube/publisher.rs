//! Keeps the API server told: one request at a time, the conditions first.

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

/// How fast things go.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Conditions that have not changed are posted again after this, give or take a tenth: the kubelet's own pace (`nodeStatusReportFrequency`).
    pub heartbeat: Duration,
    /// The figures of a problem that lasts are posted no more often than this.
    pub message_interval: Duration,
    /// When troubles are over, and when they are told again.
    pub events: EventTiming,
    /// So many events at once,
    pub event_burst: u32,
    /// and then one in this time.
    pub event_interval: Duration,
    /// No request takes longer.
    pub request_timeout: Duration,
    /// About so long is waited after a first failure; twice as long after each other.
    pub retry_base: Duration,
    /// But no longer than this, where the server is away or overloaded;
    pub retry_max: Duration,
    /// nor than this, where it says no.
    pub rejected_retry_max: Duration,
    /// What is still to be told at the end has so long; the agent waits 0.6 s for it.
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

/// What is to be sent next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestKind {
    Read,
    Apply,
    Event,
}

/// How a request ended well.
enum Outcome {
    Conditions(PreviousConditions),
    Applied,
    /// The event is on the server, with this count.
    EventCount(i32),
    /// There was nothing to send.
    Nothing,
}

/// The post office of one node.
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
    /// What the node said before was read.
    read: bool,
    /// When the conditions are to be applied; `None` before the first look.
    apply: Option<Instant>,
    applied: Option<Instant>,
    conditions: Backoff,
    events: Backoff,
    logged: Option<String>,
}

impl<'a> Publisher<'a> {
    /// For `node`; nothing is sent yet.
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

    /// Until `stop`.
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
                    self.look(&mut observations);
                }
                () = until(next.map(|(_, at)| at)) => {
                    let Some((kind, _)) = next else { continue };
                    self.request(kind, &mut stop).await;
                }
            }
        }
        self.drain(&mut observations).await;
    }

    /// Sends, and waits for the answer; not for long, once the agent is to end.
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

    /// What is new of a look.
    fn look(&mut self, observations: &mut ObservationReceiver) {
        let Some(observation) = observations.borrow_and_update().clone() else {
            return;
        };
        let now = Timestamp::now();
        let change =
            self.condition_tracker
                .take(assess(&observation.report), observation.finished_at, now);
        let soonest = match change {
            Change::Status => Some(Instant::now()),
            Change::Text => self.applied.map(|at| at + self.timing.message_interval),
            Change::None => None,
        };
        self.apply = self.apply.into_iter().chain(soonest).min();
        for spec in self.event_tracker.take(&observation) {
            self.event_queue.push(spec, now);
        }
    }

    /// What is to be sent next, and when; of what is due the conditions come first.
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

    /// What an answer means for what is to be sent.
    fn handle(&mut self, kind: RequestKind, answer: Result<Outcome, Failure>) {
        let now = Instant::now();
        let failure = match answer {
            Ok(Outcome::Conditions(previous)) => {
                self.condition_tracker.remember(&previous);
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
                // An agent before this one made it.
                return self.event_queue.update(Some(RemoteEvent::UnknownCount));
            }
            Err(Failure::Rejected { code: 404, .. })
                if kind == RequestKind::Event && self.remote().is_some() =>
            {
                // The server forgets events after an hour.
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
            ui::warn("the API server takes what it is told again");
        }
    }

    fn failed(&mut self, kind: RequestKind, failure: &Failure, now: Instant) {
        let timing = self.timing;
        let (most, wait, all) = match failure {
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
            lane.failed(now, most, wait);
        }
        if kind == RequestKind::Event {
            self.event_failed(failure);
        }
        // Certificates and tokens may have been renewed; a connection may lead to a server that is no more.
        if matches!(
            failure,
            Failure::Timeout | Failure::Unreachable(_) | Failure::Rejected { code: 401, .. }
        ) {
            self.server = None;
        }
        self.log(kind, failure);
    }

    /// An event that is not taken, because its namespace goes or the server finds fault with it, does not hold up the others.
    fn event_failed(&mut self, failure: &Failure) {
        match failure {
            Failure::Rejected {
                code: 401 | 403 | 408 | 409 | 429 | 500..,
                ..
            } => self.event_queue.defer(Timestamp::now()),
            Failure::Rejected { .. } => self.event_queue.give_up(),
            _ => {}
        }
    }

    /// Each trouble with the server once, not each time.
    fn log(&mut self, kind: RequestKind, failure: &Failure) {
        let what = match kind {
            RequestKind::Event => "event",
            RequestKind::Read | RequestKind::Apply => "conditions",
        };
        let text = match failure {
            Failure::Rejected { code: 404, .. } if kind != RequestKind::Event => format!(
                "the API server knows no node {}: give the name that `kubectl get nodes` shows with --node-name or NODE_NAME; \
                 tried again in a while",
                self.node
            ),
            Failure::Rejected {
                code: 403, message, ..
            } => format!(
                "the API server does not let this agent post {what}: {message}; see RBAC in docs/agent-kubernetes.md"
            ),
            Failure::Rejected { message, .. } => {
                format!("the API server did not take {what}: {message}")
            }
            Failure::Timeout => format!(
                "the API server did not answer in {} s; tried again until it does",
                self.timing.request_timeout.as_secs()
            ),
            Failure::Unreachable(why) => {
                format!("the API server cannot be reached: {why}; tried again until it can")
            }
        };
        // A server that goes resets connections first and refuses them then: one trouble.
        let trouble = match failure {
            Failure::Unreachable(_) => "away".to_owned(),
            _ => text.clone(),
        };
        if self.logged.as_ref() != Some(&trouble) {
            ui::warn(&text);
            self.logged = Some(trouble);
        }
    }

    /// At the end whatever is due is told, if that goes quickly.
    async fn drain(mut self, observations: &mut ObservationReceiver) {
        if observations.has_changed().unwrap_or(false) {
            self.look(observations);
        }
        // A server that does not answer now will not in a moment.
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

/// Resolves once the agent ends, or whoever would say so has gone.
async fn stopped(stop: &mut ShutdownReceiver) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
