//! What nospace diagnoses is used up for nospace too.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::{Report, Severity};
use nospace_holder::{Holder, Tried, scratch};
use rustix::io::Errno;

use crate::cgroup::Cgroup;
use crate::script::{private, unshare};
use crate::support::{NOSPACE, report};

/// Of its own user and user namespace both limits are used up.
pub fn inotify(options: &str) -> anyhow::Result<()> {
    let plan = ["--user-namespace=800000", "--watches=7", "--share=forked"];
    let mut holder = Holder::start(&plan)?;
    let refused = |errno: Errno| Tried {
        done: 0,
        errno: Some(errno.raw_os_error()),
    };
    holder.tell("limit instances 1")?;
    ensure!(holder.tell("open 1")? == refused(Errno::MFILE));
    holder.tell("limit watches 7")?;
    ensure!(holder.tell("add 1")? == refused(Errno::NOSPC));

    let script =
        r#"exec 8<"$0"; exec nsenter --user --target "$1" /proc/self/fd/8 check -o json $options"#;
    let mut inside = Command::new("sh");
    inside
        .args(["-c", script, NOSPACE, &holder.pid().to_string()])
        .env("options", options);
    let report = report(&mut inside)?;
    let child = holder.ready.pids[1];
    let seen = report.processes.iter().find(|one| one.pid == child);
    ensure!(seen.is_some_and(|one| one.watches == 7), "{seen:?}");
    Ok(())
}

/// Not a handful of descriptors more than any program gets.
pub fn descriptors(options: &str) -> anyhow::Result<()> {
    let mut few = Command::new("prlimit");
    few.args(["--nofile=32", NOSPACE, "check", "-o", "json"])
        .args(options.split_whitespace());
    whole(&report(&mut few)?)
}

/// Nothing can be written anywhere below the root, which is a full tmpfs.
pub fn disk(options: &str) -> anyhow::Result<()> {
    let root = scratch()?;
    let script = r#"
        mount -t tmpfs -o size=1m,mode=755 full "$root"
        for place in bin lib lib64 usr proc sys; do
            [ -e "/$place" ] || continue
            mkdir "$root/$place"
            mount --rbind "/$place" "$root/$place"
        done
        : >"$root/nospace"
        mount --bind "$nospace" "$root/nospace"
        cat /dev/zero >"$root/filling" 2>/dev/null || true
        if (echo more >"$root/more") 2>/dev/null; then echo "not full" >&2; exit 9; fi
        exec chroot "$root" /nospace check -o json $options
    "#;
    let report = report(private(script, options).env("root", root.path()))?;
    let full = report
        .resources
        .iter()
        .find(|one| one.cause == Cause::DiskBlocks && one.subject.to_string() == "/")
        .context("the root file system is not in the report")?;
    ensure!(full.percent() == 100, "{full:?}");
    whole(&report)
}

/// The kernel's default limits of System V IPC, all used up: /proc/sysvipc has megabytes then.
pub fn sysv(options: &str) -> anyhow::Result<()> {
    let script = r#"
        perl -e 'while (defined shmget(0, 4096, 0600)) {} exit($! + 0 != 28)'
        perl -e 'while (defined semget(0, 1, 0600)) {} exit($! + 0 != 28)'
        exec "$nospace" check -o json --only "$cause" $options
    "#;
    for (cause, code) in [
        (Cause::SysvShm, "sysv-shm"),
        (Cause::SysvSemaphores, "sysv-semaphores"),
    ] {
        let mut full = unshare(&["--ipc"], script, options);
        let report = report(full.env("cause", code))?;
        let found = report.findings.iter().find(|one| one.cause == cause);
        ensure!(
            found.is_some_and(|one| one.severity == Severity::Critical),
            "{code}: {found:?}"
        );
        ensure!(report.status().exit_code() == 2, "{:?}", report.status());
    }
    Ok(())
}

/// No process and no thread more for this user.
pub fn pids_of_user(options: &str) -> anyhow::Result<()> {
    let script = r#"
        if nobody prlimit --nproc=1 sh -c '/bin/true & wait' 2>/dev/null; then
            echo "it can fork" >&2; exit 9
        fi
        nobody prlimit --nproc=1 /proc/self/fd/8 check -o json $options
    "#;
    whole(&report(&mut private(script, options))?)
}

/// No process and no thread more for this cgroup.
pub fn pids_of_cgroup(options: &str) -> anyhow::Result<()> {
    let Some(cgroup) = Cgroup::with_pids(OsStr::new(""))? else {
        return Ok(());
    };
    cgroup.limit_pids(1)?;
    let script = r#"echo $$ >"$cgroup/cgroup.procs"; exec "$nospace" check -o json $options"#;
    let answer = report(private(script, options).env("cgroup", cgroup.path()))?;
    let events = std::fs::read_to_string(cgroup.path().join("pids.events"))?;
    ensure!(events.trim() != "max 0", "no thread was refused: {events}");
    whole(&answer)
}

/// Every collector has brought its part home.
fn whole(report: &Report) -> anyhow::Result<()> {
    for collector in &report.collectors {
        ensure!(collector.error.is_none(), "{collector:?}");
    }
    ensure!(report.collectors.len() > 10, "{:?}", report.collectors);
    Ok(())
}
