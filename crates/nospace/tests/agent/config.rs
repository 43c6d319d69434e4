use std::fs;

use anyhow::ensure;

use crate::agent::{Agent, command};
use crate::http;
use crate::support::NOSPACE;

/// Options, environment, and what the message names.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

pub fn named() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("agent.toml");
    fs::write(&file, "interval = '15s'\nlisten-address = ':9409'\n")?;
    let file = format!("--config={}", file.display());
    let cases: [Case<'_>; 16] = [
        (&["--interval=0"], &[], "--interval"),
        (&["--listen=nowhere"], &[], "--listen"),
        (&["--tune-ceiling=much"], &[], "--tune-ceiling"),
        (&["--node-name=A b"], &[], "--node-name"),
        (
            &[],
            &[("NOSPACE_INTERVAL", "soon")],
            "NOSPACE_INTERVAL: \"soon\"",
        ),
        (
            &[],
            &[("NOSPACE_KUBE", "perhaps")],
            "NOSPACE_KUBE: \"perhaps\"",
        ),
        (&[&file], &[], "agent.toml: listen-address: unknown setting"),
        (&["--config=/nowhere.toml"], &[], "/nowhere.toml"),
        (&["--tls-cert=/cert.pem"], &[], "tls-key"),
        (&[], &[("NOSPACE_TLS_KEY", "/key.pem")], "tls-cert"),
        (&["--allowed-hosts=a,b:80"], &[], "--allowed-hosts"),
        (&["--guard=on"], &[], "--guard"),
        (
            &[],
            &[("NOSPACE_GUARD_RESERVE_WATCHES", "many")],
            "NOSPACE_GUARD_RESERVE_WATCHES: \"many\"",
        ),
        (
            &["--guard=enforce"],
            &[("NOSPACE_GUARD_BUDGET_WATCHES", "300")],
            "budgets are only counted so far",
        ),
        (&[], &[("POD_IP", "here")], "POD_IP: \"here\""),
        (
            &[],
            &[("NOSPACE_TOKEN_REVIEW", "maybe")],
            "NOSPACE_TOKEN_REVIEW",
        ),
    ];
    for (options, environment, names) in cases {
        let mut command = command(&[NOSPACE, "agent"]);
        let output = command
            .args(options)
            .envs(environment.iter().copied())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.code() == Some(3),
            "{options:?}: {}",
            output.status
        );
        ensure!(said.contains(names), "{options:?} {environment:?}: {said}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let output = command(&[NOSPACE, "agent", "--listen", &address]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1) && said.contains(&address),
        "{said}"
    );
    Ok(())
}

pub fn precedence() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("agent.toml");
    fs::write(
        &file,
        "listen = '127.0.0.1:0'\nnode-name = 'file'\nkube = 'off'\ntop = 7\n",
    )?;
    let file = format!("--config={}", file.display());
    let node = |options: &[&str], environment: &[(&str, &str)]| {
        let mut command = command(&[NOSPACE, "agent", &file]);
        command.args(options).envs(environment.iter().copied());
        let agent = Agent::run(command)?;
        let samples = agent.metrics()?;
        let rows = samples.with("nospace_node_info", &[]);
        ensure!(rows.len() == 1, "{rows:?}");
        Ok(rows[0].0.to_owned())
    };
    ensure!(node(&[], &[])?.contains("node=\"file\""));
    ensure!(node(&[], &[("NODE_NAME", "environment")])?.contains("node=\"environment\""));
    let both = node(
        &["--node-name=flag"],
        &[("NOSPACE_NODE_NAME", "environment")],
    )?;
    ensure!(both.contains("node=\"flag\""), "{both}");
    Ok(())
}

pub fn listen() -> anyhow::Result<()> {
    let start = |listen: &str, environment: &[(&str, &str)]| {
        let mut command = command(&[NOSPACE, "agent", "--kube=off", "--interval=1h"]);
        command.arg(format!("--listen={listen}"));
        command.envs(environment.iter().copied());
        Agent::run(command)
    };
    let outside = start("0", &[])?;
    ensure!(outside.address.ip().to_string() == "127.0.0.1");
    let pod = start("0", &[("POD_IP", "127.0.0.3")])?;
    ensure!(pod.address.ip().to_string() == "127.0.0.3");
    let warns = |agent: &Agent| {
        let text = agent.messages();
        text.contains("--token-file")
    };
    ensure!(!warns(&outside) && !warns(&pod));
    let open = start("0.0.0.0:0", &[])?;
    open.until("warned", || Ok(warns(&open).then_some(())))?;
    Ok(())
}

/// Pods beyond `top` are one row, so that the setting shows in the metrics' number.
pub fn reload() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("agent.toml");
    fs::write(&file, "interval = '1h'\nallowed-hosts = 'old.example'\n")?;
    let config = format!("--config={}", file.display());
    let listen = ["agent", "--listen=127.0.0.1:0", "--kube=off", &config];
    let mut agent = Agent::run(command(&[&[NOSPACE], &listen[..]].concat()))?;
    let status = |name: &str| {
        let host = format!("Host: {name}");
        Ok::<_, anyhow::Error>(http::get(agent.address, "/metrics", &[&host])?.status)
    };
    ensure!((status("old.example")?, status("new.example")?) == (200, 421));
    // The next collection would be in an hour.
    let collections = || agent.metrics()?.one("nospace_looks_total");
    let before = collections()?;
    fs::write(
        &file,
        "interval = '20ms'\nallowed-hosts = 'new.example'\nlisten = '127.0.0.1:1'\n",
    )?;
    agent.reload("settings reloaded")?;
    ensure!((status("old.example")?, status("new.example")?) == (421, 200));
    agent.until("collecting", || {
        Ok((collections()? > before + 5.0).then_some(()))
    })?;
    // A wrong setting changes nothing.
    fs::write(&file, "interval = 'soon'\nallowed-hosts = 'bad.example'\n")?;
    agent.reload("interval: \"soon\"")?;
    ensure!((status("bad.example")?, status("new.example")?) == (421, 200));
    fs::remove_file(&file)?;
    agent.reload("agent.toml")?;
    ensure!(status("new.example")? == 200);
    let (_, ended) = agent.terminate()?;
    ensure!(ended.success(), "{ended}");
    Ok(())
}
