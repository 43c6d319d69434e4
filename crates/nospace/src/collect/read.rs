//! Small files, read whole.

use nospace_core::parse::{self, Malformed};

use super::run::unanswered;
use crate::host::{Absent, Asked, At, Host, proc};

/// No file of a few numbers is larger.
const SMALL: usize = 256 << 10;

/// A small file.
pub fn bytes(host: &dyn Host, at: At<'_>) -> Asked<Vec<u8>> {
    let mut buffer = Vec::new();
    host.read(at, SMALL, &mut buffer)?;
    Ok(buffer)
}

/// A file that must be there, parsed.
pub fn parsed<T>(
    host: &dyn Host,
    at: At<'_>,
    parse: impl FnOnce(&[u8]) -> Result<T, Malformed>,
) -> anyhow::Result<T> {
    let bytes = bytes(host, at).map_err(|absent| unanswered(at, &absent))?;
    parse(&bytes).map_err(|malformed| anyhow::anyhow!("{at}: {malformed}"))
}

/// A file that may be missing, parsed.
pub fn optional<T>(
    host: &dyn Host,
    at: At<'_>,
    parse: impl FnOnce(&[u8]) -> Result<T, Malformed>,
) -> anyhow::Result<Option<T>> {
    match bytes(host, at) {
        Ok(bytes) => parse(&bytes)
            .map(Some)
            .map_err(|error| anyhow::anyhow!("{at}: {error}")),
        Err(Absent::Gone) => Ok(None),
        Err(absent) => Err(unanswered(at, &absent)),
    }
}

/// A sysctl of one number, by its dotted key.
pub fn sysctl(host: &dyn Host, key: &str) -> anyhow::Result<u64> {
    let path = sysctl_path(key);
    parsed(host, proc(&path), |bytes| parse::number("sysctl", bytes))
}

/// Path of a sysctl below procfs.
pub fn sysctl_path(key: &str) -> String {
    format!("sys/{}", key.replace('.', "/"))
}

/// Kernel threads hold no descriptors and live in no namespace of their own: nothing is missed
/// when they may not be asked.
pub fn is_kernel_thread(host: &dyn Host, pid: u32) -> bool {
    let stat = parsed(host, proc(&format!("{pid}/stat")), parse::process::stat);
    stat.is_ok_and(|stat| stat.kernel_thread)
}
