//! Looks go in, requests come out: *post* against a server that answers oddly. Seconds are tens of milliseconds here.

mod credentials;
pub(in crate::agent) mod server;

use std::io::Write as _;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nospace_core::report::{Report, Subject};
use serde_json::{Value, json};
use server::{Reply, Server};
use tokio::sync::watch;

use super::fixtures::{healthy, instances, observation, pod, with};
use super::*;
use crate::agent::observation::Observation;

const CONDITION: &str = "InotifyInstancesExhausted";
const NODE: &str = "PATCH /api/v1/nodes/n/status";
const EVENTS: &str = "POST /api/v1/namespaces/default/events";
const SETTLE_TIME: Duration = Duration::from_millis(150);

fn timing() -> Timing {
    let ms = Duration::from_millis;
    Timing {
        heartbeat: Duration::from_secs(60),
        message_interval: Duration::from_secs(60),
        events: EventTiming {
            settle_time: SETTLE_TIME,
            repeat_critical: Duration::from_secs(60),
            repeat_warning: Duration::from_secs(60),
        },
        event_burst: 10,
        event_interval: Duration::from_secs(60),
        request_timeout: Duration::from_secs(5),
        retry_base: ms(20),
        retry_max: ms(200),
        rejected_retry_max: ms(400),
        shutdown_timeout: ms(500),
    }
}

/// An agent's part that speaks to the server, in a thread of its own.
struct Agent {
    tell: watch::Sender<Option<Arc<Observation>>>,
    stop: watch::Sender<bool>,
    requests: Arc<RequestCounter>,
    thread: Option<JoinHandle<()>>,
    began: Instant,
    _config: tempfile::NamedTempFile,
}

impl Agent {
    fn start(server: &Server, timing: Timing) -> Self {
        let url = format!("http://{}", server.address);
        Self::with(json!({"server": url}), json!({"token": "t"}), timing)
    }

    /// With a cluster and a user as a kubeconfig has them.
    fn with(cluster: Value, user: Value, timing: Timing) -> Self {
        let mut config = tempfile::NamedTempFile::new().unwrap();
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "c", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        });
        config.write_all(text.to_string().as_bytes()).unwrap();
        let access = Access::Kubeconfig(config.path().into());
        let (tell, observations) = watch::channel(None);
        let (stop, stopped) = watch::channel(false);
        let requests = Arc::new(RequestCounter::default());
        let counted = Arc::clone(&requests);
        let thread = thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(super::publish(
                access,
                timing,
                observations,
                "N".to_owned(),
                counted,
                stopped,
            ));
        });
        Self {
            tell,
            stop,
            requests,
            thread: Some(thread),
            began: Instant::now(),
            _config: config,
        }
    }

    fn look(&self, report: &Report) {
        let look = Observation {
            finished_at: Instant::now(),
            ..observation(report.clone(), self.began, 0)
        };
        self.tell.send_replace(Some(Arc::new(look)));
        thread::sleep(Duration::from_millis(3));
    }

    /// Looks again and again, until something holds.
    fn look_until(&self, report: &Report, what: &str, holds: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < until, "{what}: not in time");
            self.look(report);
        }
    }

    /// How long it took to end.
    fn end(&mut self) -> Duration {
        let began = Instant::now();
        self.stop.send_replace(true);
        self.thread.take().unwrap().join().unwrap();
        began.elapsed()
    }

    fn counted(&self, result: &str) -> u64 {
        self.requests.counts().get(result).copied().unwrap_or(0)
    }
}

fn full() -> Report {
    with(&[instances(100, &[pod("web-0")])])
}

fn is(server: &Server, status: &str) -> bool {
    server.status(CONDITION).as_deref() == Some(status)
}

/// Long enough for whatever is wrongly sent to be seen.
fn quiet() {
    thread::sleep(Duration::from_millis(300));
}

#[test]
fn a_hundred_looks_are_a_handful_of_requests() {
    let server = Server::start();
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&healthy(), "healthy", || is(&server, "False"));
    (0..50).for_each(|_| agent.look(&healthy()));
    agent.look_until(&full(), "full", || is(&server, "True"));
    agent.look_until(&full(), "events", || server.events().len() == 2);
    (0..50).for_each(|_| agent.look(&full()));
    quiet();
    let calls: Vec<String> = server.came().into_iter().map(|c| c.call).collect();
    assert_eq!(calls, [NODE, NODE, NODE, EVENTS, EVENTS]);
    assert!(server.came()[0].reads());
    assert_eq!(server.came()[1].content, "application/apply-patch+yaml");
    assert_eq!(agent.counted("ok"), 5);
    agent.look_until(&healthy(), "healed", || is(&server, "False"));
    agent.look_until(&healthy(), "the end", || server.events().len() == 3);
    agent.end();
    assert_eq!(server.came().len(), 7, "{:#?}", server.came());
}

