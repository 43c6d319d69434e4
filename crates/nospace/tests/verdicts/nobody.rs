//! An ordinary user sees little of the others.

use anyhow::{Context as _, ensure};
use nospace_core::report::{StartVerdict, Status, Unseen};
use nospace_holder::Holder;

use crate::script::private;
use crate::support::{forget_disks, report};

/// No figure of another user's account is given, and no room promised.
pub fn root_is_full() -> anyhow::Result<()> {
    let _holder = Holder::start(&["--instances=30", "--watches=7"])?;
    let script = "nobody /proc/self/fd/8 check -o json";
    let mut report = report(&mut private(script, ""))?;
    let full_disk = forget_disks(&mut report);
    ensure!(report.status() == Status::Unknown);
    ensure!(
        report
            .unseen
            .contains(&Unseen::OtherUsers { as_root: false })
    );
    let root = report.users.iter().find(|user| user.uid == 0);
    let root = root.context("root is not mentioned")?;
    ensure!(
        root.instances.percent().is_none() && root.watches.percent().is_none(),
        "{root:?}"
    );
    if let Some(start) = &report.forecast.kubelet_start {
        ensure!(start.verdict == StartVerdict::Unknown, "{start:?}");
    }
    let output = private("nobody /proc/self/fd/8 check", "").output()?;
    let text = String::from_utf8(output.stdout)?;
    let head = text.lines().next().unwrap_or_default();
    ensure!(full_disk || head.contains("UNKNOWN run as root"), "{head}");
    ensure!(!text.contains("0/128"), "{text}");
    let output = private("nobody /proc/self/fd/8 watches", "").output()?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(!text.contains("no inotify instances in use"), "{text}");
    Ok(())
}
