//! A pid namespace of its own, with the /proc that belongs to it.

use anyhow::{Context as _, ensure};
use rustix::mount::{MountFlags, mount};
use rustix::thread::UnshareFlags;

use crate::child::again;
use crate::hold::die_with_parent;
use crate::plan::Plan;
use crate::refuse::{own_mounts, unshare};
use crate::userns;

/// Starts the same holder as the first process of a new pid namespace, in the new user namespace that it shall have if any, and
/// waits for its end.
pub fn serve(plan: &Plan) -> anyhow::Result<()> {
    if let Some(uid) = plan.user_namespace {
        userns::enter(uid)?;
    }
    die_with_parent()?;
    unshare(UnshareFlags::NEWPID).context("no pid namespace")?;
    let mut first = again();
    for argument in std::env::args_os().skip(1) {
        match argument.as_encoded_bytes() {
            b"--pid-namespace" => first.arg("--own-proc"),
            name if name.starts_with(b"--user-namespace=") => continue,
            _ => first.arg(argument),
        };
    }
    let status = first.status()?;
    ensure!(status.success(), "the first process ended: {status}");
    Ok(())
}

/// Covers /proc with that of the own pid namespace, where nobody else sees it.
pub fn own_proc() -> anyhow::Result<()> {
    own_mounts()?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None).context("cannot mount /proc")
}