#[test]
fn a_conflict_is_tried_again() {
    let server = Server::start();
    server.script([Reply::Well, Reply::Code(409, ""), Reply::Code(409, "")]);
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&healthy(), "applied", || agent.counted("ok") == 2);
    agent.end();
    assert_eq!((agent.counted("conflict"), server.came().len()), (2, 4));
}

#[test]
fn what_the_server_asks_to_wait_is_waited() {
    let server = Server::start();
    server.script([Reply::Well, Reply::Code(429, "Retry-After: 1\r\n")]);
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&healthy(), "refused", || agent.counted("throttled") == 1);
    agent.look_until(&full(), "applied", || agent.counted("ok") >= 4);
    agent.end();
    let came = server.came();
    let waited = came[2].at - came[1].at;
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    // The events waited, too, and the conditions are of the present.
    let next = came[2..].iter().find_map(|c| c.status(CONDITION));
    assert_eq!(next.as_deref(), Some("True"));
    assert_eq!(came.len(), 5);
}

#[test]
fn a_broken_server_is_tried_more_and_more_rarely() {
    let server = Server::start();
    server.script([const { Reply::Code(500, "") }; 8]);
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&full(), "applied", || {
        is(&server, "True") && server.events().len() == 2
    });
    agent.end();
    let came = server.came();
    assert_eq!((agent.counted("error"), came.len()), (8, 12));
    let gaps: Vec<Duration> = came.windows(2).map(|w| w[1].at - w[0].at).collect();
    assert!(gaps[0] >= Duration::from_millis(10), "{gaps:?}");
    assert!(gaps[7] >= Duration::from_millis(100), "{gaps:?}");
}

#[test]
fn no_answer_and_a_closed_connection_are_tried_again() {
    let server = Server::start();
    let slow = Reply::Slow(Duration::from_secs(4));
    server.script([Reply::Drop, slow, Reply::Well, Reply::Drop]);
    let hasty = Timing {
        request_timeout: Duration::from_secs(1),
        ..timing()
    };
    let mut agent = Agent::start(&server, hasty);
    agent.look_until(&full(), "told", || {
        is(&server, "True") && server.events().len() == 2
    });
    agent.end();
    // A busy machine makes other answers late, too.
    let late = agent.counted("timeout");
    assert!(late >= 1, "{late}");
    assert_eq!(agent.counted("error"), 2);
    assert!(server.came().len() >= 7, "{:#?}", server.came());
}

#[test]
fn a_server_that_was_away_learns_the_present_and_what_happened() {
    let server = Server::nowhere();
    let mut agent = Agent::start(&server, timing());
    let for_a_while = |report: &Report| {
        let until = Instant::now() + SETTLE_TIME * 8;
        while Instant::now() < until {
            agent.look(report);
        }
    };
    for_a_while(&healthy());
    for_a_while(&full());
    for_a_while(&healthy());
    for_a_while(&full());
    let (vain, away) = (agent.counted("error"), agent.began.elapsed().as_millis());
    // From the fifth failure on at least half of `retry_most` is waited.
    let most = u64::try_from(away / 100).unwrap() + 6;
    assert!((3..=most).contains(&vain), "{vain} requests in {away} ms");
    server.listen();
    agent.look_until(&full(), "told", || {
        is(&server, "True") && server.events().len() == 3
    });
    quiet();
    agent.end();
    let mut events = server.events();
    events.sort();
    let expected = [
        ("n", "InotifyInstancesExhausted", 2),
        ("n", "InotifyInstancesRecovered", 1),
        ("web-0", "InotifyInstancesExhausted", 2),
    ];
    let expected = expected.map(|(o, r, n)| (o.to_owned(), r.to_owned(), n));
    assert_eq!(events, expected);
    // A read, one apply of the present, three events, and a heartbeat or two where that took long: nothing of the past is
    // replayed.
    let came = server.came().len();
    assert!((5..=7).contains(&came), "{came} requests");
}

