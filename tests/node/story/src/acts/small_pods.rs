//! cgroup v2: instances used up by nothing but small pods, whose shims or conmons take one a container; and what is lost of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context as _, bail, ensure};
use nospace_core::cause::Cause;
use nospace_core::model::{CgroupVersion, Runtime};

use super::{limits::Limit, pods};
use crate::Stage;
use crate::node::{daemon, runtime, wait};

/// Pods that are asked for in one breath.
const AT_ONCE: usize = 8;
/// The kubelet takes no more.
const MOST: usize = 100;
/// The shim, or conmon, has no instance to hear of the container's out-of-memory events with.
const UNWATCHED: &str = "failed to create inotify fd";
/// Instances that are left to the pods: of the default limit, 54 pods are room, which an emulated machine starts for too long.
const ROOM: u64 = 32;

/// Pods until no instance is left; then one more, whose shim hears of nothing.
pub fn exhausted(stage: &mut Stage) -> anyhow::Result<()> {
    let look = stage.nospace.check()?;
    if look.report.node.cgroup_version != CgroupVersion::V2 {
        println!("  shims hold no instances on cgroup v1: not played");
        return Ok(());
    }
    let limit = Limit::of("max_user_instances")?;
    let all = look.report.limits.context("limits")?.max_user_instances;
    limit.set(all.min(look.root()?.0 + ROOM))?;
    let pods = fill(stage)?;

    let look = stage.nospace.check()?;
    let finding = look.critical(Cause::InotifyInstances)?;
    let (used, _) = look.root()?;
    let lost = finding.victims.iter().any(|v| v.contains("OOM events"));
    stage.table.row(
        "small pods alone use up all instances",
        &format!("{pods} pods of one container; the kubelet runs"),
        &format!("exit {}; {}", look.code, finding.title),
        look.code == 2 && lost && stage.node.runs("kubelet"),
    );

    let logs = Logs::here(stage)?;
    let before = std::fs::read_to_string(&logs.path)?.lines().count() as u64;
    stage.node.apply(&pods::plain(&stage.node, "late"))?;
    stage.node.wait_ready("late")?;
    let path = logs.end(stage)?;
    let log = std::fs::read_to_string(&path)?;
    let said = (log.lines().rev()).find(|line| line.to_lowercase().contains(UNWATCHED));
    let cause = stage.nospace.cause_after(before, &path)?;
    stage.table.row(
        "a pod is started with no instances left",
        &format!(
            "it is Ready; its runtime logs: {}",
            said.unwrap_or("nothing")
        ),
        &format!(
            "victims: every container started now … its OOM events are lost; explain: {cause}"
        ),
        said.is_some() && cause == Cause::InotifyInstances.code(),
    );
    stage.node.delete("late")?;
    drop(limit);
    let names: Vec<String> = (0..pods).map(name).collect();
    stage.node.delete_all(&names)?;
    wait(300, "the small pods' end", || {
        Ok(stage.nospace.check()?.root()?.0 + 20 < used)
    })
}

/// Where what starts containers logs to: conmon to syslog, which is the file of a daemon of its own where the node has none.
struct Logs {
    path: PathBuf,
    syslog: Option<Child>,
}

impl Logs {
    fn here(stage: &Stage) -> anyhow::Result<Self> {
        if runtime() == Runtime::Containerd {
            let path = stage.node.log_path(daemon()?)?;
            return Ok(Self { path, syslog: None });
        }
        let path = std::env::temp_dir().join("nospace-story-syslog");
        std::fs::write(&path, "")?;
        ensure!(
            !Path::new("/dev/log").exists(),
            "this node's syslog would lose its socket"
        );
        let syslog = Command::new("busybox")
            .args(["syslogd", "-n", "-O"])
            .arg(&path)
            .spawn()
            .context("busybox syslogd")?;
        wait(20, "syslog", || Ok(Path::new("/dev/log").exists()))?;
        let syslog = Some(syslog);
        Ok(Self { path, syslog })
    }

    /// The file, once nothing is added any more.
    fn end(self, stage: &Stage) -> anyhow::Result<PathBuf> {
        if let Some(mut syslog) = self.syslog {
            syslog.kill()?;
            syslog.wait()?;
            std::fs::remove_file("/dev/log")?;
            return Ok(self.path);
        }
        // Of a unit it is a copy of what the journal has.
        stage.node.log_path(daemon()?)
    }
}

fn name(number: usize) -> String {
    format!("small-{number}")
}

/// How many it took.
fn fill(stage: &Stage) -> anyhow::Result<usize> {
    let mut pods = 0;
    while pods < MOST {
        for _ in 0..AT_ONCE {
            stage.node.apply(&pods::plain(&stage.node, &name(pods)))?;
            pods += 1;
        }
        for number in pods - AT_ONCE..pods {
            stage.node.wait_ready(&name(number))?;
        }
        let look = stage.nospace.check()?;
        let limit = look.report.limits.context("limits")?.max_user_instances;
        if look.root()?.0 >= limit {
            return Ok(pods);
        }
    }
    bail!("{MOST} pods, and instances are left")
}
