//! Instances used up: `kubectl logs -f` fails, containerd restarted has no CRI plugin.

use std::process::Command;

use anyhow::Context as _;
use nospace_core::cause::Cause;
use nospace_core::model::Runtime;
use nospace_core::report::StartVerdict;

use super::limits::Limit;
use super::pods;
use crate::Stage;
use crate::node::{self, wait};

/// From the exhausted node to the healed one.
pub fn exhausted(stage: &mut Stage) -> anyhow::Result<()> {
    stage.node.apply(&pods::plain(&stage.node, "web"))?;
    stage.node.wait_ready("web")?;
    stage
        .node
        .apply(&pods::exhaust(&stage.node, "inotify-consumer", "instances"))?;
    wait(60, "instances used up", || {
        let look = stage.nospace.check()?;
        let limits = look.report.limits.context("limits")?;
        Ok(look.root()?.0 >= limits.max_user_instances)
    })?;

    let look = stage.nospace.check()?;
    let finding = look.critical(Cause::InotifyInstances)?;
    let culprit = finding
        .blame
        .culprits()
        .iter()
        .any(|c| c.to_string().contains("inotify-consumer"));
    let forecast = look.forecast()?;
    stage.table.row(
        "a pod has used up all instances",
        "the kubelet runs",
        &format!(
            "exit {}; {}; kubelet start {:?}",
            look.code, finding.title, forecast.verdict
        ),
        look.code == 2 && culprit && forecast.verdict != StartVerdict::Starts,
    );

    followed(stage)?;
    match node::runtime() {
        // The act crio-start is about that.
        Runtime::CriO => stage.node.delete("inotify-consumer")?,
        _ => runtime_restarted(stage)?,
    }
    stage.node.delete("web")
}

/// `kubectl logs -f` prints its error and ends with 0.
fn followed(stage: &mut Stage) -> anyhow::Result<()> {
    let output = Command::new("timeout")
        .args(["10", "kubectl", "logs", "-f", "web"])
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    let log = std::env::temp_dir().join("nospace-story-logs-f");
    std::fs::write(&log, &said)?;
    let (_, document) = stage.nospace.explain(&log)?;
    let cause = document["causes"][0]["cause"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    stage.table.row(
        "kubectl logs -f",
        &format!("{said} (exit {})", output.status.code().unwrap_or(-1)),
        &cause,
        cause == "inotify-instances",
    );
    Ok(())
}

/// containerd started while instances are used up has no CRI plugin, and nospace says so.
fn runtime_restarted(stage: &mut Stage) -> anyhow::Result<()> {
    stage.node.control("stop", "containerd")?;
    let before = stage.node.log("containerd")?.lines().count() as u64;
    // What it gave back somebody else has taken.
    let limit = Limit::of("max_user_instances")?;
    limit.set(stage.nospace.check()?.root()?.0)?;
    stage.node.control("start", "containerd")?;
    let plugins = || {
        node::text(
            Command::new("ctr").args(["plugins", "ls"]),
            "ctr plugins ls",
        )
    };
    wait(30, "containerd", || Ok(plugins().is_ok()))?;
    let state = plugins()?;
    let cri = state
        .lines()
        .find(|line| line.contains(" cri "))
        .unwrap_or("no line")
        .trim();

    let look = stage.nospace.check()?;
    let finding = look.critical(Cause::InotifyInstances)?;
    let restart = finding
        .remedies
        .iter()
        .find(|r| r.command.contains("restart containerd"));
    let log = stage.node.log_path("containerd")?;
    let cause = stage.nospace.cause_after(before, &log)?;
    stage.table.row(
        "containerd started with no instances left",
        &format!(
            "runs; {}",
            cri.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
        &format!(
            "{cause}; {}",
            restart.map_or_else(|| look.titles(), |r| r.command.clone())
        ),
        cri.ends_with("error") && cause == "inotify-instances" && restart.is_some(),
    );
    drop(limit);
    stage.node.control("stop", "containerd")?;
    stage.node.control("start", "containerd")?;
    wait(60, "containerd's CRI plugin", || {
        Ok(plugins().is_ok_and(|all| {
            all.lines()
                .any(|l| l.contains(" cri ") && l.trim().ends_with("ok"))
        }))
    })?;
    stage.node.delete("inotify-consumer")
}
