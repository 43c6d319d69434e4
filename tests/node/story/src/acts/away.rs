//! An API server that is killed, and comes back after a minute.

use std::time::{Duration, Instant};

use super::hog::Hog;
use super::rights::{clear, make_node};
use super::told::text;
use crate::Stage;
use crate::agent::{Agent, RULES, account, condition, events, wait_status};
use crate::node::{Node, wait};

const EXHAUSTED: &str = "InotifyInstancesExhausted";
const MINUTE: Duration = Duration::from_secs(60);

/// The node breaks, heals and breaks again in that minute; and an agent is started in it.
pub fn a_minute(stage: &mut Stage) -> anyhow::Result<()> {
    make_node(&stage.node)?;
    let kubeconfig = account(&stage.node, "nospace-away", RULES)?;
    let mut agent = Agent::start(&stage.nospace, &stage.node, &kubeconfig)?;
    let mut hog = Hog::create(&stage.node, "hog-away")?;
    wait_status(&stage.node, EXHAUSTED, "False", 20)?;
    let stopped = Instant::now();
    stage.node.control("crash", "kube-apiserver")?;
    hog.take_all(&stage.nospace)?;
    std::thread::sleep(Duration::from_secs(5));
    hog.give_back()?;
    std::thread::sleep(Duration::from_secs(40));
    hog.take_all(&stage.nospace)?;
    std::thread::sleep(MINUTE.saturating_sub(stopped.elapsed()));
    let runs = agent.runs()?;
    let tried = agent.requests("error")? + agent.requests("timeout")?;
    back(&stage.node)?;
    let problem = wait_status(&stage.node, EXHAUSTED, "True", 60)?;
    wait(60, "events", || {
        let recovered = events(&stage.node, "Node", "InotifyInstancesRecovered")?;
        Ok(!recovered.is_empty() && !events(&stage.node, "Pod", EXHAUSTED)?.is_empty())
    })?;
    let told = events(&stage.node, "Node", EXHAUSTED)?;
    let twice = told.len() == 1 && told[0]["count"] == 2;
    stage.table.row(
        "the API server is down for a minute; meanwhile instances are used up, released, and used up again",
        &format!(
            "afterwards {EXHAUSTED} True, {} event on the node with count {}, one on the pod, one for the recovery",
            told.len(),
            told.first().map_or(0, |e| e["count"].as_i64().unwrap_or_default()),
        ),
        &format!("the agent kept running; {tried} failed requests; {}", text(&problem, "reason")),
        runs && twice && (2..=20).contains(&tried),
    );
    agent.stop()?;
    started_without(stage, &kubeconfig)?;
    hog.delete(&stage.node)?;
    clear(&stage.node)
}

/// An agent that finds no API server at its start.
fn started_without(stage: &mut Stage, kubeconfig: &std::path::Path) -> anyhow::Result<()> {
    stage.node.kubectl(&["delete", "node", &stage.node.name])?;
    stage.node.control("crash", "kube-apiserver")?;
    let mut agent = Agent::start(&stage.nospace, &stage.node, kubeconfig)?;
    std::thread::sleep(Duration::from_secs(5));
    let (runs, said) = (agent.runs()?, agent.said()?);
    let line = said
        .lines()
        .find(|l| l.contains("cannot reach the API server"))
        .unwrap_or_default();
    let once = said.matches("cannot reach the API server").count();
    back(&stage.node)?;
    wait(60, "word of the node that is not there", || {
        Ok(agent.said()?.contains("in this cluster: set --node-name"))
    })?;
    make_node(&stage.node)?;
    let problem = wait_status(&stage.node, EXHAUSTED, "True", 90)?;
    stage.table.row(
        "an agent starts before there is an API server, then before there is a node",
        &format!("then {EXHAUSTED} {}", text(&problem, "status")),
        line,
        runs && once == 1 && condition(&stage.node, EXHAUSTED)?["status"] == "True",
    );
    agent.stop().map(drop)
}

fn back(node: &Node) -> anyhow::Result<()> {
    node.control("start", "kube-apiserver")?;
    wait(60, "the API server", || {
        Ok(node.kubectl(&["get", "--raw", "/readyz"]).is_ok())
    })
}
