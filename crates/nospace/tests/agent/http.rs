//! A client that does no more than asked.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;

/// Longer than anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// By their names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or("")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Opens a connection.
pub fn connect(to: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Asks for `path`, with these further lines in the head, and to be hung up on.
pub fn ask(stream: &mut impl Write, path: &str, lines: &[&str]) -> anyhow::Result<()> {
    send(stream, "GET", path, lines)
}

fn send(stream: &mut impl Write, method: &str, path: &str, lines: &[&str]) -> anyhow::Result<()> {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let host = if lines.to_ascii_lowercase().contains("host:") {
        ""
    } else {
        "Host: localhost\r\n"
    };
    let request = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{lines}\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(())
}

/// Hears the answer, to the end of the connection.
pub fn hear(mut stream: impl Read) -> anyhow::Result<Answer> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let end = all.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.context("no head")?;
    let body = all.split_off(end + 4);
    let head = String::from_utf8(all)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let is_in_pieces = headers.contains_key("transfer-encoding");
    Ok(Answer {
        status: status.context("no status")?.parse()?,
        body: if is_in_pieces { joined(&body)? } else { body },
        headers,
    })
}

/// A body that came in pieces (chunked, RFC 9112, 7.1).
fn joined(mut pieces: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = pieces.windows(2).position(|two| two == b"\r\n");
        let (size, rest) = pieces.split_at(end.context("no size")?);
        let size = usize::from_str_radix(std::str::from_utf8(size)?, 16)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(rest.get(2..2 + size).context("a piece is cut")?);
        pieces = rest.get(size + 4..).context("the end is cut")?;
    }
}

/// Asks and hears.
pub fn get(to: SocketAddr, path: &str, lines: &[&str]) -> anyhow::Result<Answer> {
    request(to, "GET", path, lines)
}

/// The same, with another method.
pub fn request(to: SocketAddr, method: &str, path: &str, lines: &[&str]) -> anyhow::Result<Answer> {
    let mut stream = connect(to)?;
    send(&mut stream, method, path, lines)?;
    hear(stream).with_context(|| path.to_owned())
}
