//! The guard on a whole node: a pod takes all that it gets, and the kubelet still starts.

use anyhow::{Context as _, ensure};
use nospace_core::model::InotifyResource;
use nospace_core::report::StartVerdict;
use serde_json::Value;

use super::limits::Limit;
use super::pods;
use super::told::text;
use crate::Stage;
use crate::agent::{Agent, RULES, account, events, wait_status};
use crate::node::{patience, wait};
use crate::nospace::Look;
use crate::nospace::ebpf;

const DOWN: &str = "InotifyGuardDown";
const REFUSED: &str = "InotifyRefused";
const INSTANCES: u64 = 1024;

/// Where the kernel lets it, the agent enforces a reserve of both resources.
pub fn kept(stage: &mut Stage) -> anyhow::Result<()> {
    if !ebpf() {
        println!("  a guard needs eBPF: not played");
        return Ok(());
    }
    let hooks = hooks(stage)?;
    let kubeconfig = account(&stage.node, "nospace-guard", RULES)?;
    let options = ["--guard", "enforce"];
    let agent = Agent::start_with(&stage.nospace, &stage.node, &kubeconfig, &options)?;
    let Some(hooks) = hooks else {
        return refused(stage, agent);
    };
    // What takes watches takes some instances for them.
    let instances = Limit::of("max_user_instances")?;
    instances.set(INSTANCES)?;
    wait(60, "the guard at work", || up(&agent))
        .with_context(|| agent.said().unwrap_or_default())?;
    let condition = wait_status(&stage.node, DOWN, "False", 60)?;
    let kept = kept_now(&agent)?;
    stage.table.row(
        "agent --guard enforce",
        &format!("hooks: {hooks}"),
        &text(&condition, "message"),
        kept.iter().all(|kept| *kept > 0),
    );
    for resource in InotifyResource::BOTH {
        held_by_one(stage, &agent, resource).with_context(|| agent.said().unwrap_or_default())?;
    }
    agent.stop()?;
    let guards = stage.nospace.check()?.report.guards;
    let running = guards.context("guards are not known")?.running.len();
    stage.table.row(
        "the agent ends",
        "nothing is kept any more",
        &format!("{running} guards"),
        running == 0,
    );
    Ok(())
}

/// The hooks that hold here; `None`, after a row that says why, where the kernel keeps no reserve of both.
fn hooks(stage: &mut Stage) -> anyhow::Result<Option<String>> {
    let output = stage
        .nospace
        .command(&["guard", "--probe", "-o", "json"])
        .output()
        .context("nospace guard --probe")?;
    let probe: Value = serde_json::from_slice(&output.stdout).context("the probe's JSON")?;
    let resources = probe["resources"].as_array().context("resources")?;
    if resources.iter().all(|one| one["verdict"] == "enforce") {
        let hooks = resources.iter().map(|one| text(one, "hook"));
        return Ok(Some(hooks.collect::<Vec<_>>().join(", ")));
    }
    // Such a kernel refuses the trampoline of a trace program, too.
    let tried = probe["hooks"].as_array().into_iter().flatten();
    let reasons: Vec<String> = tried.map(|hook| text(hook, "reason")).collect();
    let trampolines = reasons.iter().any(|reason| reason.contains("trampoline"));
    stage.table.row(
        "the guard's probe",
        "this kernel refuses BPF trampolines, so the guard is not tested here",
        &format!(
            "exit {}; {}",
            output.status.code().unwrap_or(-1),
            reasons.first().map_or("", String::as_str)
        ),
        output.status.code() == Some(1) && trampolines,
    );
    Ok(None)
}

/// A kernel that keeps no reserve: the API server has the reason.
fn refused(stage: &mut Stage, agent: Agent) -> anyhow::Result<()> {
    let condition = wait_status(&stage.node, DOWN, "True", 60)
        .with_context(|| agent.said().unwrap_or_default())?;
    let message = text(&condition, "message");
    let up = agent.metrics()?.contains("\nnospace_guard_up 0\n");
    stage.table.row(
        "agent --guard enforce",
        &format!("{DOWN} True; nospace_guard_up 0: {up}"),
        &message,
        up && message.contains("on this kernel"),
    );
    agent.stop().map(drop)
}

