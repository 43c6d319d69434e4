//! A kubelet in its first moments, which does not hold yet what it is configured for.

use anyhow::{Context as _, ensure};
use nospace_holder::Holder;

use crate::support::{check, report};

fn needed(flags: &[&str]) -> anyhow::Result<u64> {
    let holder = Holder::start(&[&["--comm=kubelet", "--watches=1"], flags].concat())?;
    let start = report(&mut check(""))?.forecast.kubelet_start;
    let start = start.context("no forecast")?;
    ensure!(
        start.kubelet_pid == Some(holder.pid()) && start.starting,
        "{start:?}"
    );
    Ok(start.instances_needed)
}

/// cAdvisor's 2, flexvolumes and plugins at least; its flags say what else it will take.
pub fn flags() -> anyhow::Result<()> {
    for (flags, expected) in [
        (&["--rotate-server-certificates"][..], 4),
        (&[], 5),
        (&["--pod-manifest-path=/x", "--client-ca-file", "/y"], 7),
    ] {
        let needed = needed(flags)?;
        ensure!(needed == expected, "{flags:?}: {needed}, not {expected}");
    }
    Ok(())
}
