//! `--from http://HOST`: the commands read what a running agent has recorded.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context as _, ensure};
use nospace::host::replay::Replay;
use nospace_holder::Holder;

use crate::agent::{Agent, command};
use crate::report::{nobody, server};
use crate::support::NOSPACE;

const RECORDING: &str = "/api/v1/recording";

/// Standard output and standard error.
fn run(arguments: &[&str]) -> anyhow::Result<(String, String)> {
    let mut typed = vec![NOSPACE];
    typed.extend(arguments);
    let output = command(&typed).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((text(output.stdout), text(output.stderr)))
}

fn reads(arguments: &[&str]) -> anyhow::Result<String> {
    let (out, errors) = run(arguments)?;
    ensure!(
        !out.is_empty() && errors.is_empty(),
        "{arguments:?}: {errors}"
    );
    Ok(out)
}

/// That it prints nothing, and says all of this.
fn refused(url: &str, more: &[&str], parts: &[&str]) -> anyhow::Result<()> {
    let (out, errors) = run(&[&["check", "--from", url], more].concat())?;
    ensure!(out.is_empty(), "{url}: {out}");
    for part in parts {
        ensure!(errors.contains(part), "{url}: {part:?} is not in: {errors}");
    }
    Ok(())
}

/// Saves the recording, once it covers two seconds: times of day are given in seconds.
fn saved(agent: &Agent, file: &Path) -> anyhow::Result<Vec<u8>> {
    agent.until("recorded for two seconds", || {
        let answer = agent.get(RECORDING)?;
        if answer.status == 503 {
            return Ok(None);
        }
        fs::write(file, &answer.body)?;
        let replay = Replay::open(file)?;
        let seconds = replay.samples().last().map_or(0.0, |last| last.seconds);
        Ok((seconds > 2.0).then_some(answer.body))
    })
}

pub fn by_address() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    fs::write(&token, "secret\n")?;
    let token = token.to_str().context("no text")?;
    let file = directory.path().join("node.tar.zst");
    let state = format!("--state-dir={}", directory.path().join("state").display());
    let _holder = Holder::start(&["--instances=1", "--watches=3", "--comm=recorded"])?;
    let agent = Agent::start(&["--interval=20ms", "--trace=off", "--recording=20ms", &state])?;
    let recording = saved(&agent, &file)?;
    let saved = file.to_str().context("no text")?;
    let url = &format!("http://{}", agent.address);

    let taken_at = |of: &[&str]| {
        let report = reads(&[&["check", "-o", "json", "--from"], of].concat())?;
        let report: serde_json::Value = serde_json::from_str(&report)?;
        let time = report["takenAt"].as_str().context("no time")?;
        anyhow::Ok(time.to_owned())
    };
    let earlier = taken_at(&[url, "--at", "-1s"])?;
    let now = taken_at(&[url])?;
    ensure!(earlier < now, "{earlier} {now}");
    ensure!(taken_at(&[saved])? <= now);
    ensure!(taken_at(&[&format!("{url}{RECORDING}")])? >= now);
    let told = reads(&["report", "--from", url, "-o", "text"])?;
    ensure!(told.contains("an agent records none"), "{told}");
    for arguments in [
        &["diff", url, "--at", "-1s"][..],
        &["diff", saved, url],
        &["plan", "--from", url],
        &["tune", "--from", url],
    ] {
        reads(arguments)?;
    }
    let log = directory.path().join("log");
    fs::write(&log, "inotify_add_watch /x: no space left on device\n")?;
    let log = log.to_str().context("no text")?;
    reads(&["explain", log, "--from", url])?;
    // Its watches are not in a recording; no command takes those of this machine for them.
    let (out, errors) = run(&["watches", "--from", url])?;
    ensure!(
        out.is_empty() && errors.contains("contains no watches"),
        "{out}{errors}"
    );
    let (_, errors) = run(&["check", "--from", url, "--at", "-1h"])?;
    ensure!(
        errors.contains(url) && errors.contains("a timeline from"),
        "{errors}"
    );
    // What is for an agent is for none of these.
    for of in [
        &["check"][..],
        &["check", "--from", saved],
        &["diff", saved],
    ] {
        let (out, errors) = run(&[of, &["--agent-token-file", token]].concat())?;
        ensure!(
            out.is_empty()
                && (errors.contains("for a running agent") || errors.contains("required")),
            "{of:?}: {errors}"
        );
    }
    drop(agent);

    // One that was cut is read as far as it goes, as a file is.
    let cut = recording[..recording.len() - 10].to_vec();
    let cut = server(vec![(RECORDING, 200, cut)])?;
    let (out, errors) = run(&["check", "--from", &format!("http://{cut}")])?;
    ensure!(
        !out.is_empty() && errors.contains("has no end"),
        "{out}{errors}"
    );
    Ok(())
}

