//! Processes in the cgroups of guests: their owners, and that no remedy edits a unit of the host for them.

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::Owner;
use nospace_holder::Holder;

use crate::cgroup::Cgroup;
use crate::support::{check, report};

/// A unit inside, which many hosts have as well.
const INNER: &str = "system.slice/nginx.service";

/// One guest of each kind whose cgroup can have any name, with a process that has run out of files.
pub fn guests(options: &str) -> anyhow::Result<()> {
    for (name, runtime) in [
        ("lxc.payload.{}", "lxc"),
        ("systemd-nspawn@{}.service", "machined"),
        ("machine-qemu\\x2d1\\x2d{}.scope", "libvirt"),
        ("{}", "unknown"),
    ] {
        let Some(guest) = Cgroup::named(name)? else {
            return Ok(());
        };
        let inside = guest.below(INNER)?;
        let mut holder = Holder::start(&["--watches=3", "--descriptors=1000"])?;
        inside.add(holder.pid())?;
        let report = report(&mut check(options));
        let pid = holder.pid();
        holder.end();
        let report = report?;
        let process = report.processes.iter().find(|process| process.pid == pid);
        let owner = &process.context("the process is not in the report")?.owner;
        let Owner::Container {
            runtime: found,
            id: known_as,
            inner_unit,
            ..
        } = owner
        else {
            anyhow::bail!("{owner:?}")
        };
        ensure!(serde_json::to_value(found)? == runtime, "{owner:?}");
        ensure!(*known_as == guest.unique(), "{owner:?}");
        ensure!(inner_unit.as_deref() == Some("nginx.service"), "{owner:?}");
        let about = |subject: &str| subject.contains(&format!("(pid {pid}"));
        let mut findings = report.findings.iter();
        let full = findings
            .find(|f| f.cause == Cause::ProcessFiles && about(&f.subject.to_string()))
            .context("it is not found that the process has run out of files")?;
        let of_host = |command: &str| command.contains("systemctl") || command.contains("/etc/");
        ensure!(
            !full.remedies.iter().any(|r| of_host(&r.command)),
            "{full:#?}"
        );
    }
    Ok(())
}
