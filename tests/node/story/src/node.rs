//! The node, as a person at its shell has it: kubectl, and programs that are started and stopped.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nospace_core::model::Runtime;

/// The image that the harness made: busybox, `watcher N` and nospace.
pub const IMAGE: &str = "docker.io/nospace/lab:1";

/// A Kubernetes node that tests/node brought up.
pub struct Node {
    /// Its name in the API.
    pub name: String,
    control: PathBuf,
}

impl Node {
    /// The node that this runs on.
    pub fn here() -> anyhow::Result<Self> {
        let variable = |name: &str| {
            std::env::var(name)
                .with_context(|| format!("{name} is not set: run this by tests/node/host.sh"))
        };
        Ok(Self {
            name: variable("NODE_NAME")?,
            control: variable("NODE_CTL")?.into(),
        })
    }

    /// Starts, stops or asks after one of the node's programs (ctl.sh).
    pub fn control(&self, verb: &str, program: &str) -> anyhow::Result<String> {
        let mut command = Command::new(&self.control);
        text(
            command.args([verb, program]),
            &format!("ctl.sh {verb} {program}"),
        )
    }

    /// The second node on this machine, as start.sh names it.
    pub fn second_node(&self) -> Self {
        Self {
            name: format!("{}-2", self.name),
            control: self.control.clone(),
        }
    }

    /// Starts or stops the kubelet or containerd of the second node.
    pub fn second(&self, verb: &str, program: &str) -> anyhow::Result<()> {
        let mut command = Command::new(&self.control);
        let name = format!("ctl.sh second_node {verb} {program}");
        text(command.args(["second_node", verb, program]), &name).map(drop)
    }

    /// Whether a program runs.
    pub fn runs(&self, program: &str) -> bool {
        self.control("running", program).is_ok()
    }

    /// All that a program has logged.
    pub fn log(&self, program: &str) -> anyhow::Result<String> {
        let path = self.control("log", program)?;
        let bytes = std::fs::read(path.trim()).with_context(|| format!("log of {program}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Where a program logs to.
    pub fn log_path(&self, program: &str) -> anyhow::Result<PathBuf> {
        Ok(self.control("log", program)?.trim().into())
    }

    /// `kubectl apply` of one document.
    pub fn apply(&self, manifest: &str) -> anyhow::Result<()> {
        let mut child = Command::new("kubectl")
            .args(["apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("kubectl")?;
        let mut input = child.stdin.take().context("standard input")?;
        std::io::Write::write_all(&mut input, manifest.as_bytes())?;
        drop(input);
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "kubectl apply: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// kubectl's answer; on an emulated machine the API server may be too busy to take a call.
    pub fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let ask = || {
            text(
                Command::new("kubectl").args(arguments),
                &arguments.join(" "),
            )
        };
        let too_busy = |answer: &anyhow::Result<String>| matches!(answer, Err(e) if e.to_string().contains("Unable to connect"));
        (1..patience())
            .map(|_| ask())
            .find(|answer| !too_busy(answer))
            .unwrap_or_else(ask)
    }

    /// Waits until a pod is Ready.
    pub fn wait_ready(&self, pod: &str) -> anyhow::Result<()> {
        let wait = [
            "wait",
            "--for=condition=Ready",
            &format!("pod/{pod}"),
            &format!("--timeout={}s", 90 * patience()),
        ];
        self.kubectl(&wait)
            .map(drop)
            .with_context(|| self.kubectl(&["describe", "pod", pod]).unwrap_or_default())
    }

    /// Deletes a pod at once, and waits until it has gone.
    pub fn delete(&self, pod: &str) -> anyhow::Result<()> {
        let timeout = format!("--timeout={}s", 60 * patience());
        self.kubectl(&["delete", "pod", pod, "--grace-period=1", &timeout])
            .map(drop)
    }

    /// Deletes pods all at once, and waits until the last has gone: the more, the longer.
    pub fn delete_all(&self, pods: &[String]) -> anyhow::Result<()> {
        if pods.is_empty() {
            return Ok(());
        }
        let timeout = format!("--timeout={}s", 300 * patience());
        let mut arguments = vec![
            "delete",
            "pod",
            "--grace-period=1",
            "--ignore-not-found",
            &timeout,
        ];
        arguments.extend(pods.iter().map(String::as_str));
        self.kubectl(&arguments).map(drop)
    }

    /// Starts the kubelet and tells whether it still runs once it should be up.
    pub fn kubelet_starts(&self) -> anyhow::Result<bool> {
        self.control("start", "kubelet")?;
        let until = Instant::now() + Duration::from_secs(60 * patience());
        while Instant::now() < until {
            if !self.runs("kubelet") {
                return Ok(false);
            }
            if healthy() {
                // cAdvisor starts with the kubelet's second breath.
                sleep(Duration::from_secs(3 * patience()));
                return Ok(self.runs("kubelet"));
            }
            sleep(Duration::from_millis(200));
        }
        bail!(
            "the kubelet neither ended nor answered /healthz in {} s",
            60 * patience()
        )
    }
}

/// 36 of Kubernetes 1.36.3.
pub fn minor() -> anyhow::Result<u32> {
    let version = std::env::var("KUBE_VERSION").context("KUBE_VERSION")?;
    let minor = version.split('.').nth(1).and_then(|m| m.parse().ok());
    minor.with_context(|| format!("{version} is no version of Kubernetes"))
}

/// The container runtime that the harness started.
pub fn runtime() -> Runtime {
    match std::env::var_os("CRIO") {
        Some(version) if !version.is_empty() => Runtime::CriO,
        _ => Runtime::Containerd,
    }
}

/// Its program, `containerd` or `crio`.
pub fn daemon() -> anyhow::Result<&'static str> {
    let definition = runtime().definition();
    definition.and_then(|d| d.daemon).context("its daemon")
}

/// Its version, `1.6.20~ds1`, `v2.4.2` or `1.34.0`: the third word of what it answers to `--version`.
pub fn runtime_version() -> anyhow::Result<String> {
    let daemon = daemon()?;
    let name = format!("{daemon} --version");
    let told = text(Command::new(daemon).arg("--version"), &name)?;
    let version = told.split_whitespace().nth(2);
    Ok(version.context(name)?.to_owned())
}

/// How many times as long as a machine takes that is not emulated.
pub fn patience() -> u64 {
    let set = std::env::var("NODE_PATIENCE").ok();
    set.and_then(|times| times.parse().ok()).unwrap_or(1)
}

fn healthy() -> bool {
    let answer = Command::new("busybox")
        .args(["wget", "-qO-", "http://127.0.0.1:10248/healthz"])
        .output();
    answer.is_ok_and(|output| output.stdout == b"ok")
}

/// Waits until something holds.
pub fn wait(
    seconds: u64,
    what: &str,
    mut holds: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let seconds = seconds * patience();
    let until = Instant::now() + Duration::from_secs(seconds);
    while !holds()? {
        ensure!(Instant::now() < until, "{what}: not in {seconds} s");
        sleep(Duration::from_millis(300));
    }
    Ok(())
}

/// Standard output of a command that must succeed.
pub fn text(command: &mut Command, name: &str) -> anyhow::Result<String> {
    let output: Output = command.output().with_context(|| name.to_owned())?;
    ensure!(
        output.status.success(),
        "{name}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
