//! A node with a kubelet is not broken by accident.

use std::fs;
use std::process::{Child, Command};

use anyhow::ensure;
use nospace_holder::scratch;

use crate::support::NOSPACE;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn kubelet() -> anyhow::Result<()> {
    let directory = scratch()?;
    let program = directory.path().join("kubelet");
    fs::copy("/bin/sleep", &program)?;
    let kubelet = Process(Command::new(&program).arg("300").spawn()?);
    let pid = format!("pid {}", kubelet.0.id());
    for refused in [
        &["watches", "--leave", "0"][..],
        &["instances", "--percent", "100"],
    ] {
        let output = exhaust(refused)?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(1), "{refused:?}: {error}");
        ensure!(
            error.contains(&pid) && error.contains("--yes-break-this-node"),
            "{error}"
        );
    }
    for allowed in [
        &["watches", "--amount", "10"][..],
        &[
            "watches",
            "--leave",
            "0",
            "--as-uid",
            "1899999010",
            "--ramp",
            "10/s",
        ],
        &["blocks", "--limit", "1"],
    ] {
        let output = exhaust(allowed)?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        // Too slow for its time is another matter, and comes later.
        ensure!(
            output.status.success() || error.contains("--for"),
            "{allowed:?}: {error}"
        );
        ensure!(!error.contains("kubelet"), "{error}");
    }
    Ok(())
}

fn exhaust(arguments: &[&str]) -> anyhow::Result<std::process::Output> {
    let mut command = Command::new(NOSPACE);
    command.arg("exhaust").args(arguments).args(["--for", "1s"]);
    Ok(command.env_remove("KUBERNETES_SERVICE_HOST").output()?)
}
