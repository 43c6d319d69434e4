//! A node on which all is well.

use anyhow::{Context as _, ensure};
use nospace_core::report::StartVerdict;
use rustix::fs::inotify;

use super::{limits::Limit, pods};
use crate::Stage;

/// `check` is ok and names every pod and container that holds anything.
pub fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let node = &stage.node;
    for (name, watches) in [("web-0", 3), ("web-1", 5)] {
        node.apply(&pods::web(node, name, watches))?;
    }
    for name in ["web-0", "web-1"] {
        node.wait_ready(name)?;
    }
    let look = stage.nospace.check()?;
    let names: Vec<String> = look
        .report
        .pods
        .iter()
        .map(|pod| format!("{}/{}", pod.namespace, pod.name))
        .collect();
    for (name, watches) in [("web-0", 3), ("web-1", 5)] {
        let pod = look
            .report
            .pods
            .iter()
            .find(|pod| pod.name == name)
            .with_context(|| format!("{name} is not among {names:?}"))?;
        let reloader = pod
            .containers
            .iter()
            .find(|c| c.name == "reloader")
            .context("the container reloader")?;
        ensure!(
            (reloader.instances, reloader.watches) == (1, watches),
            "{name}: {} instances, {} watches",
            reloader.instances,
            reloader.watches
        );
    }
    let forecast = look.forecast()?;
    let right = look.is_well() && forecast.verdict == StartVerdict::Starts;
    stage.table.row(
        "healthy, two pods",
        "Ready",
        &format!(
            "exit {}, kubelet {:?}, pods {}",
            look.code,
            forecast.verdict,
            names.join(" ")
        ),
        right,
    );
    ensure!(right, "findings: {}", look.titles());
    for name in ["web-0", "web-1"] {
        stage.node.delete(name)?;
    }
    Ok(())
}

/// The limit is set to what nospace counts and three more: exactly three more succeed.
pub fn oracle(stage: &mut Stage) -> anyhow::Result<()> {
    let limit = Limit::of("max_user_watches")?;
    let (_, watches) = stage.nospace.check()?.root()?;
    limit.set(watches + 3)?;
    let granted = more_watches(10)?;
    drop(limit);
    stage.table.row(
        "uid 0's watches, by the kernel",
        &format!("{granted} more succeed below a limit of {}", watches + 3),
        &format!("{watches} used"),
        granted == 3,
    );
    Ok(())
}

/// How many of `wanted` further watches the kernel grants.
fn more_watches(wanted: u32) -> anyhow::Result<u32> {
    let instance = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    let directory = std::env::temp_dir().join(format!("nospace-story-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let mut granted = 0;
    for number in 0..wanted {
        let path = directory.join(number.to_string());
        std::fs::write(&path, "")?;
        match inotify::add_watch(&instance, &path, inotify::WatchFlags::MODIFY) {
            Ok(_) => granted += 1,
            Err(rustix::io::Errno::NOSPC) => break,
            Err(error) => return Err(error.into()),
        }
    }
    std::fs::remove_dir_all(&directory)?;
    Ok(granted)
}
