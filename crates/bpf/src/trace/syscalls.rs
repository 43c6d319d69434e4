//! System call numbers of the traced calls, for 64-bit and 32-bit programs.

use crate::skeleton::trace::types::{trace_call, trace_config};

type Table = &'static [(i64, trace_call)];

const NATIVE: Table = &[
    (libc::SYS_inotify_init1, trace_call::CALL_INOTIFY_INIT1),
    (
        libc::SYS_inotify_add_watch,
        trace_call::CALL_INOTIFY_ADD_WATCH,
    ),
    (
        libc::SYS_inotify_rm_watch,
        trace_call::CALL_INOTIFY_RM_WATCH,
    ),
    (libc::SYS_mkdirat, trace_call::CALL_MKDIRAT),
    (libc::SYS_mount, trace_call::CALL_MOUNT),
    (libc::SYS_move_mount, trace_call::CALL_MOVE_MOUNT),
    (libc::SYS_unshare, trace_call::CALL_UNSHARE),
    (libc::SYS_clone, trace_call::CALL_CLONE),
    (libc::SYS_clone3, trace_call::CALL_CLONE3),
    (libc::SYS_epoll_ctl, trace_call::CALL_EPOLL_CTL),
    (libc::SYS_add_key, trace_call::CALL_ADD_KEY),
    (libc::SYS_keyctl, trace_call::CALL_KEYCTL),
    (libc::SYS_semget, trace_call::CALL_SEMGET),
    (libc::SYS_shmget, trace_call::CALL_SHMGET),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_inotify_init, trace_call::CALL_INOTIFY_INIT),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, trace_call::CALL_MKDIR),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_fork, trace_call::CALL_FORK),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_vfork, trace_call::CALL_FORK),
];

/// arch/x86/entry/syscalls/syscall_32.tbl; old programs call semget and shmget through ipc(2), which is not traced.
#[cfg(target_arch = "x86_64")]
const COMPAT: Table = &[
    (291, trace_call::CALL_INOTIFY_INIT),
    (332, trace_call::CALL_INOTIFY_INIT1),
    (292, trace_call::CALL_INOTIFY_ADD_WATCH),
    (293, trace_call::CALL_INOTIFY_RM_WATCH),
    (39, trace_call::CALL_MKDIR),
    (296, trace_call::CALL_MKDIRAT),
    (21, trace_call::CALL_MOUNT),
    (429, trace_call::CALL_MOVE_MOUNT),
    (310, trace_call::CALL_UNSHARE),
    (120, trace_call::CALL_CLONE),
    (435, trace_call::CALL_CLONE3),
    (2, trace_call::CALL_FORK),
    (190, trace_call::CALL_FORK),
    (255, trace_call::CALL_EPOLL_CTL),
    (286, trace_call::CALL_ADD_KEY),
    (288, trace_call::CALL_KEYCTL),
    (393, trace_call::CALL_SEMGET),
    (395, trace_call::CALL_SHMGET),
];

/// arch/arm64/tools/syscall_32.tbl
#[cfg(target_arch = "aarch64")]
const COMPAT: Table = &[
    (316, trace_call::CALL_INOTIFY_INIT),
    (360, trace_call::CALL_INOTIFY_INIT1),
    (317, trace_call::CALL_INOTIFY_ADD_WATCH),
    (318, trace_call::CALL_INOTIFY_RM_WATCH),
    (39, trace_call::CALL_MKDIR),
    (323, trace_call::CALL_MKDIRAT),
    (21, trace_call::CALL_MOUNT),
    (429, trace_call::CALL_MOVE_MOUNT),
    (337, trace_call::CALL_UNSHARE),
    (120, trace_call::CALL_CLONE),
    (435, trace_call::CALL_CLONE3),
    (2, trace_call::CALL_FORK),
    (190, trace_call::CALL_FORK),
    (251, trace_call::CALL_EPOLL_CTL),
    (309, trace_call::CALL_ADD_KEY),
    (311, trace_call::CALL_KEYCTL),
    (299, trace_call::CALL_SEMGET),
    (307, trace_call::CALL_SHMGET),
];

/// Fills in the tables of the BPF programs.
pub fn set(config: &mut trace_config) {
    fill(&mut config.native, NATIVE);
    fill(&mut config.compat, COMPAT);
}

fn fill(calls: &mut [u8], table: Table) {
    for &(number, call) in table {
        let entry = usize::try_from(number).ok().and_then(|n| calls.get_mut(n));
        if let (Some(entry), Ok(call)) = (entry, u8::try_from(call.0)) {
            *entry = call;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_fits_into_the_table() {
        for table in [NATIVE, COMPAT] {
            let mut calls = trace_config::default().native;
            fill(&mut calls, table);
            assert_eq!(calls.iter().filter(|c| **c > 0).count(), table.len());
        }
    }
}
