//! Files: small ones whole, those that grow with use line by line.

use std::ops::ControlFlow;

use nospace_core::parse::{self, Malformed, Parsed};

use super::run::unanswered;
use crate::host::{At, Host, ReadError, ReadResult, proc};

/// No file of a few numbers is larger; those that can be are read by [`lines`].
const SMALL: usize = 256 << 10;

/// A small file.
pub fn bytes(host: &dyn Host, at: At<'_>) -> ReadResult<Vec<u8>> {
    let mut buffer = Vec::new();
    host.read(at, SMALL, &mut buffer)?;
    Ok(buffer)
}

/// Names in a directory, and whether there are more than `cap`.
pub fn names(host: &dyn Host, at: At<'_>, cap: usize) -> ReadResult<(Vec<String>, bool)> {
    let mut names = host.list(at, cap + 1)?;
    let more = names.len() > cap;
    names.truncate(cap);
    Ok((names, more))
}

/// A file that must be there, parsed.
pub fn parsed<T>(
    host: &dyn Host,
    at: At<'_>,
    parse: impl FnOnce(&[u8]) -> Result<T, Malformed>,
) -> anyhow::Result<T> {
    let bytes = bytes(host, at).map_err(|error| unanswered(at, &error))?;
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
        Err(ReadError::Gone) => Ok(None),
        Err(error) => Err(unanswered(at, &error)),
    }
}

/// Every line of a file that is not empty, however many there are; `false` where there is no such file.
pub fn lines(
    host: &dyn Host,
    at: At<'_>,
    mut parse: impl FnMut(&[u8]) -> Parsed<()>,
) -> anyhow::Result<bool> {
    let mut malformed = None;
    let answer = host.lines(at, &mut |line| {
        if !line.is_empty() {
            malformed = parse(line).err();
        }
        match malformed {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    });
    match (malformed, answer) {
        (Some(error), _) => Err(anyhow::anyhow!("{at}: {error}")),
        (None, Ok(())) => Ok(true),
        (None, Err(ReadError::Gone)) => Ok(false),
        (None, Err(error)) => Err(unanswered(at, &error)),
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

/// Whether something is missed when process `pid` denies access: nothing of one that has ended meanwhile, nor of a kernel
/// thread, which holds no descriptors and lives in no namespace of its own.
pub fn is_missed(host: &dyn Host, pid: u32) -> bool {
    let stat = optional(host, proc(&format!("{pid}/stat")), parse::process::stat);
    match stat {
        Ok(Some(stat)) => !stat.kernel_thread,
        Ok(None) => false,
        Err(_) => true,
    }
}
