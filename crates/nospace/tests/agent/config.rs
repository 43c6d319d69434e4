use std::fs;

use anyhow::ensure;

use crate::agent::{Agent, command};
use crate::support::NOSPACE;

/// Options, environment, and what the message names.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

pub fn named() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("agent.toml");
    fs::write(&file, "interval = '15s'\nlisten-address = ':9409'\n")?;
    let file = format!("--config={}", file.display());
    let cases: [Case<'_>; 8] = [
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
