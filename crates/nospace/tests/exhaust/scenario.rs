//! Each scenario is what `check` says is wrong, and what `explain` makes of the words of a victim.

use std::process::Command;

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::{Finding, Severity};

use crate::exhaust::Exhaust;
use crate::release::place;
use crate::support::{check, report};
use crate::victim;

pub fn cgroups() -> anyhow::Result<()> {
    let exhaust = Exhaust::start(&["cgroups", "--limit", "30"])?;
    let name = format!("nospace-exhaust.{}", exhaust.pid());
    let place = place(&name).context("no cgroup")?;
    let finding = finding(Cause::CgroupLimit, &name)?;
    ensure!(finding.title.contains("30 of 30"), "{finding:?}");
    explained(
        Command::new("mkdir").arg(format!("{place}/more")),
        Cause::CgroupLimit,
    )?;
    exhaust.end()?;
    Ok(())
}

pub fn mounts() -> anyhow::Result<()> {
    let exhaust = Exhaust::start(&["mounts"])?;
    let pid = exhaust.pid().to_string();
    let finding = finding(Cause::MountLimit, &format!("(pid {pid})"))?;
    ensure!(
        finding
            .blame
            .culprits()
            .iter()
            .any(|culprit| culprit.to_string().contains(&pid)),
        "{finding:?}"
    );
    let mut victim = Command::new("nsenter");
    victim.args([
        "--mount", "--target", &pid, "mount", "-t", "tmpfs", "test", "/run",
    ]);
    explained(&mut victim, Cause::MountLimit)?;
    let summary = exhaust.end()?;
    ensure!(
        summary.refused.as_deref() == Some("ENOSPC") && summary.left == Some(0),
        "{summary:?}"
    );
    Ok(())
}

pub fn inodes() -> anyhow::Result<()> {
    let exhaust = Exhaust::start(&["inodes", "--limit", "500"])?;
    let place = format!("/run/nospace-exhaust.{}", exhaust.pid());
    finding(Cause::DiskInodes, &place)?;
    explained(
        Command::new("touch").arg(format!("{place}/more")),
        Cause::DiskInodes,
    )?;
    exhaust.end()?;
    Ok(())
}

pub fn blocks() -> anyhow::Result<()> {
    let exhaust = Exhaust::start(&["blocks", "--limit", "2"])?;
    let place = format!("/run/nospace-exhaust.{}", exhaust.pid());
    full(&place)?;
    exhaust.end()?;
    Ok(())
}

pub fn blocks_of_a_directory() -> anyhow::Result<()> {
    // Below /dev/shm it would have another cause.
    let directory = tempfile::tempdir()?;
    let place = directory.path().to_str().context("a path")?;
    let exhaust = Exhaust::start(&["blocks", "--limit", "2", "--on", place])?;
    full(place)?;
    exhaust.end()?;
    ensure!(
        directory.path().read_dir()?.next().is_none(),
        "something stays"
    );
    std::fs::write(directory.path().join("file"), "")?;
    ensure!(
        Exhaust::start(&["blocks", "--limit", "2", "--on", place]).is_err(),
        "it hides a file"
    );
    Ok(())
}

fn full(place: &str) -> anyhow::Result<()> {
    finding(Cause::DiskBlocks, place)?;
    let mut copy = Command::new("cp");
    explained(
        copy.arg("/proc/self/exe").arg(format!("{place}/more")),
        Cause::DiskBlocks,
    )
}

/// Of a user that nobody is.
pub fn watches() -> anyhow::Result<()> {
    let uid = "1899999020";
    let exhaust = Exhaust::start(&["watches", "--as-uid", uid])?;
    let finding = finding(Cause::InotifyWatches, uid)?;
    let pid = exhaust.pid().to_string();
    ensure!(
        finding
            .blame
            .culprits()
            .iter()
            .any(|culprit| culprit.to_string().contains(&pid)),
        "{finding:?}"
    );
    exhaust.end()?;
    Ok(())
}

/// The critical finding of this cause whose title names it.
fn finding(cause: Cause, named: &str) -> anyhow::Result<Finding> {
    let report = report(&mut check(""))?;
    let mut findings = report.findings.into_iter();
    findings
        .find(|f| f.cause == cause && f.severity == Severity::Critical && f.title.contains(named))
        .with_context(|| format!("check has no critical {cause} of {named}"))
}

/// The victim fails, and what it says has this cause.
fn explained(victim: &mut Command, cause: Cause) -> anyhow::Result<()> {
    let output = victim.env("LC_ALL", "C.UTF-8").output()?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "it is not refused");
    victim::explained(&words, cause)
}
