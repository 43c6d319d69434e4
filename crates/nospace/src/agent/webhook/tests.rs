//! Observations go in, requests come out, to a server that answers oddly. Seconds are tens of milliseconds here.

use std::io::Write as _;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nospace_core::report::{Report, Severity, Subject};
use serde_json::Value;
use tokio::sync::watch;

use super::*;
use crate::agent::config::Settings;
use crate::agent::kube::EventSpec;
use crate::agent::kube::fixtures::{healthy, instances, observation, pod, with};
use crate::agent::kube::scenarios::server::{Reply, Server};

const SECRET: &str = "/services/T0/B0/secret";

fn timing() -> Timing {
    let ms = Duration::from_millis;
    Timing {
        events: EventTiming {
            settle_time: ms(150),
            repeat_critical: Duration::from_secs(60),
            repeat_warning: Duration::from_secs(60),
        },
        gap: ms(100),
        request_timeout: ms(400),
        retry_base: ms(20),
        retry_max: ms(100),
        shutdown_timeout: ms(300),
    }
}

struct Agent {
    tell: watch::Sender<Option<Arc<Observation>>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Webhook>>,
    began: Instant,
    _file: tempfile::NamedTempFile,
}

impl Agent {
    fn start(url: &str, format: WebhookFormat) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{url}").unwrap();
        let settings = Settings {
            webhook_url_file: Some(file.path().into()),
            webhook_format: Some(format),
            node_name: Some("n1".to_owned()),
            ..Settings::default()
        };
        let config = settings.config(None).unwrap();
        let (tell, observations) = watch::channel(None);
        let (stop, stopped) = watch::channel(false);
        let thread = thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            let mut webhook = Webhook::of(&config, timing(), Arc::default()).unwrap();
            runtime.block_on(webhook.run(observations, stopped));
            webhook
        });
        Self {
            tell,
            stop,
            thread: Some(thread),
            began: Instant::now(),
            _file: file,
        }
    }

    fn to(server: &Server) -> Self {
        Self::start(
            &format!("http://{}{SECRET}", server.address),
            WebhookFormat::Json,
        )
    }

    fn look(&self, report: Report) {
        let look = Observation {
            finished_at: Instant::now(),
            ..observation(report, self.began, 0)
        };
        self.tell.send_replace(Some(Arc::new(look)));
        thread::sleep(Duration::from_millis(3));
    }

    /// Ends it; what it was, and how long that took.
    fn end(mut self) -> (Webhook, Duration) {
        let began = Instant::now();
        self.stop.send_replace(true);
        let webhook = self.thread.take().unwrap().join().unwrap();
        (webhook, began.elapsed())
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "{what}: not in time");
        thread::sleep(Duration::from_millis(5));
    }
}

fn full() -> Report {
    with(&[instances(100, &[pod("web-0")])])
}

fn of_user(uid: u32) -> Report {
    of_users(uid..=uid)
}

fn of_users(uids: RangeInclusive<u32>) -> Report {
    let finding = |uid| {
        let mut finding = instances(100, &[]);
        finding.subject = Subject::uid(uid);
        finding.title = format!("uid {uid} has run out");
        finding
    };
    with(&uids.map(finding).collect::<Vec<_>>())
}

/// Every notice that came, in order: status and reason.
fn notices(server: &Server) -> Vec<(String, String)> {
    let came = server.came();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    came.iter()
        .flat_map(|one| one.body["notices"].as_array().unwrap().clone())
        .map(|one| (text(&one["status"]), text(&one["reason"])))
        .collect()
}

#[test]
fn a_finding_is_posted_once_and_again_when_it_is_over() {
    let server = Server::start();
    let agent = Agent::to(&server);
    for _ in 0..10 {
        agent.look(full());
    }
    until("the finding", || server.came().len() == 1);
    let first = &server.came()[0];
    assert_eq!(first.call, format!("POST {SECRET}"));
    assert_eq!(first.content, "application/json");
    assert_eq!(first.body["node"], "n1");
    assert_eq!(first.body["notices"][0]["severity"], "critical");
    assert_eq!(first.body["notices"][0]["subject"], "uid 0");
    let until_over = Instant::now() + Duration::from_secs(20);
    while server.came().len() < 2 && Instant::now() < until_over {
        agent.look(healthy());
    }
    let firing = ("firing".to_owned(), "InotifyInstancesExhausted".to_owned());
    let resolved = (
        "resolved".to_owned(),
        "InotifyInstancesRecovered".to_owned(),
    );
    assert_eq!(notices(&server), [firing, resolved]);
    agent.end();
}

#[test]
fn a_chat_gets_a_line_that_a_phone_can_show() {
    let server = Server::start();
    let agent = Agent::start(
        &format!("http://{}{SECRET}", server.address),
        WebhookFormat::Slack,
    );
    let mut finding = instances(100, &[pod("web-0")]);
    finding.title = "uid 0 <!channel> & more".to_owned();
    agent.look(with(&[finding]));
    until("the finding", || !server.came().is_empty());
    assert_eq!(
        server.came()[0].body["text"],
        "CRITICAL n1: uid 0 &lt;!channel&gt; &amp; more. Held by pod default/web-0: \
         100 instances, 1 watch. To fix it: sysctl -w fs.inotify.max_user_instances=8192"
    );
    agent.end();
}

