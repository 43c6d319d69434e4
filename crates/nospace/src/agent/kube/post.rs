//! Keeps the API server told: one request at a time, the conditions first.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::access::Access;
use super::api::{ApiServer, Failure};
use super::backoff::{Backoff, jittered};
use super::conditions::wanted;
use super::outbox::{Bucket, Outbox, Posted};
use super::standing::{Before, Change, Standing};
use super::troubles::{Patience, Troubles};
use crate::agent::{News, Requests, Stop};
use crate::ui;

/// How fast things go.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Conditions that have not changed are posted again after this, give or take a tenth: the kubelet's own pace (`nodeStatusReportFrequency`).
    pub heartbeat: Duration,
    /// The figures of a problem that lasts are posted no more often than this.
    pub text: Duration,
    /// When troubles are over, and when they are told again.
    pub patience: Patience,
    /// So many events at once,
    pub events: u32,
    /// and then one in this time.
    pub every: Duration,
    /// No request takes longer.
    pub request: Duration,
    /// About so long is waited after a first failure; twice as long after each other.
    pub retry: Duration,
    /// But no longer than this, where the server is away or overloaded;
    pub retry_most: Duration,
    /// nor than this, where it says no.
    pub refused_most: Duration,
    /// What is still to be told at the end has so long; the agent waits 0.6 s for it.
    pub farewell: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            heartbeat: seconds(300),
            text: seconds(60),
            patience: Patience {
                calm: seconds(30),
                critical: seconds(30 * 60),
                warning: seconds(6 * 3_600),
            },
            events: 10,
            every: seconds(30),
            request: seconds(10),
            retry: seconds(1),
            retry_most: seconds(30),
            refused_most: seconds(60),
            farewell: Duration::from_millis(500),
        }
    }
}

/// What is to be sent next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Read,
    Apply,
    Event,
}

/// How a request ended well.
enum Done {
    Read(Before),
    Applied,
    /// The event is on the server, with this count.
    Counted(i32),
    /// There was nothing to send.
    Nothing,
}

/// The post office of one node.
pub struct Post<'a> {
    pace: Pace,
    node: String,
    access: Access,
    requests: &'a Requests,
    server: Option<ApiServer>,
    standing: Standing,
    troubles: Troubles,
    outbox: Outbox,
    bucket: Bucket,
    /// What the node said before was read.
    read: bool,
    /// When the conditions are to be applied; `None` before the first look.
    apply: Option<Instant>,
    applied: Option<Instant>,
    conditions: Backoff,
    events: Backoff,
    said: Option<String>,
}

impl<'a> Post<'a> {
    /// For `node`; nothing is sent yet.
    #[must_use]
    pub fn new(pace: Pace, node: String, access: Access, requests: &'a Requests) -> Self {
        Self {
            pace,
            node,
            access,
            requests,
            server: None,
            standing: Standing::new(pace.patience.calm),
            troubles: Troubles::new(pace.patience),
            outbox: Outbox::default(),
            bucket: Bucket::new(pace.events, pace.every, Instant::now()),
            read: false,
            apply: None,
            applied: None,
            conditions: Backoff::new(pace.retry),
            events: Backoff::new(pace.retry),
            said: None,
        }
    }

