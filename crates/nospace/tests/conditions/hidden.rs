//! What nospace may not see, it says in words.

use anyhow::{Context as _, ensure};
use nospace_core::model::{CgroupVersion, CollectorRun};
use nospace_core::report::Report;
use nospace_holder::Holder;

use crate::script::{private, unshare};
use crate::support::report;

/// As uid 65534.
pub fn nobody(options: &str) -> anyhow::Result<()> {
    let holder = Holder::start(&["--watches=7"])?;
    let report = report(&mut private(
        "nobody /proc/self/fd/8 check -o json $options",
        options,
    ))?;
    ensure!(
        report.processes.iter().all(|one| one.pid != holder.pid()),
        "nobody looked into a process of root"
    );
    let gaps = &inotify(&report)?.gaps;
    ensure!(gaps.iter().any(|gap| gap.contains("root")), "{gaps:?}");
    for name in ["inotify", "mounts", "namespaces"] {
        let run = report.collectors.iter().find(|one| one.name == name);
        ensure!(run.is_some_and(|run| run.partial), "{run:?}");
    }
    ensure!(report.limits.is_some());
    ensure!(!report.status().is_well(), "nobody cannot tell");
    Ok(())
}

/// As uid 65534, on a procfs that hides the others.
pub fn hidepid(options: &str) -> anyhow::Result<()> {
    let script = "
        mount -t proc -o hidepid=2 proc /proc
        nobody /proc/self/fd/8 check -o json $options
    ";
    let report = report(&mut unshare(&["--mount", "--pid"], script, options))?;
    let gaps = &inotify(&report)?.gaps;
    ensure!(gaps.iter().any(|gap| gap.contains("hidepid")), "{gaps:?}");
    ensure!(!report.status().is_well(), "nobody cannot tell");
    Ok(())
}

/// A file system behind a directory of somebody else's.
pub fn behind(options: &str) -> anyhow::Result<()> {
    let script = "
        mount -t tmpfs -o mode=700 private /mnt
        mkdir /mnt/data
        mount -t tmpfs -o size=1m data /mnt/data
        nobody /proc/self/fd/8 check -o json $options
    ";
    let report = report(&mut private(script, options))?;
    let gaps = &collector(&report, "filesystems")?.gaps;
    let said = |gap: &String| gap.contains("/mnt/data") && gap.contains("CAP_DAC_READ_SEARCH");
    ensure!(gaps.iter().any(said), "{gaps:?}");
    Ok(())
}

/// Without sysfs there are no cgroups, and still all the rest.
pub fn no_sysfs(options: &str) -> anyhow::Result<()> {
    let holder = Holder::start(&["--watches=7"])?;
    let report = report(&mut private(
        r#"mount -t tmpfs nothing /sys; exec "$nospace" check -o json $options"#,
        options,
    ))?;
    let seen = report.processes.iter().find(|one| one.pid == holder.pid());
    ensure!(seen.is_some_and(|one| one.watches == 7), "{seen:?}");
    ensure!(report.node.cgroup_version == CgroupVersion::Unknown);
    let cgroups = collector(&report, "cgroups")?;
    ensure!(
        cgroups.error.is_some() || !cgroups.gaps.is_empty(),
        "{cgroups:?}"
    );
    Ok(())
}

fn inotify(report: &Report) -> anyhow::Result<&CollectorRun> {
    collector(report, "inotify")
}

fn collector<'r>(report: &'r Report, name: &str) -> anyhow::Result<&'r CollectorRun> {
    let found = report.collectors.iter().find(|one| one.name == name);
    found.with_context(|| format!("no collector {name}"))
}
