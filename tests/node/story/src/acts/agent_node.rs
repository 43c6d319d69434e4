//! The agent on a whole node: a pod takes the watches, and a real kubelet goes on patching the same status.

use std::time::Duration;

use anyhow::Context as _;

use super::pods;
use super::told::text;
use crate::Stage;
use crate::agent::{Agent, RULES, account, condition, events, wait_status};
use crate::node::{patience, wait};

const WATCHES: &str = "InotifyWatchesExhausted";
const START: &str = "KubeletStartAtRisk";

/// The guest's kernel, Linux 6.1, takes five seconds to let a trace go (docs/agent.md), and is emulated.
fn longest_end() -> Duration {
    Duration::from_secs(if patience() > 1 { 10 } else { 1 })
}

/// Conditions and events while the kubelet runs, and after it has patched the status again.
pub fn reported(stage: &mut Stage) -> anyhow::Result<()> {
    let kubeconfig = account(&stage.node, "nospace-node", RULES)?;
    let agent = Agent::start(&stage.nospace, &stage.node, &kubeconfig)?;
    let healthy = wait_status(&stage.node, START, "False", 20)?;
    let pod = "agent-consumer";
    let manifest = pods::exhaust(&stage.node, pod, "watches");
    stage.node.apply(&manifest)?;
    wait_status(&stage.node, START, "True", 120)
        .with_context(|| agent.said().unwrap_or_default())?;
    let watches = wait_status(&stage.node, WATCHES, "True", 30)?;
    let start = condition(&stage.node, START)?;
    wait(20, "events", || {
        Ok(!events(&stage.node, "Pod", WATCHES)?.is_empty())
    })?;
    // The kubelet patches the status every 2 s here.
    let beat = |kind: &str| condition(&stage.node, kind).map(|c| text(&c, "lastHeartbeatTime"));
    let before = beat("Ready")?;
    wait(60, "the kubelet's next heartbeat", || {
        Ok(beat("Ready")? != before)
    })
    .or_else(|_| stage.node.control("running", "kubelet").map(drop))?;
    let after = condition(&stage.node, WATCHES)?;
    let ready = condition(&stage.node, "Ready")?;
    let on_node = events(&stage.node, "Node", WATCHES)?.len();
    let on_pod = events(&stage.node, "Pod", WATCHES)?;
    let named = on_pod.iter().all(|e| e["involvedObject"]["name"] == pod) && on_pod.len() == 1;
    stage.table.row(
        "the agent, while a pod takes all watches",
        &format!(
            "{WATCHES} and {START} True, Ready {}; {on_node} event on the node, {} on the pod",
            text(&ready, "status"),
            on_pod.len()
        ),
        &text(&start, "message"),
        after == watches && ready["status"] == "True" && on_node == 1 && named,
    );
    println!(
        "{}",
        stage
            .node
            .kubectl(&["describe", "node", &stage.node.name])?
    );
    stage.node.delete(pod)?;
    let healed = wait_status(&stage.node, START, "False", 90)?;
    wait_status(&stage.node, WATCHES, "False", 30)?;
    let took = agent.stop()?;
    stage.table.row(
        "the pod is deleted",
        &format!(
            "{WATCHES} and {START} False; the agent stops in {} ms",
            took.as_millis()
        ),
        &text(&healed, "message"),
        healed["lastTransitionTime"] != healthy["lastTransitionTime"] && took < longest_end(),
    );
    Ok(())
}