    /// Until `stop`.
    pub async fn run(mut self, mut news: News, mut stop: Stop) {
        loop {
            let next = self.next();
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                changed = news.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.look(&mut news);
                }
                () = until(next.map(|(_, at)| at)) => {
                    let Some((turn, _)) = next else { continue };
                    self.turn(turn, &mut stop).await;
                }
            }
        }
        self.farewell(&mut news).await;
    }

    /// Sends, and waits for the answer; not for long, once the agent is to end.
    async fn turn(&mut self, turn: Turn, stop: &mut Stop) {
        let farewell = self.pace.farewell / 2;
        let answer = {
            let hurried = async {
                stopped(stop).await;
                tokio::time::sleep(farewell).await;
            };
            tokio::select! {
                answer = self.send(turn) => answer,
                () = hurried => Err(Failure::Timeout),
            }
        };
        self.settle(turn, answer);
    }

    /// What is new of a look.
    fn look(&mut self, news: &mut News) {
        let Some(seen) = news.borrow_and_update().clone() else {
            return;
        };
        let now = Timestamp::now();
        let change = self.standing.take(wanted(&seen.report), seen.at, now);
        let soonest = match change {
            Change::Status => Some(Instant::now()),
            Change::Text => self.applied.map(|at| at + self.pace.text),
            Change::None => None,
        };
        self.apply = self.apply.into_iter().chain(soonest).min();
        for note in self.troubles.take(&seen) {
            self.outbox.put(note, now);
        }
    }

    /// What is to be sent next, and when; of what is due the conditions come first.
    fn next(&self) -> Option<(Turn, Instant)> {
        let now = Instant::now();
        let after = |backoff: &Backoff, at: Instant| {
            let at = backoff.not_before().map_or(at, |until| at.max(until));
            at.max(now)
        };
        let conditions = self.apply.map(|at| {
            let turn = if self.read { Turn::Apply } else { Turn::Read };
            (turn, after(&self.conditions, at))
        });
        let waits = !self.outbox.is_empty();
        let events = waits.then(|| (Turn::Event, after(&self.events, self.bucket.ready())));
        let both = conditions.into_iter().chain(events);
        both.min_by_key(|(_, at)| *at)
    }

    async fn send(&mut self, turn: Turn) -> Result<Done, Failure> {
        let server = match &self.server {
            Some(server) => server,
            None => {
                let server = self.connect().await;
                let server = server.map_err(|error| Failure::Unreachable(format!("{error:#}")))?;
                self.server.insert(server)
            }
        };
        let answer = match turn {
            Turn::Read => server.conditions().await.map(Done::Read),
            Turn::Apply => {
                let conditions = self.standing.conditions();
                let applied = server.apply(conditions, Timestamp::now()).await;
                applied.map(|()| Done::Applied)
            }
            Turn::Event => match self.outbox.next() {
                Some((waiting, None)) => {
                    let created = server.create_event(waiting).await;
                    created.map(|()| Done::Counted(waiting.times))
                }
                Some((waiting, Some(Posted::Found))) => {
                    server.event_count(waiting).await.map(Done::Counted)
                }
                Some((waiting, Some(Posted::Counted(count)))) => {
                    let added = server.add_to_event(waiting, count).await;
                    added.map(Done::Counted)
                }
                None => return Ok(Done::Nothing),
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
            self.pace.request,
        )?)
    }

    /// What an answer means for what is to be sent.
    fn settle(&mut self, turn: Turn, answer: Result<Done, Failure>) {
        let now = Instant::now();
        let failure = match answer {
            Ok(Done::Read(before)) => {
                self.standing.remember(&before);
                self.read = true;
                return self.worked(turn);
            }
            Ok(Done::Applied) => {
                self.applied = Some(now);
                self.apply =
                    Some(now + jittered(self.pace.heartbeat / 5) + self.pace.heartbeat / 20 * 17);
                return self.worked(turn);
            }
            Ok(Done::Counted(count)) => {
                let count = Posted::Counted(count);
                match self.posted() {
                    Some(Posted::Found) => self.outbox.learn(Some(count)),
                    _ => {
                        self.bucket.take(now);
                        self.outbox.done(count);
                    }
                }
                return self.worked(turn);
            }
            Ok(Done::Nothing) => return,
            Err(Failure::Rejected { code: 409, .. })
                if turn == Turn::Event && self.posted().is_none() =>
            {
                // An agent before this one made it.
                return self.outbox.learn(Some(Posted::Found));
            }
            Err(Failure::Rejected { code: 404, .. })
                if turn == Turn::Event && self.posted().is_some() =>
            {
                // The server forgets events after an hour.
                return self.outbox.learn(None);
            }
            Err(failure) => failure,
        };
        self.failed(turn, &failure, now);
    }

    fn posted(&self) -> Option<Posted> {
        self.outbox.next()?.1
    }

    fn worked(&mut self, turn: Turn) {
        match turn {
            Turn::Event => self.events.worked(),
            Turn::Read | Turn::Apply => self.conditions.worked(),
        }
        if self.said.take().is_some() {
            ui::warn("the API server takes what it is told again");
        }
    }

    fn failed(&mut self, turn: Turn, failure: &Failure, now: Instant) {
        let pace = self.pace;
        let (most, wait, all) = match failure {
            Failure::Rejected { code: 409, .. } => (pace.retry_most, None, false),
            Failure::Rejected {
                code: 429 | 500..,
                retry_after,
                ..
            } => (pace.retry_most, *retry_after, true),
            Failure::Rejected { retry_after, .. } => (pace.refused_most, *retry_after, false),
            Failure::Timeout | Failure::Unreachable(_) => (pace.retry_most, None, true),
        };
        let lanes = [
            (&mut self.conditions, all || turn != Turn::Event),
            (&mut self.events, all || turn == Turn::Event),
        ];
        for (lane, _) in lanes.into_iter().filter(|(_, concerned)| *concerned) {
            lane.failed(now, most, wait);
        }
        if turn == Turn::Event {
            self.event_failed(failure);
        }
        // Certificates and tokens may have been renewed; a connection may lead to a server that is no more.
        if matches!(
            failure,
            Failure::Timeout | Failure::Unreachable(_) | Failure::Rejected { code: 401, .. }
        ) {
            self.server = None;
        }
        self.say(turn, failure);
    }

    /// An event that is not taken, because its namespace goes or the server finds fault with it, does not hold up the others.
    fn event_failed(&mut self, failure: &Failure) {
        match failure {
            Failure::Rejected {
                code: 401 | 403 | 408 | 409 | 429 | 500..,
                ..
            } => self.outbox.make_way(Timestamp::now()),
            Failure::Rejected { .. } => self.outbox.give_up(),
            _ => {}
        }
    }

    /// Each trouble with the server once, not each time.
    fn say(&mut self, turn: Turn, failure: &Failure) {
        let what = match turn {
            Turn::Event => "event",
            Turn::Read | Turn::Apply => "conditions",
        };
        let text = match failure {
            Failure::Rejected { code: 404, .. } if turn != Turn::Event => format!(
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
                self.pace.request.as_secs()
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
        if self.said.as_ref() != Some(&trouble) {
            ui::warn(&text);
            self.said = Some(trouble);
        }
    }

    /// At the end whatever is due is told, if that goes quickly.
    async fn farewell(mut self, news: &mut News) {
        if news.has_changed().unwrap_or(false) {
            self.look(news);
        }
        // A server that does not answer now will not in a moment.
        if self.server.is_none() {
            return;
        }
        self.conditions.hurry();
        self.events.hurry();
        let until = Instant::now() + self.pace.farewell / 2;
        while let Some((turn, at)) = self.next() {
            let now = Instant::now();
            if at > now || now >= until {
                break;
            }
            let Ok(answer) = tokio::time::timeout(until - now, self.send(turn)).await else {
                break;
            };
            self.settle(turn, answer);
        }
    }
}

/// Resolves once the agent ends, or whoever would say so has gone.
async fn stopped(stop: &mut Stop) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
