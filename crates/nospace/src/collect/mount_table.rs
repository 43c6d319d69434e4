//! The host's mounts, as those collectors need them that look for file systems.

use nospace_core::parse::mountinfo::{Mount, mounts};

use super::run::unanswered;
use crate::host::{Host, proc};

/// More mounts than a kernel allows by default (`fs.mount-max`, 100,000) do not fit.
const CAP: usize = 32 << 20;

/// Reads the mountinfo that names the host's mounts.
pub fn read(host: &dyn Host) -> anyhow::Result<Vec<Mount>> {
    let path = format!("{}/mountinfo", host.look().mounts_of);
    let mut buffer = Vec::new();
    let whole = host.read(proc(&path), CAP, &mut buffer);
    if !whole.map_err(|absent| unanswered(proc(&path), &absent))? {
        let end = end_of_last_line(&buffer);
        buffer.truncate(end);
    }
    mounts(&buffer).map_err(|malformed| anyhow::anyhow!("{}: {malformed}", proc(&path)))
}

fn end_of_last_line(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1)
}
