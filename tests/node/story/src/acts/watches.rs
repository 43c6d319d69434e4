//! Watches used up by a pod: the kubelet still runs, and would not start again.

use anyhow::Context as _;
use nospace_core::cause::Cause;
use nospace_core::report::StartVerdict;
use serde_json::Value;

use super::{limits::Limit, pods};
use crate::Stage;
use crate::node::{patience, wait};
use crate::nospace::ebpf;

/// From the exhausted node to the healed one.
pub fn exhausted(stage: &mut Stage) -> anyhow::Result<()> {
    let trace = ebpf().then(|| stage.nospace.trace()).transpose()?;
    stage
        .node
        .apply(&pods::exhaust(&stage.node, "inotify-consumer", "watches"))?;
    wait(120, "watches used up", || {
        let look = stage.nospace.check()?;
        let limits = look.report.limits.context("limits")?;
        Ok(look.root()?.1 >= limits.max_user_watches)
    })?;

    stage.node.apply(&pods::plain(&stage.node, "late"))?;
    stage
        .node
        .wait_ready("late")
        .context("a new pod still starts")?;
    if let Some(trace) = trace {
        traced(stage, &trace.stop()?);
    }

    let look = stage.nospace.check()?;
    let finding = look.critical(Cause::InotifyWatches)?;
    let culprit = finding
        .blame
        .culprits()
        .iter()
        .any(|c| c.to_string().contains("inotify-consumer"));
    let victim = look
        .report
        .findings
        .iter()
        .any(|f| f.victims.iter().any(|v| v.contains("kubelet")));
    let forecast = look.forecast()?;
    let culprits: Vec<String> = finding
        .blame
        .culprits()
        .iter()
        .map(|c| c.to_string())
        .collect();
    stage.table.row(
        "a pod has used up all watches",
        "the kubelet runs",
        &format!(
            "exit {}; {}; culprits {}; kubelet start {:?}",
            look.code,
            finding.title,
            culprits.join(", "),
            forecast.verdict
        ),
        look.code == 2 && culprit && victim && forecast.verdict == StartVerdict::Fails,
    );

    restarted(stage)?;
    tuned(stage)?;
    stage.node.delete("late")
}

/// The call of the kubelet that was refused.
fn traced(stage: &mut Stage, calls: &[Value]) {
    let refused = calls.iter().find(|call| {
        call["comm"] == "kubelet"
            && call["call"] == "inotify_add_watch"
            && call["cause"] == "inotify-watches"
    });
    let path = refused
        .and_then(|call| call["path"].as_str())
        .unwrap_or("none");
    stage.table.row(
        "a pod has used up all watches, a new pod starts",
        "the pod is Ready, the kubelet runs",
        &format!("trace: kubelet refused on {path}"),
        path.starts_with("/sys/fs/cgroup/"),
    );
}

/// The kubelet is started again: it dies, and its log says why.
fn restarted(stage: &mut Stage) -> anyhow::Result<()> {
    stage.node.control("stop", "kubelet")?;
    let before = stage.node.log("kubelet")?.lines().count() as u64;
    let starts = stage.node.kubelet_starts()?;
    stage.table.row(
        "the kubelet is restarted",
        if starts { "it runs" } else { "it exits" },
        "forecast: fails",
        !starts,
    );
    let (code, document) = stage.nospace.explain(&stage.node.log_path("kubelet")?)?;
    let lines: Vec<u64> = document["lines"]
        .as_array()
        .context("lines")?
        .iter()
        .filter(|line| line["cause"] == "inotify-watches")
        .filter_map(|line| line["number"].as_u64())
        .collect();
    let log = stage.node.log("kubelet")?;
    let refusals: Vec<u64> = (1..)
        .zip(log.lines())
        .filter(|(_, line)| line.contains("no space left on device"))
        .map(|(number, _)| number)
        .collect();
    let after = refusals.iter().filter(|number| **number > before).count();
    stage.table.row(
        "explain on the kubelet's log",
        &format!(
            "errors in {}, {after} of them after the start",
            span(&refusals)
        ),
        &format!("exit {code}; inotify-watches in {}", span(&lines)),
        code == 2
            && !lines.is_empty()
            && lines.first() == refusals.first()
            && lines.last() == refusals.last(),
    );
    Ok(())
}

/// The first and last of some line numbers.
fn span(lines: &[u64]) -> String {
    match lines {
        [first, .., last] => format!("lines {first} to {last}"),
        [only] => format!("line {only}"),
        [] => "no line".to_owned(),
    }
}

/// `tune --apply` heals it, `--revert` takes that back.
fn tuned(stage: &mut Stage) -> anyhow::Result<()> {
    let read = || std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    let before = read()?;
    let limit = Limit::of("max_user_watches")?;
    let other = Limit::of("max_user_instances")?;
    stage.nospace.tune("--apply")?;
    let starts = stage.node.kubelet_starts()?;
    let ready = format!("node/{}", stage.node.name);
    stage.node.kubectl(&[
        "wait",
        "--for=condition=Ready",
        &ready,
        &format!("--timeout={}s", 60 * patience()),
    ])?;
    let look = stage.nospace.check()?;
    stage.table.row(
        "tune --apply",
        &format!(
            "the kubelet {}, node Ready",
            if starts { "runs" } else { "exits" }
        ),
        &format!("exit {}: {}", look.code, look.titles()),
        starts && look.is_well(),
    );
    stage.node.delete("inotify-consumer")?;
    stage.nospace.tune("--revert")?;
    let after = read()?;
    stage.table.row(
        "tune --revert",
        &format!("max_user_watches {}", after.trim()),
        &format!("was {}", before.trim()),
        before == after,
    );
    drop((limit, other));
    Ok(())
}
