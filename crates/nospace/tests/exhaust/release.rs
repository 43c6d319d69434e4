//! All is given back, however it ends.

use std::fs;
use std::path::Path;

use anyhow::ensure;
use nospace::exhaust::EndReason;
use nospace_holder::Holder;
use rustix::process::Signal;

use crate::exact::inside;
use crate::exhaust::{Exhaust, soon};

pub fn inotify() -> anyhow::Result<()> {
    let mut holder = Holder::start(&["--user-namespace=820000", "--watches=7"])?;
    holder.tell("limit watches 3000")?;
    let exhaust = Exhaust::spawn(inside(&holder, "watches --leave 0"))?;
    ensure!(holder.tell("add 1")?.done == 0);
    exhaust.signal(Signal::KILL)?;
    soon("watches are free", || Ok(holder.tell("add 1")?.done == 1))
}

/// By the time, and by each signal that asks.
pub fn in_order() -> anyhow::Result<()> {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut exhaust = Exhaust::start(&["blocks", "--limit", "1"])?;
        exhaust.signal(signal)?;
        let summary = exhaust.summary()?;
        ensure!(
            summary.ended == EndReason::Signal && summary.held == 1 << 20,
            "{summary:?}"
        );
        ensure!(!Path::new(&summary.subject).exists(), "{summary:?}");
    }
    let output = std::process::Command::new(crate::support::NOSPACE)
        .args([
            "exhaust", "cgroups", "--limit", "3", "--for", "1s", "-o", "json",
        ])
        .output()?;
    let summary: nospace::exhaust::ExhaustSummary = serde_json::from_slice(&output.stdout)?;
    ensure!(
        summary.ended == EndReason::Time && summary.held == 3,
        "{summary:?}"
    );
    ensure!(!Path::new(&summary.subject).exists(), "{summary:?}");
    Ok(())
}

/// What nobody was left to remove, the next start removes.
pub fn left_behind() -> anyhow::Result<()> {
    // Above any pid_max.
    let place = Path::new("/run/nospace-exhaust.2000000001");
    fs::create_dir_all(place)?;
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "nospace-exhaust.2000000001"])
        .arg(place)
        .status()?;
    ensure!(mounted.success());
    let next = Exhaust::start(&["blocks", "--limit", "1"])?;
    ensure!(!place.exists(), "it is still there");
    next.end()?;
    Ok(())
}
