//! Every limit that answers with a misleading error, one file each; everything that runs over all limits
//! loops over [`LIMITS`].
//!
//! To add one: a row in `cause.rs`, a line below, its file here, its collector in `nospace::collect`,
//! and its page in docs/causes.

mod aio;
mod bpf_jit;
mod bpf_log;
mod bpf_map;
mod bpf_programs;
mod bridge_ports;
mod btrfs_metadata;
mod ceph_full;
mod cgroup_kmem;
mod cgroup_limit;
mod conntrack;
mod cpuset_empty;
mod dev_shm;
mod directory_index;
mod disk_blocks;
mod disk_inodes;
mod disk_quota;
mod disk_space;
mod ephemeral_ports;
mod epoll_watches;
mod etcd_quota;
mod event_queue;
mod fanotify;
mod hugepages;
mod inotify_instances;
mod inotify_watches;
mod ip_pool;
mod keys;
mod max_map_count;
mod memlock;
mod mount_limit;
mod namespace_limit;
mod neighbor_table;
mod pids;
mod posix_mqueue;
mod process_files;
mod ptys;
mod runtime_locks;
mod set_full;
mod system_files;
mod sysv_messages;
mod sysv_semaphores;
mod sysv_shm;
mod thin_pool;
mod unix_in_flight;

pub(crate) mod blame;
mod command;
pub(crate) mod describe;
mod filesystem;
pub mod inotify;
pub mod kernel_memory;
mod limit;
mod near;
pub(crate) mod pressure;
mod raise;
mod reading;
pub mod recommended;
pub(crate) mod remedy;
#[cfg(test)]
mod remedy_tests;
mod runtime;
pub(crate) mod sysctl;
mod sysv;
#[cfg(test)]
mod tests;

pub use cgroup_limit::MEMORY_CGROUP_MAX;
pub use command::{Command, Raise, Site, never_lower};
pub use limit::{Dependency, Limit, Place, Refusal, errno};
pub(crate) use raise::raise;
pub use reading::{Reading, reading};
pub use remedy::quote;
pub(crate) use runtime::{restart_containerd, restart_crio};
pub use sysctl::{Sysctl, suggest_limit};

pub use inotify_instances::LIMIT as INOTIFY_INSTANCES;
pub use inotify_watches::LIMIT as INOTIFY_WATCHES;

use crate::cause::{Cause, for_each_limit};
use crate::model::Snapshot;
use crate::report::Resource;

macro_rules! list {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal in $module:ident,)+) => {
        /// Every limit, in the order of [`Cause::ALL`].
        pub static LIMITS: &[&Limit] = &[$(&$module::LIMIT),+];
    };
}

for_each_limit!(list);

/// What is known of the limit whose exhaustion `cause` is.
#[must_use]
pub fn of(cause: Cause) -> &'static Limit {
    LIMITS[cause as usize]
}

/// Every sysctl of every limit.
pub fn sysctls() -> impl Iterator<Item = &'static Sysctl> {
    LIMITS.iter().flat_map(|limit| limit.sysctls)
}

/// The sysctl of that name, with dots or slashes.
#[must_use]
pub fn sysctl(key: &str) -> Option<&'static Sysctl> {
    sysctls().find(|sysctl| sysctl.is_called(key))
}

/// The cause that the sysctl `key` is a limit of.
#[must_use]
pub fn cause_of_sysctl(key: &str) -> Option<Cause> {
    let sets = |limit: &&&Limit| limit.sysctls.iter().any(|sysctl| sysctl.is_called(key));
    LIMITS.iter().find(sets).map(|limit| limit.cause)
}

/// The sysctl that limits this budget, where one does.
#[must_use]
pub fn sysctl_of(resource: &Resource) -> Option<&'static Sysctl> {
    sysctl((of(resource.cause).sysctl_of)(resource)?)
}

/// What can have refused `call` with `errno`; `place` says what it was about, if that is known.
#[must_use]
pub fn refused(call: &str, errno: i32, place: Option<Place>) -> Vec<Cause> {
    let matches = |limit: &&&Limit| {
        let mut refusals = limit.refusals.iter();
        refusals.any(|refusal| refusal.matches(call, errno, place))
    };
    LIMITS
        .iter()
        .filter(matches)
        .map(|limit| limit.cause)
        .collect()
}

/// All budgets other than inotify's that could be read, in the order of the cause codes, the fullest first.
#[must_use]
pub fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let mut all: Vec<Resource> = LIMITS
        .iter()
        .flat_map(|limit| (limit.usage)(snapshot))
        .collect();
    all.sort_by_cached_key(|one| {
        let fullest = std::cmp::Reverse(one.percent());
        (
            one.cause,
            fullest,
            one.subject.to_string(),
            one.unit.clone(),
        )
    });
    all
}
