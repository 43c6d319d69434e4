//! What the agent may do is enough, and less is not.

use std::time::Duration;

use super::hog::Hog;
use crate::Stage;
use crate::agent::{Agent, RULES, account, condition, events};
use crate::node::{Node, wait};

const CONDITION: &str = "InotifyInstancesExhausted";
const EVENT: &str = "InotifyInstancesExhausted";

/// The documented rules, and each of them taken away.
pub fn least(stage: &mut Stage) -> anyhow::Result<()> {
    make_node(&stage.node)?;
    let mut hog = Hog::create(&stage.node, "hog-rights")?;
    hog.take_all(&stage.nospace)?;
    for (name, without, told) in [
        ("no-status", "resources: [nodes/status]", (false, true)),
        ("no-events", "resources: [events]", (true, false)),
        ("no-event-create", "verbs: [create, patch]", (true, false)),
        ("all", "", (true, true)),
    ] {
        with_rules(stage, name, without, told)?;
    }
    hog.delete(&stage.node)?;
    clear(&stage.node)
}

/// An agent that may do all but one thing.
fn with_rules(
    stage: &mut Stage,
    name: &str,
    without: &str,
    told: (bool, bool),
) -> anyhow::Result<()> {
    let lesser = match without.split_once(':') {
        Some(("resources", _)) => RULES.replace(without, "resources: [bindings]"),
        Some(_) => RULES.replace(without, "verbs: [patch]"),
        None => RULES.to_owned(),
    };
    let kubeconfig = account(&stage.node, &format!("nospace-{name}"), &lesser)?;
    let agent = Agent::start(&stage.nospace, &stage.node, &kubeconfig)?;
    wait(20, "an answer", || {
        Ok(agent.metrics().is_ok() && agent.requests("ok")? + agent.requests("refused")? >= 2)
    })?;
    // What is refused is tried again in a second, what is not needs none.
    std::thread::sleep(Duration::from_secs(2));
    let conditions = condition(&stage.node, CONDITION)?["status"] == "True";
    let noted = !events(&stage.node, "Node", EVENT)?.is_empty();
    let said = agent.said()?;
    let refusal = said
        .lines()
        .find(|l| l.contains("not allowed to publish"))
        .unwrap_or("nothing refused");
    stage.table.row(
        &match without {
            "" => "the documented permissions".to_owned(),
            _ => format!("the documented permissions without {without}"),
        },
        &format!("condition set: {conditions}, event posted: {noted}"),
        refusal,
        (conditions, noted) == told && (told == (true, true)) == (refusal == "nothing refused"),
    );
    agent.stop()?;
    clear(&stage.node)
}

/// A node as a kubelet registers it.
pub fn make_node(node: &Node) -> anyhow::Result<()> {
    node.apply(&format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: {}}}\n",
        node.name
    ))
}

/// No condition and no event: the node is made anew.
pub fn clear(node: &Node) -> anyhow::Result<()> {
    node.kubectl(&["delete", "events", "--all"])?;
    node.kubectl(&["delete", "node", &node.name])?;
    make_node(node)
}
