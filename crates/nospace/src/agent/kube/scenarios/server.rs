//! A scripted API server: a few lines of HTTP, with TLS if wanted.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What is done with a request. Those without one are answered as a server does that is well.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Like the others.
    Well,
    /// This code, and these header lines.
    Code(u16, &'static str),
    /// Not before this time has passed.
    Slow(Duration),
    /// The connection is closed.
    Drop,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Came {
    pub at: Instant,
    /// `PATCH /api/v1/nodes/n/status`, without what follows the `?`.
    pub call: String,
    pub content: String,
    pub authorization: String,
    pub body: Value,
}

impl Came {
    /// Nothing but a look at what is there.
    pub fn reads(&self) -> bool {
        self.body == json!({})
    }

    /// The status of one of the conditions that it applies.
    pub fn status(&self, kind: &str) -> Option<String> {
        let mut conditions = self.body["status"]["conditions"].as_array()?.iter();
        let condition = conditions.find(|c| c["type"] == kind)?;
        condition["status"].as_str().map(str::to_owned)
    }
}

#[derive(Default)]
struct Inside {
    script: VecDeque<Reply>,
    came: Vec<Came>,
    /// Objects by path.
    objects: BTreeMap<String, Value>,
}

/// A running server; it ends with the test.
#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
    tls: Option<Arc<ServerConfig>>,
}

impl Server {
    /// One that has the node `n`.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self::at(&listener);
        server.answer(listener);
        server
    }

    /// One with this certificate.
    pub fn start_tls(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            tls: Some(Arc::new(config)),
            ..Self::at(&listener)
        };
        server.answer(listener);
        server
    }

    /// An address where nobody listens yet; no other test takes it meanwhile.
    pub fn nowhere() -> Self {
        Self::at(&TcpListener::bind("127.0.0.2:0").unwrap())
    }

    fn at(listener: &TcpListener) -> Self {
        let node = ("/api/v1/nodes/n/status".to_owned(), json!({}));
        Self {
            address: listener.local_addr().unwrap(),
            inside: Arc::new(Mutex::new(Inside {
                objects: BTreeMap::from([node]),
                ..Inside::default()
            })),
            tls: None,
        }
    }

    /// Answers from now on.
    pub fn listen(&self) {
        self.answer(TcpListener::bind(self.address).unwrap());
    }

    fn answer(&self, listener: TcpListener) {
        let server = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let server = server.clone();
                thread::spawn(move || server.accept(stream.unwrap()));
            }
        });
    }

    /// What is done with the next requests.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inside.lock().unwrap().script.extend(replies);
    }

    /// Puts an object there, or takes it away.
    pub fn set(&self, path: &str, object: Option<Value>) {
        let objects = &mut self.inside.lock().unwrap().objects;
        match object {
            Some(object) => drop(objects.insert(path.to_owned(), object)),
            None => drop(objects.remove(path)),
        }
    }

    /// Takes all events away, as a server does after an hour.
    pub fn forget_events(&self) {
        let objects = &mut self.inside.lock().unwrap().objects;
        objects.retain(|path, _| !path.contains("/events/"));
    }

    /// Everything that came so far.
    pub fn came(&self) -> Vec<Came> {
        self.inside.lock().unwrap().came.clone()
    }

    /// The events that it has: on which object, reason, count.
    pub fn events(&self) -> Vec<(String, String, i64)> {
        let inside = self.inside.lock().unwrap();
        let events = inside
            .objects
            .iter()
            .filter(|(path, _)| path.contains("/events/"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        events
            .map(|(_, e)| {
                let object = text(&e["involvedObject"]["name"]);
                (object, text(&e["reason"]), e["count"].as_i64().unwrap())
            })
            .collect()
    }

    /// The status of a condition, as it was applied last.
    pub fn status(&self, kind: &str) -> Option<String> {
        self.came().iter().rev().find_map(|c| c.status(kind))
    }

    fn accept(&self, stream: TcpStream) -> Option<()> {
        match &self.tls {
            None => self.serve(stream),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                self.serve(StreamOwned::new(connection, stream))
            }
        }
    }

    fn serve(&self, stream: impl Read + Write) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let came = request(&mut stream)?;
            let reply = {
                let inside = &mut *self.inside.lock().unwrap();
                inside.came.push(came.clone());
                inside.script.pop_front().unwrap_or(Reply::Well)
            };
            let (code, headers, body) = match reply {
                Reply::Well => self.well(&came),
                Reply::Code(code, headers) => (
                    code,
                    headers,
                    json!({"kind": "Status", "code": code, "message": "as scripted"}),
                ),
                Reply::Slow(time) => {
                    thread::sleep(time);
                    self.well(&came)
                }
                Reply::Drop => return None,
            };
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {code} x\r\n{headers}Content-Length: {}\r\n\r\n",
                body.len()
            );
            let stream = stream.get_mut();
            stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
            stream.flush().ok()?;
        }
    }

    fn well(&self, came: &Came) -> (u16, &'static str, Value) {
        let objects = &mut self.inside.lock().unwrap().objects;
        let (method, path) = came.call.split_once(' ').unwrap();
        if method == "POST" {
            let Some(name) = came.body["metadata"]["name"].as_str() else {
                return (200, "", json!("ok"));
            };
            let path = format!("{path}/{name}");
            if objects.contains_key(&path) {
                return (409, "", json!({"code": 409, "message": "already exists"}));
            }
            objects.insert(path, came.body.clone());
            return (201, "", came.body.clone());
        }
        let Some(object) = objects.get_mut(path) else {
            return (404, "", json!({"code": 404, "message": "not found"}));
        };
        for (key, value) in came.body.as_object().unwrap() {
            object[key] = value.clone();
        }
        (200, "", object.clone())
    }
}

fn request(reader: &mut impl BufRead) -> Option<Came> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let call = line
        .split(['?', '\r'])
        .next()?
        .trim_end_matches(" HTTP/1.1")
        .to_owned();
    let (mut length, mut content, mut authorization) = (0, String::new(), String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else {
            break;
        };
        match &*name.to_ascii_lowercase() {
            "content-length" => length = value.parse().ok()?,
            "content-type" => content = value.to_owned(),
            "authorization" => authorization = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Came {
        at: Instant::now(),
        call,
        content,
        authorization,
        body: serde_json::from_slice(&body).ok()?,
    })
}
