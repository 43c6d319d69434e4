//! `nospace cluster` with two real kubelets, of which one ends.

use std::path::Path;

use nospace_core::fleet::Fleet;
use nospace_core::model::Runtime;

use super::cluster_debug::{account, fleet, listed, start};
use super::pods;
use crate::Stage;
use crate::node::{IMAGE, Node, patience, runtime, wait};

const AGENTS: [&str; 2] = ["agent-1", "agent-2"];
const NAMESPACE: &str = "apiVersion: v1
kind: Namespace
metadata: {name: nospace}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: nospace}
";

/// Both answer, one ends, it comes back.
pub fn at_once(stage: &mut Stage) -> anyhow::Result<()> {
    if runtime() != Runtime::Containerd {
        println!("  the second node is one of containerd: not played");
        return Ok(());
    }
    let account = account(&stage.node)?;
    let second = stage.node.second_node();
    second.second("start", "containerd")?;
    second.second("start", "kubelet")?;
    let place = format!("node/{}", second.name);
    let ready = ["wait", "--for=condition=Ready", &place, "--timeout=1s"];
    wait(120, "the second node's Ready", || {
        Ok(second.kubectl(&ready).is_ok())
    })?;
    agents(stage, &second)?;
    own_state(stage, &second)?;

    compare(stage, &account, "two kubelets", 30, [2, 2])?;
    second.second("stop", "kubelet")?;
    // Its containers go on, and with them its agent.
    let ended = "one of two kubelets has ended";
    compare(stage, &account, ended, 8, [2, 1])?;
    second.second("start", "kubelet")?;
    wait(60, "the second kubelet's answer", || {
        let logs = second.kubectl(&["logs", "-n", "nospace", AGENTS[1]]);
        Ok(logs.is_ok())
    })?;
    compare(stage, &account, "it runs again", 30, [2, 2])?;

    for agent in AGENTS {
        second.kubectl(&["delete", "pod", "-n", "nospace", agent])?;
    }
    second.second("stop", "kubelet")?;
    second.second("stop", "containerd")?;
    second.kubectl(&["delete", &place]).map(drop)
}

/// A container of ctr on the second node, whose containerd has a state directory of its own.
fn own_state(stage: &mut Stage, second: &Node) -> anyhow::Result<()> {
    second.second("lonely", "start")?;
    let look = stage.nospace.check()?;
    let mut containers = look.report.containers.iter();
    let held = containers
        .find(|one| one.id == "lonely")
        .map(|one| (one.instances, one.watches));
    let expected = match Path::new("/sys/fs/cgroup/memory").exists() {
        true => (1, 3),
        // Its shim holds one for it with cgroup version 2.
        false => (2, 5),
    };
    stage.table.row(
        "ctr run, by a containerd with --state",
        "a container, lonely",
        &format!("lonely holds {held:?}"),
        held == Some(expected),
    );
    second.second("lonely", "stop")
}

/// An agent on each node, Ready.
fn agents(stage: &Stage, second: &Node) -> anyhow::Result<()> {
    stage.node.apply(NAMESPACE)?;
    for (agent, node) in AGENTS.into_iter().zip([&stage.node, second]) {
        node.apply(&pods::agent(node, agent))?;
    }
    for agent in AGENTS {
        let pod = format!("pod/{agent}");
        let ready = ["wait", "-n", "nospace", "--for=condition=Ready", &pod];
        second.kubectl(&[&ready[..], &[&format!("--timeout={}s", 60 * patience())]].concat())?;
    }
    Ok(())
}

/// Asks by agents and by pods: `answers` nodes answer, and no pod is left.
fn compare(
    stage: &mut Stage,
    account: &Path,
    what: &str,
    seconds: u64,
    answers: [usize; 2],
) -> anyhow::Result<()> {
    let timeout = format!("{}s", seconds * patience());
    for (source, expected) in ["agents", "debug"].into_iter().zip(answers) {
        let mut run = stage
            .nospace
            .command(&["cluster", "-o", "json", "--timeout", &timeout]);
        if source == "debug" {
            run.args(["--via", source, "--image", IMAGE])
                .env("KUBECONFIG", account);
        }
        let (fleet, code) = fleet(start(&mut run)?)?;
        let left = listed(&stage.node)?;
        let answered = fleet.rows.iter().filter(|row| row.summary().is_some());
        let right = fleet.rows.len() == 2 && answered.count() == expected && left.is_empty();
        let seen = format!("{} pods of nospace cluster left", left.len());
        let said = format!("exit {}; {}", code.unwrap_or(-1), said(&fleet));
        let scenario = format!("cluster by {source}: {what}");
        stage.table.row(&scenario, &seen, &said, right);
    }
    Ok(())
}

/// Whether each node answers.
fn said(fleet: &Fleet) -> String {
    let rows = fleet.rows.iter().map(|row| match row.failure() {
        None => format!("{} answers", row.node),
        Some(failure) => format!("{}: {failure}", row.node),
    });
    rows.collect::<Vec<_>>().join("; ")
}
