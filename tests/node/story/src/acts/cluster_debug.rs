//! `nospace cluster --via debug`: pods that check a node and leave nothing behind, with the documented rights alone.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nospace_core::fleet::{Fleet, Row};
use nospace_core::model::Provenance;
use nospace_core::report::Report;
use rustix::process::{Pid, Signal, kill_process};

use super::pods;
use crate::Stage;
use crate::agent::kubeconfig_of;
use crate::node::{IMAGE, Node, patience, wait};
use crate::nospace::{Nospace, ebpf};

const ROLES: &str = include_str!("../../../../../deploy/kubernetes/cluster-debug/rbac.yaml");
const PAGE: &str = include_str!("../../../../../docs/cluster.md");
const NAME: &str = "nospace-cluster-debug";
const PODS: &str = "app.kubernetes.io/managed-by=nospace-cluster";

/// The whole act.
pub fn nothing_installed(stage: &mut Stage) -> anyhow::Result<()> {
    let kubeconfig = account(&stage.node)?;
    let nospace = Nospace::at(stage.nospace.path());
    let run_of = |image: &str, arguments: &[&str]| {
        let mut command = nospace.command(&["cluster", "--via", "debug", "--image", image]);
        command.args(arguments).env("KUBECONFIG", &kubeconfig);
        command
    };
    let run = |arguments: &[&str]| run_of(IMAGE, arguments);
    let limit = 5 * patience();
    let node = &stage.node;
    stage.node.apply(&pods::web(node, "web-0", 5))?;
    stage.node.wait_ready("web-0")?;

    // Killed in the middle: what is left ends by itself, and is removed by a later run.
    let mut killed = start(&mut run(&["--timeout", &format!("{limit}s")]))?;
    seen(node)?;
    let began = Instant::now();
    killed.kill()?;
    killed.wait()?;
    let left = listed(node)?;
    ensure!(left.len() == 1, "after SIGKILL: {left:?}");

    let child = start(&mut run(&["-o", "json"]))?;
    wait(20, "a second pod", || Ok(listed(node)?.len() == 2))?;
    let (fleet, code) = fleet(child)?;
    let row = fleet.rows.first().context("no row")?;
    let summary = row.summary().with_context(|| format!("{row:?}"))?;
    let own = stage.nospace.check()?;
    let expected = held_by_web(&own.report).context("web-0 holds nothing")?;
    let web = summary
        .workloads
        .iter()
        .find(|one| one.workload.name.starts_with("web"));
    let held = web.map(|one| (one.instances, one.watches));
    let right = summary.limits == own.report.limits
        && held == Some(expected)
        && (summary.workloads_provenance == Provenance::Exact) == ebpf()
        && row.node == node.name
        && row.age_seconds.is_some_and(|age| age < 60)
        && code == Some(i32::from(fleet.status.exit_code()))
        && listed(node)? == left;
    let said = format!(
        "{}; web-0 holds {held:?}, {:?}; {}",
        summary.headline,
        summary.workloads_provenance,
        summary.unseen.join("; ")
    );
    let row_said = "1 pod seen, and gone after the run";
    stage
        .table
        .row("cluster --via debug", row_said, &said, right);

    let output = run(&[&stage.node.name, "-o", "json"]).output()?;
    let report: Report = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let held = held_by_web(&report);
    let right = held == Some(expected) && listed(&stage.node)? == left;
    let said = format!("the whole report; web-0 holds {held:?}");
    stage.table.row(
        "cluster NODE --via debug",
        "the pod is gone after the run",
        &said,
        right,
    );

    stopped(stage, &mut run(&[]), &left)?;
    refused(
        stage,
        &mut run_of(
            "localhost/no-such-image:1",
            &["--timeout", &format!("{}s", 4 * patience())],
        ),
    )?;
    least(stage, &run)?;
    kubectl_debug(stage)?;

    columns(stage)?;

    // Deadline and grace of the run that was killed.
    std::thread::sleep(Duration::from_secs(limit + 10 + 22).saturating_sub(began.elapsed()));
    let phase = stage.node.kubectl(&[
        "get",
        "pods",
        "-l",
        PODS,
        "-o",
        "jsonpath={.items[*].status.phase}",
    ])?;
    let output = run(&[]).output()?;
    let after = listed(&stage.node)?;
    stage.table.row(
        "SIGKILL in the middle of a run",
        &format!(
            "its pod has ended ({phase}); after the next run {} pods",
            after.len()
        ),
        &format!("exit {:?}", output.status.code()),
        after.is_empty() && matches!(phase.as_str(), "Succeeded" | "Failed"),
    );
    stage.node.delete("web-0")
}

