//! Pseudoterminals: of the kernel, and of each devpts that has a limit of its own.

use std::path::Path;

use anyhow::{Context as _, bail};
use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};
use nospace_core::parse::{self, mountinfo::Mount};

use super::mount_table::{self, Table};
use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, proc, root};

/// More than any devpts holds (`NR_UNIX98_PTY_MAX`, include/linux/tty.h), with `ptmx`.
const MAX_NAMES: usize = (1 << 20) + 1;

/// Reads kernel.pty.* and the options of devpts mounts.
///
/// The kernel refuses the one that reaches the limit; for a devpts that was not mounted in the first mount namespace, as in
/// containers, the limit is less by kernel.pty.reserve (`devpts_new_index`, fs/devpts/inode.c).
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Resource>> {
    let number = |bytes: &[u8]| parse::number("kernel.pty.nr", bytes);
    // A kernel without CONFIG_UNIX98_PTYS has none to run out of.
    let Some(used) = read::optional(host, proc("sys/kernel/pty/nr"), number)? else {
        return Ok(Measurement::exact(Vec::new()));
    };
    let max = read::sysctl(host, "kernel.pty.max")?;
    let reserve = read::sysctl(host, "kernel.pty.reserve")?;
    let of = |subject, limit: u64| {
        let limit = limit.saturating_sub(1);
        Resource::exact(Cause::Ptys, subject, used, limit, "ptys")
    };
    let containers = Subject::SysctlField {
        key: "kernel.pty.max",
        field: "less kernel.pty.reserve",
    };
    let mut resources = vec![
        of(Subject::sysctl("kernel.pty.max"), max),
        of(containers, max.saturating_sub(reserve)),
    ];
    let mounts = mount_table::read(host)?;
    let mut gaps = Vec::new();
    for mount in mounts.visible().filter(|mount| mount.fstype == "devpts") {
        match limited(host, &mounts, mount) {
            Ok(resource) => resources.extend(resource),
            Err(error) => gaps.push(format!("{}: {error}", mount.mountpoint)),
        }
    }
    Ok(Measurement::exact(resources)
        .partial(!gaps.is_empty())
        .with_gaps(gaps))
}

/// The budget of a devpts that was mounted with `max=`; none where another mount covers it.
fn limited(host: &dyn Host, mounts: &Table, mount: &Mount) -> anyhow::Result<Option<Resource>> {
    let mut options = mount.super_options.split(',');
    let Some(max) = options.find_map(|option| option.strip_prefix("max=")) else {
        return Ok(None);
    };
    let top = mounts.resolve(host, Path::new(&mount.mountpoint));
    if top.is_none_or(|top| top.device != mount.device) {
        return Ok(None);
    }
    let max = max.parse().with_context(|| format!("max={max}"))?;
    let names = match read::names(host, root(&mount.mountpoint), MAX_NAMES) {
        Ok((names, false)) => names,
        Ok((_, true)) => bail!("{}: more than {MAX_NAMES} names", mount.mountpoint),
        Err(error) => bail!("{error}"),
    };
    let terminals = names.iter().filter(|name| name.parse::<u32>().is_ok());
    let (subject, used) = (
        Subject::Mount(mount.mountpoint.clone()),
        terminals.count() as u64,
    );
    Ok(Some(Resource::exact(
        Cause::Ptys,
        subject,
        used,
        max,
        "ptys",
    )))
}
