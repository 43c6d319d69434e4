//! Prometheus' remote write, version 0.1.0: a protocol buffer, compressed by Snappy.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result, ensure};

/// Bytes of a literal of Snappy whose length has two bytes.
const LITERAL: usize = 1 << 16;

/// A request under construction.
#[derive(Default)]
pub struct Request {
    series: Vec<u8>,
    scratch: Vec<u8>,
}

/// Bytes of the name of every node.
pub const NODE: usize = "node-00000.example".len();

/// Labels of a series, alike on all nodes but for their names.
pub struct Labels {
    encoded: Vec<u8>,
    /// Where the name of the node belongs.
    nodes: Vec<usize>,
}

impl Labels {
    /// In the order of their names; `None` where the value is the node's name.
    pub fn new<'a>(labels: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let (mut encoded, mut nodes) = (Vec::new(), Vec::new());
        for (name, value) in labels {
            let mut label = Vec::new();
            bytes(&mut label, 1, name.as_bytes());
            bytes(
                &mut label,
                2,
                value.map_or(&[b'?'; NODE][..], str::as_bytes),
            );
            bytes(&mut encoded, 1, &label);
            nodes.extend(value.is_none().then(|| encoded.len() - NODE));
        }
        Self { encoded, nodes }
    }
}

/// When samples were taken, and what is around their values: all samples of a moment are alike but for eight bytes.
pub struct Moment {
    /// Milliseconds since 1970.
    pub at: i64,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Moment {
    /// That many milliseconds since 1970.
    pub fn new(at: i64) -> Self {
        let mut after = vec![0b10000];
        varint(&mut after, at.cast_unsigned());
        let mut before = vec![0b10010];
        varint(&mut before, after.len() as u64 + 9);
        before.push(0b1001);
        Self { at, before, after }
    }
}

impl Request {
    /// Adds a series of this node, with a value at each of these moments.
    pub fn add(
        &mut self,
        labels: &Labels,
        node: &str,
        moments: &[Moment],
        value: impl Fn(&Moment) -> f64,
    ) {
        self.scratch.clear();
        self.scratch.extend(&labels.encoded);
        for at in &labels.nodes {
            self.scratch[*at..*at + NODE].copy_from_slice(node.as_bytes());
        }
        for moment in moments {
            self.scratch.extend(&moment.before);
            self.scratch.extend(value(moment).to_le_bytes());
            self.scratch.extend(&moment.after);
        }
        bytes(&mut self.series, 1, &self.scratch);
    }

    /// In Snappy's block format. Literals alone: over the loopback bytes cost less than their compression.
    fn body(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.series.len() + self.series.len() / 1000 + 16);
        varint(&mut out, self.series.len() as u64);
        for literal in self.series.chunks(LITERAL) {
            out.push(61 << 2);
            let less = u16::try_from(literal.len() - 1).unwrap_or(u16::MAX);
            out.extend(less.to_le_bytes());
            out.extend(literal);
        }
        out
    }
}

/// A field of bytes: its number, its length, itself.
fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field << 3 | 0b10);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// A connection to a Prometheus with `--web.enable-remote-write-receiver`.
pub struct Writer(BufReader<TcpStream>);

impl Writer {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        Ok(Self(BufReader::new(TcpStream::connect(address)?)))
    }

    /// Sends a request and waits until it is stored.
    pub fn send(&mut self, request: &Request) -> Result<()> {
        let body = request.body();
        let head = format!(
            "POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n\
             X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let stream = self.0.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            ensure!(
                self.0.read_line(&mut head)? > 0,
                "Prometheus hung up: {head}"
            );
        }
        if head.starts_with("HTTP/1.1 2") {
            return Ok(());
        }
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("Content-Length: "));
        let mut said = vec![0; length.context("no length")?.parse()?];
        self.0.read_exact(&mut said)?;
        anyhow::bail!("{head}{}", String::from_utf8_lossy(&said))
    }
}
