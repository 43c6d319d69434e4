//! In a mount namespace whose two sysctls are files: the node's own stay as they are.

use std::fs;

use anyhow::ensure;

use crate::agent::{Agent, command};
use crate::support::NOSPACE;

pub fn raises() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (watches, instances) = (path("watches"), path("instances"));
    fs::write(&watches, "8192\n")?;
    fs::write(&instances, "128\n")?;
    let script = format!(
        "mount --bind {watches} /proc/sys/fs/inotify/max_user_watches && \
         mount --bind {instances} /proc/sys/fs/inotify/max_user_instances && exec \"$0\" \"$@\""
    );
    let run = |options: &[&str]| {
        let mut command = command(&["unshare", "-m", "sh", "-c", &script, NOSPACE, "agent"]);
        command
            .args(["--kube=off", "--listen=127.0.0.1:0", "--interval=200ms"])
            .args(options);
        Agent::run(command)
    };
    let agent = run(&[])?;
    agent.looks(2)?;
    ensure!(
        fs::read_to_string(&watches)?.trim() == "8192",
        "raised without being asked"
    );
    ensure!(
        agent
            .metrics()?
            .with("nospace_limit_raises_total", &[])
            .is_empty()
    );
    drop(agent);
    let agent = run(&["--tune", "--tune-ceiling=watches=100000"])?;
    agent.looks(2)?;
    ensure!(fs::read_to_string(&watches)?.trim() == "100000");
    ensure!(fs::read_to_string(&instances)?.trim() == "8192");
    let samples = agent.metrics()?;
    let sysctl = "{sysctl=\"fs.inotify.max_user_watches\"}";
    ensure!(samples.one(&format!("nospace_limit_raised{sysctl}"))? == 100_000.0);
    ensure!(samples.one(&format!("nospace_limit_raises_total{sysctl}"))? == 1.0);
    // Someone who lowers it afterwards has reasons, and nothing is under pressure.
    fs::write(&watches, "50000\n")?;
    agent.looks(3)?;
    ensure!(fs::read_to_string(&watches)?.trim() == "50000");
    drop(agent);
    fs::write(&watches, "4000000\n")?;
    let agent = run(&["--tune"])?;
    agent.looks(2)?;
    ensure!(fs::read_to_string(&watches)?.trim() == "4000000", "lowered");
    Ok(())
}
