//! A node that breaks and heals, as `kubectl` shows it.

use anyhow::Context as _;
use serde_json::Value;

use super::hog::Hog;
use super::rights::{clear, make_node};
use crate::Stage;
use crate::agent::{Agent, RULES, account, condition, events, wait_status};
use crate::node::{Node, wait};

const EXHAUSTED: &str = "InotifyInstancesExhausted";

/// Set, flipped and cleared; one event each; nobody else's conditions touched.
pub fn conditions(stage: &mut Stage) -> anyhow::Result<()> {
    make_node(&stage.node)?;
    others(&stage.node)?;
    let kubeconfig = account(&stage.node, "nospace-told", RULES)?;
    let agent = Agent::start(&stage.nospace, &stage.node, &kubeconfig)?;
    let healthy = wait_status(&stage.node, EXHAUSTED, "False", 20)?;
    let types = types(&stage.node)?;
    stage.table.row(
        "a healthy node",
        &types.join(", "),
        &format!(
            "{}: {}",
            text(&healthy, "reason"),
            text(&healthy, "message")
        ),
        types.len() == 6,
    );
    let mut hog = Hog::create(&stage.node, "hog")?;
    broken(stage, &mut hog, &healthy)?;
    agent_anew(stage, agent, &kubeconfig, &mut hog)?;
    hog.delete(&stage.node)?;
    clear(&stage.node)
}

fn broken(stage: &mut Stage, hog: &mut Hog, before: &Value) -> anyhow::Result<()> {
    // So that a flip is in another second.
    std::thread::sleep(std::time::Duration::from_secs(2));
    hog.take_all(&stage.nospace)?;
    let problem = wait_status(&stage.node, EXHAUSTED, "True", 20)?;
    let flipped = problem["lastTransitionTime"] != before["lastTransitionTime"];
    let message = text(&problem, "message");
    stage.table.row(
        "a pod takes all instances of a user",
        &format!("{EXHAUSTED} True, flipped: {flipped}"),
        &format!("{}: {message}", text(&problem, "reason")),
        flipped && message.contains("pod default/hog") && message.contains("nospace tune --apply"),
    );
    // A dozen looks more.
    std::thread::sleep(std::time::Duration::from_secs(12));
    let on_node = events(&stage.node, "Node", EXHAUSTED)?;
    let on_pod = events(&stage.node, "Pod", EXHAUSTED)?;
    let one = |events: &[Value]| events.len() == 1 && events[0]["count"] == 1;
    stage.table.row(
        "a dozen checks later",
        &format!(
            "{} event on the node, {} on the pod",
            on_node.len(),
            on_pod.len()
        ),
        &on_pod
            .first()
            .map(|e| text(e, "message"))
            .unwrap_or_default(),
        one(&on_node) && one(&on_pod) && on_pod[0]["involvedObject"]["name"] == "hog",
    );
    println!(
        "{}",
        stage
            .node
            .kubectl(&["describe", "node", &stage.node.name])?
    );
    println!("{}", stage.node.kubectl(&["describe", "pod", "hog"])?);
    let untouched = condition(&stage.node, "KernelDeadlock")?["message"] == "none seen"
        && condition(&stage.node, "Ready")?["reason"] == "KubeletReady";
    let ours = {
        kubelet_patches(&stage.node)?;
        condition(&stage.node, EXHAUSTED)?["status"] == "True"
    };
    stage.table.row(
        "conditions of node-problem-detector and kubelet",
        &format!("untouched: {untouched}"),
        &format!("ours after the kubelet's next patch: {ours}"),
        untouched && ours,
    );
    Ok(())
}

/// SIGTERM leaves what holds; the next agent knows since when, adds to the events of the one before, and tells the end.
fn agent_anew(
    stage: &mut Stage,
    agent: Agent,
    kubeconfig: &std::path::Path,
    hog: &mut Hog,
) -> anyhow::Result<()> {
    let before = condition(&stage.node, EXHAUSTED)?;
    let took = agent.stop()?;
    let left = condition(&stage.node, EXHAUSTED)?;
    let agent = Agent::start(&stage.nospace, &stage.node, kubeconfig)?;
    wait(20, "the event's count", || {
        let events = events(&stage.node, "Node", EXHAUSTED)?;
        Ok(events.iter().any(|e| e["count"] == 2) || events.len() > 1)
    })
    .with_context(|| agent.said().unwrap_or_default())?;
    let after = condition(&stage.node, EXHAUSTED)?;
    let kept = before["lastTransitionTime"] == after["lastTransitionTime"];
    let events_now = events(&stage.node, "Node", EXHAUSTED)?.len();
    stage.table.row(
        "SIGTERM, and another agent",
        &format!(
            "condition still {}, same transition time: {kept}, {events_now} event",
            text(&left, "status")
        ),
        &format!("stopped within a second: {}", took.as_millis() < 1_000),
        left == before && kept && events_now == 1 && took.as_millis() < 1_000,
    );
    hog.give_back()?;
    let healed = wait_status(&stage.node, EXHAUSTED, "False", 60)?;
    let flipped = healed["lastTransitionTime"] != after["lastTransitionTime"];
    wait(20, "the event of the end", || {
        Ok(!events(&stage.node, "Node", "InotifyInstancesRecovered")?.is_empty())
    })?;
    let over = events(&stage.node, "Node", "InotifyInstancesRecovered")?;
    stage.table.row(
        "the pod releases them",
        &format!("{EXHAUSTED} False, flipped: {flipped}"),
        &text(&over[0], "message"),
        flipped && over.len() == 1 && over[0]["type"] == "Normal",
    );
    agent.stop().map(drop)
}

/// What node-problem-detector and a kubelet would have set.
fn others(node: &Node) -> anyhow::Result<()> {
    let patch = r#"{"status":{"conditions":[
        {"type":"KernelDeadlock","status":"False","reason":"KernelHasNoDeadlock","message":"none seen"},
        {"type":"Ready","status":"True","reason":"KubeletReady","message":"kubelet is posting ready status"}]}}"#;
    strategic(node, patch, "node-problem-detector")
}

fn kubelet_patches(node: &Node) -> anyhow::Result<()> {
    let patch = r#"{"status":{"$setElementOrder/conditions":[{"type":"Ready"}],"conditions":[
        {"type":"Ready","lastHeartbeatTime":"2030-01-01T00:00:00Z"}]}}"#;
    strategic(node, patch, "kubelet")
}

fn strategic(node: &Node, patch: &str, manager: &str) -> anyhow::Result<()> {
    let manager = format!("--field-manager={manager}");
    let arguments = [
        "patch",
        "node",
        &node.name,
        "--subresource=status",
        "--type=strategic",
        &manager,
        "-p",
        patch,
    ];
    node.kubectl(&arguments).map(drop)
}

fn types(node: &Node) -> anyhow::Result<Vec<String>> {
    let path = "jsonpath={.status.conditions[*].type}";
    let all = node.kubectl(&["get", "node", &node.name, "-o", path])?;
    Ok(all.split_whitespace().map(str::to_owned).collect())
}

/// A field as text.
pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
