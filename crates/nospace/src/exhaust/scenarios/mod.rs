//! The table of what can be used up, a file each.

mod aio;
mod blocks;
mod cgroups;
mod conntrack;
mod disk_quota;
mod epoll_watches;
mod fanotify_groups;
mod fanotify_marks;
mod inodes;
mod instances;
mod keys;
mod max_map_count;
mod mounts;
mod pids;
mod posix_mqueue;
mod ptys;
mod sysv;
mod sysv_messages;
mod sysv_semaphores;
mod sysv_shm;
mod watches;

use anyhow::bail;

use super::consumer::Consumer;
use super::document::Target;
use super::scenario::{NO_OPTIONS, Options, Scenario};

macro_rules! scenarios {
    ($($target:ident $file:ident),* $(,)?) => {
        /// Every scenario, in the order of the help.
        pub static SCENARIOS: &[&Scenario] = &[$(&$file::SCENARIO),*];

        /// The scenario of a target.
        #[must_use]
        pub fn of(target: Target) -> &'static Scenario {
            match target {
                $(Target::$target => &$file::SCENARIO),*
            }
        }
    };
}

scenarios! {
    Watches watches,
    Instances instances,
    Cgroups cgroups,
    Mounts mounts,
    Inodes inodes,
    Blocks blocks,
    Ptys ptys,
    FanotifyGroups fanotify_groups,
    FanotifyMarks fanotify_marks,
    PosixMqueue posix_mqueue,
    SysvMessages sysv_messages,
    SysvSemaphores sysv_semaphores,
    SysvShm sysv_shm,
    Keys keys,
    EpollWatches epoll_watches,
    Pids pids,
    Aio aio,
    Conntrack conntrack,
    MaxMapCount max_map_count,
    DiskQuota disk_quota,
}

/// `--as-uid` where the default is an unused uid.
const AS_NOBODY: &str = "Use up the limit of this user instead (another than your own: root only)";

const fn inotify_options() -> Options {
    Options {
        as_uid: Some("Use up the limit of this user instead of your own (root only)"),
        yes_break_this_node: Some(
            "Allow leaving root less than a kubelet on this machine needs to run",
        ),
        ..NO_OPTIONS
    }
}

/// What the process holds that holds for the scenario of this name.
///
/// # Errors
///
/// No such scenario needs one.
pub fn held_apart(name: &str) -> anyhow::Result<Box<dyn Consumer>> {
    match name {
        "epoll-watches" => epoll_watches::held(),
        "max-map-count" => max_map_count::held(),
        "pids" => pids::held(),
        _ => bail!("{name} needs no process of its own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_what_its_target_says() {
        for scenario in SCENARIOS {
            let name = serde_json::to_value(scenario.target).unwrap();
            assert_eq!(name, scenario.name);
            assert!(std::ptr::eq(of(scenario.target), *scenario));
        }
    }
}
