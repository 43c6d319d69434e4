//! A limit that fs.inotify.* does not reach.

use std::process::Command;

use anyhow::{Context as _, ensure};
use nospace_core::tune::Tuning;
use nospace_holder::Holder;

use crate::support::NOSPACE;

pub fn named() -> anyhow::Result<()> {
    let mut holder = Holder::start(&["--user-namespace=800000", "--watches=7"])?;
    holder.tell("limit watches 7")?;
    let output = Command::new(NOSPACE)
        .args(["tune", "-o", "json"])
        .output()?;
    let tuning: Tuning = serde_json::from_slice(&output.stdout)?;
    let named = tuning.namespaces.iter().find(|one| one.user.uid == 800_000);
    let Some(named) = named else {
        // Only the kernel's accounting knows the limits of another namespace.
        let exact = std::env::var_os("NOSPACE_NEEDS_EBPF").is_some();
        ensure!(
            !exact,
            "the namespace is not named: {:?}",
            tuning.namespaces
        );
        return Ok(());
    };
    ensure!(
        named.key == "user.max_inotify_watches" && named.used == 7 && named.limit == 7,
        "{named:?}"
    );
    let remedy = named.remedies.first().context("no remedy")?;
    ensure!(remedy.command.starts_with("nsenter -t "), "{remedy:?}");
    let done = Command::new("sh")
        .args(["-c", &format!("{} >/dev/null", remedy.command)])
        .status()?;
    ensure!(done.success(), "{}", remedy.command);
    let more = holder.tell("add 1")?;
    ensure!(more.done == 1, "{more:?}");
    Ok(())
}