/// What its container holds, with cgroup version 2 also its shims.
fn held_by_web(report: &Report) -> Option<(u64, u64)> {
    let web = report.pods.iter().find(|pod| pod.name == "web-0");
    web.map(|pod| (pod.instances, pod.watches))
}

/// SIGTERM: its pod is removed before it ends.
fn stopped(stage: &mut Stage, run: &mut Command, left: &[String]) -> anyhow::Result<()> {
    let child = start(run)?;
    wait(20, "a second pod", || {
        Ok(listed(&stage.node)?.len() == left.len() + 1)
    })?;
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let after = listed(&stage.node)?;
    let right = after == left && output.status.code() == Some(3) && said.contains("signal");
    let seen = format!("pods of this run after it: {}", after.len() - left.len());
    stage
        .table
        .row("SIGTERM in the middle of a run", &seen, &said, right);
    Ok(())
}

/// An image that there is not, and a namespace that allows no such pod.
fn refused(stage: &mut Stage, no_image: &mut Command) -> anyhow::Result<()> {
    let output = no_image.args(["-o", "json"]).output()?;
    let fleet: Fleet = serde_json::from_slice(&output.stdout)?;
    let failure = fleet.rows.first().and_then(Row::failure);
    let said = failure.map(ToString::to_string).unwrap_or_default();
    let right = said.contains("--image names another") && output.status.code() == Some(3);
    stage.table.row(
        "an image that there is not",
        "the pod is gone after the run",
        &said,
        right,
    );

    let namespace = "apiVersion: v1
kind: Namespace
metadata: {name: narrow, labels: {pod-security.kubernetes.io/enforce: baseline}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: narrow}
";
    stage.node.apply(namespace)?;
    let mut command = stage
        .nospace
        .command(&["cluster", "--via", "debug", "-n", "narrow"]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let right = said
        .contains("kubectl label namespace narrow pod-security.kubernetes.io/enforce=privileged")
        && output.status.code() == Some(3);
    stage.table.row(
        "a namespace that enforces pod security",
        "no pod",
        &said,
        right,
    );
    Ok(())
}

/// Each documented right is needed, and the message names it.
fn least(stage: &mut Stage, run: &dyn Fn(&[&str]) -> Command) -> anyhow::Result<()> {
    let verbs = "verbs: [create, list, delete]";
    let mut said = Vec::new();
    let mut right = true;
    for (what, with) in [
        ("verbs: [list, get]", "verbs: [get]"),
        (verbs, "verbs: [list, delete]"),
        (verbs, "verbs: [create, delete]"),
        (verbs, "verbs: [create, list]"),
        ("resources: [pods/log]", "resources: [pods/status]"),
    ] {
        stage.node.apply(&ROLES.replace(what, with))?;
        // The API server learns of the role by a watch.
        let mut message = String::new();
        for _ in 0..20 {
            let output = run(&[]).output()?;
            message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            if message.contains("Add this rule") {
                break;
            }
        }
        let rule = message.find("{apiGroups").map(|at| &message[at..]);
        let rule = rule
            .and_then(|rule| rule.split_once('}'))
            .map(|(rule, _)| rule.to_owned());
        right &= rule.is_some();
        said.push(rule.unwrap_or(message));
    }
    stage.node.apply(ROLES)?;
    let wanted = [
        "[nodes], verbs: [list]",
        "[pods], verbs: [create]",
        "[pods], verbs: [list]",
        "[pods], verbs: [delete]",
        "[pods/log], verbs: [get]",
    ];
    right &= said
        .iter()
        .zip(wanted)
        .all(|(rule, wanted)| rule.contains(wanted));
    wait(20, "the roles", || Ok(run(&[]).output()?.stderr.is_empty()))?;
    stage.table.row(
        "each documented right taken away",
        "forbidden",
        &said.join("; "),
        right,
    );
    Ok(())
}

/// The documented columns: the conditions are there, or not.
fn columns(stage: &mut Stage) -> anyhow::Result<()> {
    let line = PAGE.lines().find(|line| line.contains("custom-columns="));
    let columns = line.and_then(|line| line.split('\'').nth(1));
    let columns = columns.context("docs/cluster.md has no custom-columns")?;
    let said = stage.node.kubectl(&["get", "nodes", "-o", columns])?;
    let words: Vec<&str> = said.split_whitespace().collect();
    let right = words.len() == 8 && words.contains(&stage.node.name.as_str());
    stage.table.row(
        "kubectl get nodes by condition",
        "no agent",
        &words.join(" "),
        right,
    );
    Ok(())
}

/// The documented line of kubectl, without the terminal.
fn kubectl_debug(stage: &mut Stage) -> anyhow::Result<()> {
    let place = format!("node/{}", stage.node.name);
    let image = format!("--image={IMAGE}");
    let said = stage.node.kubectl(&[
        "debug",
        &place,
        "--profile=sysadmin",
        &image,
        "--",
        "/bin/nospace",
        "--procfs",
        "/host/proc",
        "--sysfs",
        "/host/sys",
        "--rootfs",
        "/host",
        "check",
    ])?;
    let pod = said
        .split(' ')
        .find(|word| word.starts_with("node-debugger"));
    let pod = pod.context(said.clone())?;
    wait(30, "the end of kubectl debug", || {
        let phase = stage
            .node
            .kubectl(&["get", "pod", pod, "-o", "jsonpath={.status.phase}"])?;
        Ok(matches!(phase.as_str(), "Succeeded" | "Failed"))
    })?;
    let log = stage.node.kubectl(&["logs", pod])?;
    let first = log.lines().next().unwrap_or_default().to_owned();
    let right = first.starts_with("nospace check") || log.contains("inotify");
    stage.table.row(
        "kubectl debug node --profile=sysadmin",
        "the pod ends",
        &first,
        right,
    );
    stage.node.delete(pod)
}

/// A service account with the documented roles, and a kubeconfig that has its token.
pub(super) fn account(node: &Node) -> anyhow::Result<PathBuf> {
    let subject = format!("subjects: [{{kind: ServiceAccount, name: {NAME}, namespace: default}}]");
    node.apply(&format!(
        "{ROLES}---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {NAME}, namespace: default}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {NAME}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {NAME}}}
{subject}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {NAME}, namespace: default}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {NAME}}}
{subject}
"
    ))?;
    kubeconfig_of(node, NAME)
}

pub(super) fn start(run: &mut Command) -> anyhow::Result<Child> {
    let child = run
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    child.context("nospace cluster")
}

pub(super) fn fleet(child: Child) -> anyhow::Result<(Fleet, Option<i32>)> {
    let output = child.wait_with_output()?;
    let fleet = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok((fleet, output.status.code()))
}

fn seen(node: &Node) -> anyhow::Result<()> {
    wait(20, "a pod of nospace cluster", || {
        Ok(!listed(node)?.is_empty())
    })
}

/// Names of pods of `nospace cluster`.
pub(super) fn listed(node: &Node) -> anyhow::Result<Vec<String>> {
    let names = node.kubectl(&[
        "get",
        "pods",
        "-A",
        "-l",
        PODS,
        "-o",
        "jsonpath={.items[*].metadata.name}",
    ])?;
    Ok(names.split_whitespace().map(str::to_owned).collect())
}