#[test]
fn a_chat_takes_what_is_sent_to_it() {
    let long = "w".repeat(900);
    let notice = |message: &str| Notice {
        spec: EventSpec {
            object: EventTarget::Node,
            subject: "uid 0".to_owned(),
            warning: true,
            severity: Some(Severity::Critical),
            reason: "InotifyWatchesExhausted".to_owned(),
            message: message.to_owned(),
        },
        at: Timestamp::UNIX_EPOCH,
    };
    let notices = [&long, &long, &long].map(|message| notice(message));
    let fit = |format| body::fitting(format, "n1", &notices).len();
    assert_eq!(
        (fit(WebhookFormat::Slack), fit(WebhookFormat::Json)),
        (2, 3)
    );
    let longest = [notice(&"&".repeat(1_000))];
    assert_eq!(body::fitting(WebhookFormat::Slack, "n1", &longest).len(), 1);
    // A process can have this name.
    let named = body::body(
        WebhookFormat::Slack,
        "n1",
        &[notice("Held by @everyone")],
        1,
    );
    assert!(!named.contains("@everyone"), "{named}");
    assert!(named.contains("1 earlier notice was lost"), "{named}");
}

#[test]
fn what_fails_is_tried_again_until_it_is_taken() {
    let server = Server::start();
    server.script([
        Reply::Drop,
        Reply::Code(500, ""),
        Reply::Slow(Duration::from_millis(600)),
        Reply::Code(404, ""),
        Reply::Well,
    ]);
    let agent = Agent::to(&server);
    agent.look(full());
    until("five tries", || server.came().len() == 5);
    thread::sleep(Duration::from_millis(300));
    let came = server.came();
    assert_eq!(came.len(), 5, "taken, and posted again");
    assert!(came.iter().all(|one| one.body == came[0].body));
    for pair in came.windows(2) {
        let gap = pair[1].at - pair[0].at;
        // They are 100 ms apart where they leave; the server may be slow to see one.
        assert!(gap >= Duration::from_millis(50), "{gap:?}");
    }
    let (webhook, _) = agent.end();
    assert!(webhook.queue.is_empty() && webhook.said.is_none());
    let counts = webhook.requests.counts();
    assert_eq!(counts.values().sum::<u64>(), 5, "{counts:?}");
    assert_eq!(counts["ok"], 1, "{counts:?}");
}

#[test]
fn a_webhook_that_asks_for_time_gets_it() {
    let server = Server::start();
    server.script([Reply::Code(429, "Retry-After: 1\r\n")]);
    let agent = Agent::to(&server);
    agent.look(full());
    until("the second try", || server.came().len() == 2);
    let came = server.came();
    let waited = came[1].at - came[0].at;
    assert!(waited >= Duration::from_millis(900), "{waited:?}");
    agent.end();
}

#[test]
fn nobody_listens_until_later() {
    let server = Server::nowhere();
    let agent = Agent::to(&server);
    agent.look(full());
    thread::sleep(Duration::from_millis(300));
    server.listen();
    until("the finding", || server.came().len() == 1);
    agent.end();
}

#[test]
fn what_is_not_understood_does_not_keep_back_what_follows() {
    let server = Server::start();
    server.script([Reply::Code(400, "")]);
    let agent = Agent::to(&server);
    agent.look(full());
    until("the first", || server.came().len() == 1);
    agent.look(of_user(7));
    until("the second", || server.came().len() == 2);
    let second = &server.came()[1].body;
    assert_eq!(second["lost"], 1);
    assert_eq!(second["notices"][0]["subject"], "uid 7");
    agent.end();
}

#[test]
fn a_flood_is_few_requests() {
    let server = Server::start();
    let agent = Agent::to(&server);
    // One look more each time: a slow machine may miss one, and only what is in the last is certain to be posted.
    for uid in 0..30 {
        agent.look(of_users(0..=uid));
    }
    until("all", || notices(&server).len() >= 30);
    let most = agent.began.elapsed().as_millis() / timing().gap.as_millis() + 2;
    assert!(
        server.came().len() as u128 <= most,
        "{}",
        server.came().len()
    );
    agent.end();
}

#[test]
fn nothing_that_is_said_has_a_part_of_the_url() {
    let mut said = Vec::new();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "ftp://hooks.example{SECRET}").unwrap();
    said.push(post::url(file.path()).unwrap_err().to_string());
    // Neither is read: the one would never end, the other may block.
    for endless in ["/dev/zero", "/"] {
        let why = post::url(endless.as_ref()).unwrap_err().to_string();
        assert!(why.contains("expected a file"), "{why}");
    }
    // A name that does not resolve, a port where nobody listens, TLS to a server that speaks none.
    let server = Server::start();
    for url in [
        format!("http://secret.invalid{SECRET}"),
        format!("http://127.0.0.1:1{SECRET}"),
        format!("https://{}{SECRET}", server.address),
    ] {
        let agent = Agent::start(&url, WebhookFormat::Json);
        agent.look(full());
        thread::sleep(Duration::from_millis(1_500));
        let (webhook, _) = agent.end();
        said.push(webhook.said.expect("a failure"));
    }
    for text in &said {
        assert!(
            !text.contains("secret") && !text.contains("127.0.0.1"),
            "{text}"
        );
    }
    assert!(said[0].contains("does not contain one URL"), "{}", said[0]);
    assert!(said[1].contains("cannot resolve"), "{}", said[1]);
    assert!(said[2].contains("refused"), "{}", said[2]);
    assert!(said[3].contains("TLS"), "{}", said[3]);
}

#[test]
fn it_ends_at_once_and_posts_what_waits() {
    let server = Server::start();
    let agent = Agent::to(&server);
    agent.look(full());
    until("the first", || server.came().len() == 1);
    agent.look(of_user(7));
    let (_, took) = agent.end();
    assert_eq!(server.came().len(), 2);
    assert!(took < Duration::from_secs(2), "{took:?}");
    server.script([Reply::Slow(Duration::from_secs(5))]);
    let agent = Agent::to(&server);
    agent.look(full());
    until("the slow one", || server.came().len() == 3);
    let (_, took) = agent.end();
    assert!(took < Duration::from_secs(3), "{took:?}");
}