pub fn with_token() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    fs::write(&token, "secret\n")?;
    let token = token.to_str().context("no text")?;
    let agent = Agent::start(&[
        "--trace=off",
        &format!("--token-file={token}"),
        &format!("--state-dir={}", directory.path().join("state").display()),
    ])?;
    let url = format!("http://{}", agent.address);
    refused(&url, &[], &["answered 401", "--agent-token-file"])?;
    refused(&url, &["--agent-ca", token], &["cannot use", token])?;
    let said = agent.until("a recording", || {
        let (out, _) = run(&["check", "--from", &url, "--agent-token-file", token])?;
        Ok(Some(out).filter(|out| !out.is_empty()))
    })?;
    ensure!(!said.contains("secret"), "{said}");
    Ok(())
}

/// A server that hangs up in the middle of its answer.
fn hangs_up() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let request = BufReader::new(&stream).lines().map_while(Result::ok);
            request.take_while(|line| !line.is_empty()).for_each(drop);
            let _ = (&stream).write_all(b"HTTP/1.1 200 -\r\nContent-Length: 9\r\n\r\n(");
        }
    });
    Ok(format!("http://{address}"))
}

pub fn not_recorded() -> anyhow::Result<()> {
    let agent = Agent::start(&["--trace=off"])?;
    let url = format!("http://{}", agent.address);
    let instead = format!("nospace report --agent {url}");
    refused(&url, &[], &["records nothing", "--state-dir", &instead])?;

    let (nobody, said) = nobody()?;
    refused(&nobody, &[], &said.each_ref().map(String::as_str))?;
    refused("http://n1/?x", &[], &["http://HOST[:9409]"])?;
    refused("http://127.0.0.1:99999", &[], &["99999", "65535"])?;
    refused("http://me:secret@n1", &[], &["--agent-token-file"])?;

    let at = |status, body: &[u8]| {
        let address = server(vec![(RECORDING, status, body.to_vec())])?;
        anyhow::Ok(format!("http://{address}"))
    };
    let older = format!("http://{}", server(vec![])?);
    refused(&older, &[], &["answered 404", "older version", RECORDING])?;
    let later = at(503, b"nothing is recorded yet\n")?;
    refused(&later, &[], &["503", "nothing is recorded yet"])?;
    let moved = at(302, b"")?;
    refused(&moved, &[], &["302", "no agent of nospace"])?;
    let (out, errors) = run(&["check", "--from", &hangs_up()?])?;
    ensure!(
        out.is_empty() && errors.contains("broke off") && !errors.contains("Does an agent run"),
        "{out}{errors}"
    );
    // What it sends is trusted as little as a file.
    let page = at(200, b"<html>\x1b[31m")?;
    refused(&page, &[], &["cannot read the recording of", &page, "zstd"])?;
    let moment = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/timelines/config-reloader.tar.zst"
    ))?;
    let mut damaged = moment.clone();
    damaged.truncate(200);
    let damaged = at(200, &damaged)?;
    refused(&damaged, &[], &["cannot read the recording of"])?;
    let endless = at(200, &vec![0; (32 << 20) + 1])?;
    refused(&endless, &[], &["longer than", "bytes"])?;
    Ok(())
}
