//! `nospace report --agent`: what a running agent remembers, as an incident.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::{Context as _, ensure};

use crate::access::certify;
use crate::agent::{Agent, command};
use crate::support::NOSPACE;

/// What it prints, or why it does not.
fn report(url: &str, more: &[&str]) -> anyhow::Result<Result<String, String>> {
    let mut asked = command(&[NOSPACE, "report", "--agent", url]);
    let output = asked.args(more).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    })
}

/// That it prints nothing, and says all of this.
fn refused(url: &str, more: &[&str], parts: &[&str]) -> anyhow::Result<()> {
    let said = report(url, more)?.err();
    let said = said.with_context(|| format!("{url} {more:?}: there is a report"))?;
    for part in parts {
        ensure!(said.contains(part), "{url}: {part:?} is not in: {said}");
    }
    Ok(())
}

pub fn incident() -> anyhow::Result<()> {
    let agent = Agent::start(&[
        "--interval=100ms",
        "--history=10m",
        "--trace=off",
        "--node-name=n-7",
    ])?;
    let url = format!("http://{}", agent.address);
    let history = || {
        let answer = agent.get("/api/v1/history")?;
        let document: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let samples = document["samples"].as_array().map_or(0, Vec::len);
        Ok((samples >= 3).then_some(()))
    };
    agent.until("three points", history)?;
    let page = report(&url, &[])?.map_err(anyhow::Error::msg)?;
    for part in [
        "<svg",
        "the agent started",
        "keeps a figure for each",
        "--agent",
    ] {
        ensure!(page.contains(part), "{part} is not in the page");
    }
    ensure!(!page.contains("A single sample"), "no history");
    let ticket = report(&url, &["-o", "markdown"])?.map_err(anyhow::Error::msg)?;
    ensure!(
        ticket.contains("refused calls were not counted"),
        "{ticket}"
    );
    // Nothing of it is of this machine's own check.
    let newest: serde_json::Value = serde_json::from_slice(&agent.get("/api/v1/report")?.body)?;
    let name = newest["node"]["name"].as_str().context("no name")?;
    ensure!(ticket.contains(name), "{name} is not in {ticket}");
    let usage = report(&url, &["--from", "x.tar.zst"])?.err();
    ensure!(usage.is_some_and(|said| said.contains("--from")));
    Ok(())
}

pub fn with_token() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = |name: &str, token: &str| {
        let path = directory.path().join(name);
        fs::write(&path, token)?;
        path.to_str().map(str::to_owned).context("no text")
    };
    let (right, wrong) = (file("right", "secret\n")?, file("wrong", "other\n")?);
    let agent = Agent::start(&[&format!("--token-file={right}")])?;
    let url = format!("http://{}", agent.address);
    refused(&url, &[], &["answered 401", "--agent-token-file"])?;
    let other = ["--agent-token-file", &wrong];
    refused(
        &url,
        &other,
        &["answered 401", "does not accept this token"],
    )?;
    let missing = ["--agent-token-file", "/nonexistent/token"];
    refused(&url, &missing, &["/nonexistent/token"])?;
    let empty = ["--agent-token-file", &file("empty", "\n")?];
    refused(&url, &empty, &["empty does not contain a token"])?;
    let text = report(&url, &["-o", "text", "--agent-token-file", &right])?;
    let text = text.map_err(anyhow::Error::msg)?;
    ensure!(!text.is_empty() && !text.contains("secret"), "{text}");
    Ok(())
}

pub fn over_tls() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name);
    let (cert, key, ca) = (path("crt"), path("key"), path("ca"));
    fs::write(&ca, certify(&cert, &key)?)?;
    let agent = Agent::start(&[
        &format!("--tls-cert={}", cert.display()),
        &format!("--tls-key={}", key.display()),
    ])?;
    let url = format!("https://localhost:{}", agent.address.port());
    let ca = ["-o", "text", "--agent-ca", ca.to_str().context("no text")?];
    agent.until("a report", || Ok(report(&url, &ca)?.ok()))?;
    refused(&url, &[], &[&url, "certificate"])?;
    let plain = url.replace("https", "http");
    refused(&plain, &[], &[&plain])?;
    Ok(())
}

/// A server that answers each path with a status and a body, and others with 404.
pub fn server(answers: Vec<(&'static str, u16, Vec<u8>)>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(&stream, &answers);
        }
    });
    Ok(address)
}

fn answer(mut stream: &TcpStream, answers: &[(&'static str, u16, Vec<u8>)]) -> anyhow::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().context("no request")??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let found = answers.iter().find(|(of, ..)| *of == path);
    let (status, body) = found.map_or((404, &b"not found"[..]), |(_, status, body)| {
        (*status, body)
    });
    let head = format!(
        "HTTP/1.1 {status} -\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    Ok(())
}

/// Where nobody listens, and what is said of that.
pub fn nobody() -> anyhow::Result<(String, [String; 2])> {
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let said = [
        format!("{free}/: "),
        "refused (os error 111). Does an agent run there".to_owned(),
    ];
    Ok((format!("http://{free}"), said))
}

pub fn not_answered() -> anyhow::Result<()> {
    const REPORT: &str = "/api/v1/report";
    const HISTORY: &str = "/api/v1/history";
    let agent = Agent::start(&["--trace=off"])?;
    let document = agent.get(REPORT)?.text().to_owned();
    let at = |answers| anyhow::Ok(format!("http://{}", server(answers)?));

    let (nobody, said) = nobody()?;
    refused(&nobody, &[], &said.each_ref().map(String::as_str))?;
    refused("node-7", &[], &["http://HOST[:9409]"])?;

    refused(&at(vec![])?, &[], &["answered 404", "no agent of nospace"])?;
    let page = at(vec![(REPORT, 200, "<html>".into())])?;
    refused(&page, &[], &["no agent of nospace", "not a report"])?;
    let forbidden = at(vec![(REPORT, 403, "no such right".into())])?;
    refused(&forbidden, &[], &["403", REPORT, "no such right"])?;
    let starting = at(vec![(REPORT, 503, "starting up\n".into())])?;
    refused(&starting, &[], &["503", "starting up"])?;
    let newer = r#"{"schemaVersion": 2, "answer": 42}"#.into();
    let newer = at(vec![(REPORT, 200, newer)])?;
    refused(&newer, &[], &["schema version 2", "reads 1"])?;

    // There is a report, but no history: the report says so.
    for (history, why) in [
        (None, "older version, which keeps no history"),
        (Some((403, "no such right")), "no such right"),
        (Some((200, "{}")), "not a history of nospace"),
    ] {
        let mut answers = vec![(REPORT, 200, document.clone().into())];
        answers.extend(history.map(|(status, body)| (HISTORY, status, body.into())));
        let ticket = report(&at(answers)?, &["-o", "markdown"])?;
        let ticket = ticket.map_err(anyhow::Error::msg)?;
        ensure!(
            ticket.contains("what happened before") && ticket.contains(why),
            "{why}: {ticket}"
        );
    }
    Ok(())
}