fn up(agent: &Agent) -> anyhow::Result<bool> {
    // It listens before its first look.
    Ok(agent
        .metrics()
        .is_ok_and(|metrics| metrics.contains("\nnospace_guard_up 1\n")))
}

/// What is kept of watches and instances.
fn kept_now(agent: &Agent) -> anyhow::Result<Vec<u64>> {
    let metrics = agent.metrics()?;
    let rows = metrics
        .lines()
        .filter(|line| line.starts_with("nospace_guard_kept{"));
    rows.map(|line| {
        let (_, value) = line.rsplit_once(' ').context("a value")?;
        Ok(value.parse()?)
    })
    .collect()
}

/// A pod takes all of one resource that it gets; then another pod, the kubelet and the API server's view of it.
fn held_by_one(stage: &mut Stage, agent: &Agent, resource: InotifyResource) -> anyhow::Result<()> {
    let word = resource.unit();
    let pod = format!("greedy-{word}");
    stage.node.apply(&pods::exhaust(&stage.node, &pod, word))?;
    let counted = format!(
        "nospace_guard_refused_total{{resource=\"{word}\",namespace=\"default\",pod=\"{pod}\"}}"
    );
    wait(120, "a call that the guard refused", || {
        Ok(agent.metrics()?.contains(&counted))
    })?;
    let look = stage.nospace.check()?;
    let forecast = look.forecast()?;
    stage.table.row(
        &format!("a pod takes all {word} that it gets"),
        &budget(&look, resource)?,
        &format!(
            "exit {}; {}; kubelet start {:?}",
            look.code,
            look.titles(),
            forecast.verdict
        ),
        look.code == 2
            && look.titles().contains("keeps the last")
            && forecast.verdict == StartVerdict::Starts,
    );

    stage.node.control("stop", "kubelet")?;
    let starts = stage.node.kubelet_starts()?;
    stage.table.row(
        &format!("the kubelet is restarted while a pod holds those {word}"),
        if starts { "it starts" } else { "it exits" },
        "forecast: starts",
        starts,
    );
    ensure!(starts, "the kubelet does not start beside the guard");

    let late = format!("late-{word}");
    stage.node.apply(&pods::plain(&stage.node, &late))?;
    let ready = stage.node.wait_ready(&late);
    stage.table.row(
        &format!("a pod that starts while another holds those {word}"),
        if ready.is_ok() { "Ready" } else { "not Ready" },
        "the runtime and the kubelet have the reserve",
        ready.is_ok(),
    );

    let of_pod = |event: &Value| event["involvedObject"]["name"] == pod.as_str();
    let mut messages = Vec::new();
    wait(90, "an event on the pod", || {
        let all = events(&stage.node, "Pod", REFUSED)?;
        let ours = all.iter().filter(|event| of_pod(event));
        messages = ours.map(|event| text(event, "message")).collect();
        Ok(!messages.is_empty())
    })?;
    stage.table.row(
        &format!("events on pods, {word}"),
        &format!("{} on {pod}", messages.len()),
        &messages.concat(),
        messages.iter().all(|message| message.contains(word)),
    );
    wait_status(&stage.node, DOWN, "False", 30)?;
    for pod in [&pod, &late] {
        stage.node.delete(pod)?;
    }
    wait(30 * patience(), "the reserve is free again", || {
        Ok(!stage.nospace.check()?.titles().contains("keeps the last"))
    })
}

/// Used, limit and reserve of root's budget, as the kernel has them.
fn budget(look: &Look, resource: InotifyResource) -> anyhow::Result<String> {
    let (instances, watches) = look.root()?;
    let limits = look.report.limits.context("limits")?;
    let (used, limit) = match resource {
        InotifyResource::Watches => (watches, limits.max_user_watches),
        InotifyResource::Instances => (instances, limits.max_user_instances),
    };
    Ok(format!("{used} of {limit} used; the kubelet runs"))
}
