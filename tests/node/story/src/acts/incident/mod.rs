//! An incident from its beginning to its end, recorded as a timeline: a pod that leaks instances takes all of root's, calls are
//! refused, the limit is raised, the pod goes. Then what people read of it afterwards.

mod readers;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::limits::Limit;
use super::pods;
use crate::Stage;
use crate::node::{patience, wait};
use crate::nospace::Nospace;

/// The pod that leaks, and the deployment that its name tells of.
const POD: &str = "config-reloader-5dd5756b68-2xqzv";
const WORKLOAD: &str = "deployment default/config-reloader";
/// Samples of each part that only waits.
const EVERY: Duration = Duration::from_secs(2);
const SAMPLES: u32 = 5;

/// What was recorded, and when what was so.
struct Incident {
    timeline: PathBuf,
    /// What `kubectl logs -f` said.
    log: PathBuf,
    healthy: String,
    exhausted: String,
}

/// Records it, then reads it.
pub fn told(stage: &mut Stage) -> anyhow::Result<()> {
    let log = stage.node.log_path("kubelet")?;
    let directory = log.parent().context("logs")?.join("incident");
    std::fs::create_dir_all(&directory)?;
    let incident = happens(stage, &directory)?;
    readers::report(stage, &incident)?;
    readers::replay(stage, &incident)?;
    readers::difference(stage, &incident)
}

fn happens(stage: &mut Stage, directory: &Path) -> anyhow::Result<Incident> {
    // Put back by these if this ends early; the pod's instances are the reason why it would.
    let limits = [
        Limit::of("max_user_instances")?,
        Limit::of("max_user_watches")?,
    ];
    stage.node.apply(&pods::web(&stage.node, "web", 3))?;
    stage.node.wait_ready("web")?;
    let timeline = directory.join("incident.tar.zst");
    let recording = Recording::start(&stage.nospace, &timeline)?;
    let healthy = after_samples(stage)?;

    stage.node.apply(&pods::leak(&stage.node, POD))?;
    stage.node.wait_ready(POD)?;
    wait(240, "instances used up", || {
        let look = stage.nospace.check()?;
        let limit = look.report.limits.context("limits")?.max_user_instances;
        Ok(look.root()?.0 >= limit)
    })?;
    // Root has processes outside of this node, which may give one back.
    let mut refused = String::new();
    wait(60, "kubectl logs -f refused", || {
        refused = followed()?;
        Ok(refused.contains("too many open files"))
    })?;
    let log = directory.join("kubectl.log");
    std::fs::write(&log, format!("{refused}\n"))?;
    let exhausted = after_samples(stage)?;

    stage.nospace.tune("--apply")?;
    after_samples(stage)?;
    let followed_again = followed()?;
    stage.node.delete(POD)?;
    after_samples(stage)?;
    let well = stage.nospace.check()?.is_well();
    recording.stop()?;
    stage.nospace.tune("--revert")?;
    drop(limits);
    stage.node.delete("web")?;

    let size = std::fs::metadata(&timeline)?.len();
    stage.table.row(
        "a pod leaks an instance a second until `kubectl logs -f` fails; `nospace tune --apply`; the pod is deleted",
        &format!("`kubectl logs -f`: {refused}; after tune: {followed_again}"),
        &format!("`nospace record --every 2s`: {} kB, is well at the end: {well}", size / 1000),
        !followed_again.contains("too many") && well,
    );
    Ok(Incident {
        timeline,
        log,
        healthy,
        exhausted,
    })
}

/// The time of a check after some samples.
fn after_samples(stage: &Stage) -> anyhow::Result<String> {
    sleep(EVERY * SAMPLES * u32::try_from(patience())?);
    Ok(stage.nospace.check()?.report.taken_at)
}

/// What `kubectl logs -f` says in some seconds.
fn followed() -> anyhow::Result<String> {
    let output = Command::new("timeout")
        .args(["5", "kubectl", "logs", "-f", "web", "-c", "reloader"])
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Ok(match output.status.code() {
        Some(124) if said.is_empty() => "follows".to_owned(),
        _ => said,
    })
}

/// `nospace record`, until it is stopped.
struct Recording(Child);

impl Recording {
    fn start(nospace: &Nospace, timeline: &Path) -> anyhow::Result<Self> {
        let every = format!("{}s", EVERY.as_secs());
        let mut command = nospace.command(&["record", "--every", &every]);
        let quiet = command.arg(timeline).stdout(Stdio::null());
        let recording = Self(quiet.spawn().context("nospace record")?);
        wait(30, "the first sample", || Ok(timeline.exists()))?;
        Ok(recording)
    }

    fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::INT)?;
        let status = self.0.wait()?;
        ensure!(status.success(), "nospace record: {status}");
        Ok(())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // One that was stopped has no number any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
