//! The inotify limits, and every setting that nospace looks after: live, and what the next boot sets.

use nospace_core::limits::{self, Sysctl};
use nospace_core::model::{Limits, Setting};
use nospace_core::parse::lossy;
use nospace_core::parse::sysctl::{Boot, DIRECTORIES, Reader, assignments, reading_order};

use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, ReadError, proc, root};

/// More drop-ins than any system has.
const MAX_FILES: usize = 1000;

/// Reads /proc/sys and the files that sysctl.d(5) names.
pub fn collect(host: &dyn Host) -> CollectResult<Limits> {
    let mut gaps = Vec::new();
    let boot = boot(host, reader(host, false), &mut gaps);
    let setting = |sysctl: &Sysctl| Setting {
        key: sysctl.key.to_owned(),
        live: live(host, sysctl.key),
        boot: boot.winner(sysctl.key, |value| sysctl.takes(value)),
    };
    let partial = !gaps.is_empty();
    Ok(Measurement::exact(Limits {
        max_user_instances: read::sysctl(host, "fs.inotify.max_user_instances")?,
        max_user_watches: read::sysctl(host, "fs.inotify.max_user_watches")?,
        max_queued_events: read::sysctl(host, "fs.inotify.max_queued_events")?,
        settings: limits::sysctls().map(setting).filter(is_known).collect(),
    })
    .partial(partial)
    .with_gaps(gaps))
}

fn is_known(setting: &Setting) -> bool {
    setting.live.is_some() || setting.boot.is_some()
}

fn live(host: &dyn Host, key: &str) -> Option<String> {
    let bytes = read::bytes(host, proc(&read::sysctl_path(key))).ok()?;
    // Several numbers stand apart by tabs; people write spaces.
    Some(
        lossy(&bytes)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    )
}

/// Who reads the files at boot: systemd where it runs, or, in an image, where it is installed.
pub fn reader(host: &dyn Host, image: bool) -> Reader {
    let runs = host.list(root("/run/systemd/system"), 1).is_ok();
    let installed = || {
        let programs = [
            "/usr/lib/systemd/systemd-sysctl",
            "/lib/systemd/systemd-sysctl",
        ];
        let there = |path: &&str| {
            let answer = host.read(root(*path), 0, &mut Vec::new());
            !matches!(answer, Err(ReadError::Gone))
        };
        image && programs.iter().any(there)
    };
    if runs || installed() {
        Reader::Systemd
    } else {
        Reader::Procps
    }
}

/// Every file that `reader` reads at boot, in its order, with its assignments.
pub fn boot(host: &dyn Host, reader: Reader, gaps: &mut Vec<String>) -> Boot {
    let names = DIRECTORIES.map(|directory| match read::names(host, root(directory), MAX_FILES) {
        Ok((names, more)) => {
            if more {
                gaps.push(format!(
                    "{directory}: only the first {MAX_FILES} files were read; what others set at boot is not known"
                ));
            }
            names
        }
        Err(ReadError::Gone) => Vec::new(),
        Err(error) => {
            gaps.push(format!("{directory}: {error}; what it sets at boot is not known"));
            Vec::new()
        }
    });
    let order = reading_order(&names, reader);
    let read = |path: String| match read::bytes(host, root(&path)) {
        Ok(bytes) => Some((path, assignments(&bytes, reader))),
        Err(ReadError::Gone) => None,
        Err(_) if is_mask(host, &path) => None,
        Err(error) => {
            gaps.push(format!(
                "{path}: {error}; what it sets at boot is not known"
            ));
            None
        }
    };
    Boot {
        reader,
        files: order.into_iter().filter_map(read).collect(),
    }
}

/// A link to /dev/null stands in the way of the files of its name, and is empty itself.
fn is_mask(host: &dyn Host, path: &str) -> bool {
    host.link(root(path))
        .is_ok_and(|target| target.ends_with("dev/null"))
}
