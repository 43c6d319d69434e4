//! A guard that only counts, since these tests must not refuse calls of other programs on this machine; `tests/vm/keeper.sh` has the others.

use std::fs;

use anyhow::ensure;

use crate::agent::{Agent, command};
use crate::support::NOSPACE;

pub fn follows_settings() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("agent.toml");
    fs::write(&file, "interval = '50ms'\n")?;
    let config = format!("--config={}", file.display());
    let options = ["agent", "--listen=127.0.0.1:0", "--kube=off", &config];
    let mut agent = Agent::run(command(&[&[NOSPACE], &options[..]].concat()))?;
    let info = |mode: &str| {
        let samples = agent.metrics()?;
        let labels = format!("mode=\"{mode}\"");
        let rows = samples.with("nospace_guard_info", &[&labels]);
        Ok::<_, anyhow::Error>(rows.len())
    };
    agent.looks(1)?;
    ensure!(info("shadow")? == 0, "guards without being asked");
    fs::write(
        &file,
        "interval = '50ms'\nguard = 'shadow'\nguard-reserve-watches = 10\nguard-reserve-instances = 2\n",
    )?;
    agent.reload("settings reloaded")?;
    let up = agent.until("a guard, or a reason", || {
        Ok(agent.metrics()?.one("nospace_guard_up").ok())
    })?;
    ensure!(info("shadow")? == 1);
    let page = agent.get("/")?;
    if up > 0.0 {
        ensure!(page.text().contains("refuses none"), "{}", page.text());
        let kept = "nospace_guard_kept{resource=\"watches\",mode=\"shadow\"}";
        agent.until("the accounting sees it", || {
            Ok((agent.metrics()?.one(kept).ok() == Some(10.0)).then_some(()))
        })?;
    } else {
        ensure!(page.text().contains("It is not at work"), "{}", page.text());
        let said = agent.messages().to_owned();
        let why = said.lines().find_map(|line| line.split_once("no guard: "));
        ensure!(why.is_some_and(|(_, why)| why.len() > 20), "{said}");
        // It does all else.
        agent.looks(3)?;
    }
    fs::write(&file, "interval = '50ms'\nguard = 'off'\n")?;
    agent.reload("settings reloaded")?;
    agent.until("no guard", || Ok((info("shadow")? == 0).then_some(())))?;
    let (_, ended) = agent.terminate()?;
    ensure!(ended.success(), "{ended}");
    Ok(())
}

pub fn without_ebpf() -> anyhow::Result<()> {
    let agent = Agent::run(command(&[
        NOSPACE,
        "--no-ebpf",
        "agent",
        "--kube=off",
        "--listen=127.0.0.1:0",
        "--interval=1h",
        "--guard=shadow",
    ]))?;
    let up = agent.until("a reason", || {
        Ok(agent.metrics()?.one("nospace_guard_up").ok())
    })?;
    ensure!(up == 0.0);
    agent.until("it says so", || {
        let said = agent.messages();
        Ok(said.contains("no guard: it needs eBPF").then_some(()))
    })
}
