//! The inotify limits, and every setting that nospace looks after: live, and what the next boot sets.

use nospace_core::model::{Limits, Setting};
use nospace_core::parse::lossy;
use nospace_core::parse::sysctl::{
    Assignment, DIRECTORIES, SYSCTL_CONF, assignments, reading_order, winner,
};

use super::read;
use super::run::{Collected, Collection};
use crate::host::{Absent, Host, proc, root};

/// Settings whose exhaustion nospace can name.
const KEYS: [&str; 24] = [
    "fs.inotify.max_user_instances",
    "fs.inotify.max_user_watches",
    "fs.inotify.max_queued_events",
    "user.max_inotify_instances",
    "user.max_inotify_watches",
    "fs.file-max",
    "fs.nr_open",
    "fs.mount-max",
    "fs.epoll.max_user_watches",
    "kernel.pid_max",
    "kernel.threads-max",
    "kernel.keys.maxkeys",
    "kernel.keys.maxbytes",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
    "kernel.sem",
    "kernel.shmmni",
    "kernel.shmall",
    "kernel.msgmni",
    "user.max_user_namespaces",
    "user.max_mnt_namespaces",
    "user.max_net_namespaces",
    "user.max_pid_namespaces",
    "user.max_cgroup_namespaces",
];

/// More drop-ins than any system has.
const MAX_FILES: usize = 1000;

/// Reads /proc/sys and the files that sysctl.d(5) names.
pub fn collect(host: &dyn Host) -> Collection<Limits> {
    let mut gaps = Vec::new();
    let files = boot_files(host, &mut gaps);
    let setting = |key: &&str| Setting {
        key: (*key).to_owned(),
        live: live(host, key),
        boot: winner(&files, key),
    };
    Ok(Collected::exact(Limits {
        max_user_instances: read::sysctl(host, KEYS[0])?,
        max_user_watches: read::sysctl(host, KEYS[1])?,
        max_queued_events: read::sysctl(host, KEYS[2])?,
        settings: KEYS.iter().map(setting).filter(is_known).collect(),
    })
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

/// Every file that is read at boot, in its order, with its assignments.
fn boot_files(host: &dyn Host, gaps: &mut Vec<String>) -> Vec<(String, Vec<Assignment>)> {
    let names =
        DIRECTORIES.map(|directory| host.list(root(directory), MAX_FILES).unwrap_or_default());
    let mut order = reading_order(&names);
    // systemd-sysctl reads sysctl.conf only where a drop-in links to it.
    if host.list(root("/run/systemd/system"), 1).is_err() {
        order.push(SYSCTL_CONF.to_owned());
    }
    let read = |path: String| match read::bytes(host, root(&path)) {
        Ok(bytes) => Some((path, assignments(&bytes))),
        Err(Absent::Gone) => None,
        Err(absent) => {
            gaps.push(format!(
                "{path}: {absent}; what it sets at boot is not known"
            ));
            None
        }
    };
    order.into_iter().filter_map(read).collect()
}
