//! RLIMIT_NOFILE, which must not be what runs out first.

use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For all else that nospace opens.
const SPARE: u64 = 64;

/// Raises the limit for `wanted` descriptors, as far as this process may, and returns how many it can have.
pub fn raise_limit(wanted: u64) -> u64 {
    let needed = wanted.saturating_add(SPARE);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let set = |current, maximum| setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok();
    let mut have = current.unwrap_or(u64::MAX);
    let hard = maximum.unwrap_or(u64::MAX);
    if have < needed
        && (set(Some(needed), Some(needed.max(hard))) || set(Some(needed.min(hard)), maximum))
    {
        have = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    }
    have.saturating_sub(SPARE)
}

/// Whether this process can open one more.
pub fn are_left() -> bool {
    !matches!(fcntl_dupfd_cloexec(std::io::stderr(), 0), Err(Errno::MFILE))
}

/// That RLIMIT_NOFILE is in the way.
pub fn too_few() -> anyhow::Error {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    anyhow::anyhow!(
        "{limit} open files are not enough for this: raise the limit (ulimit -n) or run as root"
    )
}
