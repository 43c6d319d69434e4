//! nospace, run as a person runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::{Finding, KubeletStart, Report, Severity, StartVerdict};
use serde_json::Value;

/// The nospace that is held against the node.
pub struct Nospace {
    path: PathBuf,
}

/// One `check`.
pub struct Look {
    /// Its exit code.
    pub code: i32,
    /// Its JSON.
    pub report: Report,
}

impl Nospace {
    /// This program.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `nospace ARGUMENTS`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments);
        command
    }

    /// `nospace check -o json`.
    pub fn check(&self) -> anyhow::Result<Look> {
        let output = self
            .command(&["check", "-o", "json"])
            .output()
            .context("nospace check")?;
        let report = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "check's JSON; it said {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        let code = output.status.code().context("check was killed")?;
        Ok(Look { code, report })
    }

    /// `nospace explain -o json` of a file: its exit code and document.
    pub fn explain(&self, log: &Path) -> anyhow::Result<(i32, Value)> {
        let output = self
            .command(&["explain", "-o", "json"])
            .arg(log)
            .output()
            .context("nospace explain")?;
        let document = serde_json::from_slice(&output.stdout).context("explain's JSON")?;
        Ok((output.status.code().unwrap_or(-1), document))
    }

    /// The cause of the first refusal in a log, after this many of its lines.
    pub fn cause_after(&self, lines: u64, log: &Path) -> anyhow::Result<String> {
        let (_, document) = self.explain(log)?;
        let told = document["lines"].as_array().context("lines")?;
        let later = |line: &&Value| line["number"].as_u64().is_some_and(|number| number > lines);
        let cause = told
            .iter()
            .find(later)
            .and_then(|line| line["cause"].as_str());
        Ok(cause.unwrap_or("none").to_owned())
    }

    /// `nospace tune ARGUMENT`, for the root directory that the harness names.
    pub fn tune(&self, argument: &str) -> anyhow::Result<String> {
        let root = std::env::var("NODE_ROOT").unwrap_or_else(|_| "/".to_owned());
        self.run(&["tune", argument, "--rootfs", &root])
    }

    /// A command that must succeed.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        crate::node::text(&mut self.command(arguments), &arguments.join(" "))
    }

    /// `nospace trace --failed -o json` until it is stopped.
    pub fn trace(&self) -> anyhow::Result<Trace> {
        let child = self
            .command(&["trace", "--failed", "-o", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("nospace trace")?;
        // It says so on standard error when it listens.
        std::thread::sleep(std::time::Duration::from_secs(2 * crate::node::patience()));
        Ok(Trace(child))
    }
}

/// Whether this kernel has what nospace's eBPF programs need: Linux in user mode has no BTF.
pub fn ebpf() -> bool {
    Path::new("/sys/kernel/btf/vmlinux").exists()
}

/// Whether a forecast was right. Without eBPF it may be unknown, as what is charged to whom is then estimated.
pub fn foresees(forecast: StartVerdict, starts: bool) -> bool {
    match forecast {
        StartVerdict::Unknown => !ebpf(),
        known => (known == StartVerdict::Starts) == starts,
    }
}

/// A running trace.
pub struct Trace(Child);

impl Trace {
    /// Stops it; the calls that it saw.
    pub fn stop(self) -> anyhow::Result<Vec<Value>> {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
        let output = self.0.wait_with_output()?;
        ensure!(
            output.status.success(),
            "trace: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lines = output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| Ok(serde_json::from_slice(line)?))
            .collect()
    }
}

impl Look {
    /// All is well; how full the disk of the machine is that the node runs on is not the node's matter.
    pub fn is_well(&self) -> bool {
        let own = |cause| !matches!(cause, Cause::DiskBlocks | Cause::DiskInodes);
        let mut findings = self.report.findings.iter();
        self.code < 3 && !findings.any(|f| f.severity >= Severity::Warning && own(f.cause))
    }

    /// The finding with this cause.
    pub fn finding(&self, cause: Cause) -> Option<&Finding> {
        self.report
            .findings
            .iter()
            .find(|finding| finding.cause == cause)
    }

    /// The finding with this cause, critical.
    pub fn critical(&self, cause: Cause) -> anyhow::Result<&Finding> {
        let finding = self
            .finding(cause)
            .with_context(|| format!("no finding {cause} among: {}", self.titles()))?;
        ensure!(
            finding.severity == Severity::Critical,
            "{cause} is not critical: {}",
            finding.title
        );
        Ok(finding)
    }

    /// What is said of the kubelet's next start.
    pub fn forecast(&self) -> anyhow::Result<&KubeletStart> {
        let forecast = &self.report.forecast;
        forecast.kubelet_start.as_ref().context("no forecast")
    }

    /// The titles of all findings.
    pub fn titles(&self) -> String {
        let titles: Vec<&str> = self
            .report
            .findings
            .iter()
            .map(|f| f.title.as_str())
            .collect();
        titles.join("; ")
    }

    /// The budget of uid 0 in the initial user namespace: instances, watches.
    pub fn root(&self) -> anyhow::Result<(u64, u64)> {
        let mut users = self.report.users.iter();
        let root = users
            .find(|u| u.uid == 0 && u.user_namespace == nospace_core::model::INITIAL_USER_NAMESPACE)
            .context("uid 0 is not among the users")?;
        Ok((root.instances.used, root.watches.used))
    }
}
