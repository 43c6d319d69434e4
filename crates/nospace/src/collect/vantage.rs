//! Where nospace runs, which decides what it can see.

use nospace_core::model::{INITIAL_USER_NAMESPACE, Vantage};
use nospace_core::parse::process::stat;

use super::mounts::{namespace, namespace_at};
use super::read;
use crate::host::{Host, proc};

/// Inode number of the initial pid namespace (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
const INITIAL_PID_NAMESPACE: u64 = 4_026_531_836;
/// kthreadd, the second process of every kernel; pid namespaces that are made later have no kernel threads.
const KTHREADD: &str = "2/stat";

/// Never fails: what cannot be read is taken for out of sight.
pub fn collect(host: &dyn Host) -> Vantage {
    Vantage {
        uid: host.look().uid,
        user_namespace: user_namespace(host),
        initial_pid_namespace: shows_initial_pids(host) || nospace_bpf::is_whole_node(),
        max_inotify_instances: read::sysctl(host, "user.max_inotify_instances").ok(),
        max_inotify_watches: read::sysctl(host, "user.max_inotify_watches").ok(),
    }
}

/// Its own. Where that cannot be read, the initial one if pid 1 is in it and lets nospace know: from within another user
/// namespace the kernel refuses that (`cap_ptrace_access_check`, security/commoncap.c).
fn user_namespace(host: &dyn Host) -> Option<u64> {
    let of_first = || namespace(host, 1, "user").ok();
    let own = namespace_at(host, "self/ns/user").ok();
    own.or_else(|| of_first().filter(|id| *id == INITIAL_USER_NAMESPACE))
}

/// Whether procfs is that of the initial pid namespace.
pub fn shows_initial_pids(host: &dyn Host) -> bool {
    let has_kthreadd =
        || read::parsed(host, proc(KTHREADD), stat).is_ok_and(|stat| stat.kernel_thread);
    namespace(host, 1, "pid") == Ok(INITIAL_PID_NAMESPACE) || has_kthreadd()
}