#[test]
fn a_node_that_is_not_there_is_waited_for() {
    let server = Server::start();
    server.set("/api/v1/nodes/n/status", None);
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&healthy(), "refused", || agent.counted("refused") >= 3);
    server.set("/api/v1/nodes/n/status", Some(json!({})));
    agent.look_until(&healthy(), "applied", || is(&server, "False"));
    agent.end();
}

#[test]
fn an_event_that_is_never_taken_does_not_hold_up_others_nor_conditions() {
    let server = Server::start();
    server.script([Reply::Well, Reply::Well, Reply::Code(404, ""), Reply::Well]);
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&full(), "the other", || server.events().len() == 1);
    quiet();
    agent.end();
    assert_eq!(server.events()[0].0, "web-0");
    assert_eq!(server.came().len(), 4);
    // Forbidden: tried again, after the others.
    let server = Server::start();
    server.script([Reply::Well, Reply::Well, Reply::Code(403, "")]);
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&full(), "both", || server.events().len() == 2);
    agent.end();
    let names: Vec<_> = server.came()[2..]
        .iter()
        .map(|c| c.body["involvedObject"]["name"].clone())
        .collect();
    assert_eq!(names, ["n", "web-0", "n"]);
}

#[test]
fn another_agent_adds_to_the_events_and_keeps_the_flips_of_the_one_before() {
    let server = Server::start();
    let mut first = Agent::start(&server, timing());
    first.look_until(&full(), "told", || server.events().len() == 2);
    first.end();
    let flipped = |server: &Server| {
        let came = server.came();
        let applied = came.iter().rev().find(|c| c.status(CONDITION).is_some());
        applied.unwrap().body["status"]["conditions"][1]["lastTransitionTime"].clone()
    };
    let previous = flipped(&server);
    // The API keeps whole seconds.
    thread::sleep(Duration::from_millis(1_100));
    let mut second = Agent::start(&server, timing());
    let counts = || server.events().iter().map(|(_, _, n)| *n).sum::<i64>();
    second.look_until(&full(), "counted", || counts() == 4);
    assert_eq!(flipped(&server), previous);
    second.end();
    assert_eq!(server.events().len(), 2);
}

#[test]
fn an_event_that_the_server_has_forgotten_is_made_anew() {
    let server = Server::start();
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&full(), "told", || server.events().len() == 2);
    server.forget_events();
    agent.look_until(&healthy(), "over", || server.events().len() == 1);
    agent.look_until(&full(), "told again", || server.events().len() == 3);
    agent.end();
    let events = server.events();
    assert!(
        events.iter().all(|(_, _, n)| *n == 1),
        "{events:?} {:#?}",
        server.came()
    );
}

#[test]
fn a_node_that_breaks_in_many_ways_sends_a_few_events() {
    let server = Server::start();
    let findings = (0..40).map(|n| {
        let mut finding = instances(100, &[]);
        finding.subject = Subject::uid(n);
        finding
    });
    let findings: Vec<_> = findings.collect();
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&with(&findings), "a few", || server.events().len() == 10);
    quiet();
    agent.end();
    assert_eq!(server.events().len(), 10);
}

#[test]
fn the_last_word_is_true_and_quick() {
    let server = Server::start();
    let mut agent = Agent::start(&server, timing());
    agent.look_until(&healthy(), "healthy", || is(&server, "False"));
    // What was seen in the last moment is reported.
    let look = observation(full(), Instant::now(), 0);
    agent.tell.send_replace(Some(Arc::new(look)));
    agent.end();
    assert!(is(&server, "True"));
    assert_eq!(server.events().len(), 2);
    let came = server.came().len();

    let mut settle_time = Agent::start(&server, timing());
    settle_time.look_until(&full(), "told", || settle_time.counted("ok") >= 6);
    let came_since = server.came().len() - came;
    assert!(settle_time.end() < Duration::from_millis(900));
    assert_eq!(
        server.came().len() - came,
        came_since,
        "nothing was left to tell"
    );
}

#[test]
fn a_server_that_hangs_does_not_hold_up_the_end() {
    let server = Server::start();
    server.script([const { Reply::Slow(Duration::from_secs(5)) }; 9]);
    let slow = Timing {
        request_timeout: Duration::from_secs(30),
        ..timing()
    };
    let mut agent = Agent::start(&server, slow);
    agent.look_until(&full(), "asked", || !server.came().is_empty());
    let took = agent.end();
    assert!(took < Duration::from_millis(900), "{took:?}");
}
