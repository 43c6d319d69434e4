//! What keeps tune from changing anything here, found before it tries.

use std::path::Path;

use nospace_core::tune::{Change, DROP_IN, StepState, Tuning};
use rustix::io::Errno;

use super::site::{Scope, Site, SiteKind};
use super::{environment, live};

/// Why nothing could be changed here; `None` where nothing is in the way.
pub fn obstacles(site: &Site<'_>, tuning: &Tuning, scope: Scope) -> Option<String> {
    let mut all = Vec::new();
    if site.kind != SiteKind::Node {
        return None;
    }
    let planned = |change: &&Change| change.live.state == StepState::Planned;
    let changes = tuning.changes.iter().filter(planned);
    all.extend(changes.filter_map(|change| live::obstacle(&site.procfs, &change.key)));
    let own_root = site.rootfs == Path::new("/");
    let writes = scope.persistent && tuning.file.step.state == StepState::Planned;
    if writes && own_root && environment::is_container(site.host) {
        all.push(format!(
            "{DROP_IN} would be inside this container, where no node reads it at boot (--runtime-only skips it)"
        ));
    }
    (!all.is_empty()).then(|| format!("{}; {}", all.join("; "), environment::way(site.host)))
}

/// Fails before anything is changed.
///
/// # Errors
///
/// There is an obstacle.
pub fn ensure_none(site: &Site<'_>, tuning: &Tuning, scope: Scope) -> anyhow::Result<()> {
    match obstacles(site, tuning, scope) {
        Some(obstacles) => anyhow::bail!("nothing was changed: {obstacles}"),
        None => Ok(()),
    }
}

/// Why the file at `path` could not be read or written, and what to do.
pub fn file_error(path: &str, error: Errno) -> String {
    let hint = match error {
        Errno::NOSPC | Errno::DQUOT => "; free some space there and run tune again",
        Errno::ROFS => {
            "; /etc is read-only on this system: set sysctls as its vendor documents, or use --runtime-only"
        }
        Errno::ACCESS | Errno::PERM => "; run as root",
        Errno::NOSYS => "; a root other than / needs Linux 5.6 or later",
        _ => "",
    };
    format!("{path}: {}{hint}", std::io::Error::from(error))
}
