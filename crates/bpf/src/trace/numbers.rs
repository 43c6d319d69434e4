//! Which system-call numbers are which calls, for 64-bit programs and for 32-bit ones on the same kernel.

use crate::records::{self, CALL_NUMBERS, TraceConfig};

type Table = &'static [(i64, u32)];

const NATIVE: Table = &[
    (libc::SYS_inotify_init1, records::CALL_INOTIFY_INIT1),
    (libc::SYS_inotify_add_watch, records::CALL_INOTIFY_ADD_WATCH),
    (libc::SYS_inotify_rm_watch, records::CALL_INOTIFY_RM_WATCH),
    (libc::SYS_mkdirat, records::CALL_MKDIRAT),
    (libc::SYS_mount, records::CALL_MOUNT),
    (libc::SYS_move_mount, records::CALL_MOVE_MOUNT),
    (libc::SYS_unshare, records::CALL_UNSHARE),
    (libc::SYS_clone, records::CALL_CLONE),
    (libc::SYS_clone3, records::CALL_CLONE3),
    (libc::SYS_epoll_ctl, records::CALL_EPOLL_CTL),
    (libc::SYS_add_key, records::CALL_ADD_KEY),
    (libc::SYS_keyctl, records::CALL_KEYCTL),
    (libc::SYS_semget, records::CALL_SEMGET),
    (libc::SYS_shmget, records::CALL_SHMGET),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_inotify_init, records::CALL_INOTIFY_INIT),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, records::CALL_MKDIR),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_fork, records::CALL_FORK),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_vfork, records::CALL_FORK),
];

/// arch/x86/entry/syscalls/syscall_32.tbl; old programs reach semget and shmget through ipc(2), which is not traced.
#[cfg(target_arch = "x86_64")]
const COMPAT: Table = &[
    (291, records::CALL_INOTIFY_INIT),
    (332, records::CALL_INOTIFY_INIT1),
    (292, records::CALL_INOTIFY_ADD_WATCH),
    (293, records::CALL_INOTIFY_RM_WATCH),
    (39, records::CALL_MKDIR),
    (296, records::CALL_MKDIRAT),
    (21, records::CALL_MOUNT),
    (429, records::CALL_MOVE_MOUNT),
    (310, records::CALL_UNSHARE),
    (120, records::CALL_CLONE),
    (435, records::CALL_CLONE3),
    (2, records::CALL_FORK),
    (190, records::CALL_FORK),
    (255, records::CALL_EPOLL_CTL),
    (286, records::CALL_ADD_KEY),
    (288, records::CALL_KEYCTL),
    (393, records::CALL_SEMGET),
    (395, records::CALL_SHMGET),
];

/// arch/arm64/tools/syscall_32.tbl
#[cfg(target_arch = "aarch64")]
const COMPAT: Table = &[
    (316, records::CALL_INOTIFY_INIT),
    (360, records::CALL_INOTIFY_INIT1),
    (317, records::CALL_INOTIFY_ADD_WATCH),
    (318, records::CALL_INOTIFY_RM_WATCH),
    (39, records::CALL_MKDIR),
    (323, records::CALL_MKDIRAT),
    (21, records::CALL_MOUNT),
    (429, records::CALL_MOVE_MOUNT),
    (337, records::CALL_UNSHARE),
    (120, records::CALL_CLONE),
    (435, records::CALL_CLONE3),
    (2, records::CALL_FORK),
    (190, records::CALL_FORK),
    (251, records::CALL_EPOLL_CTL),
    (309, records::CALL_ADD_KEY),
    (311, records::CALL_KEYCTL),
    (299, records::CALL_SEMGET),
    (307, records::CALL_SHMGET),
];

/// Tells the programs.
pub fn set(config: &mut TraceConfig) {
    fill(&mut config.native, NATIVE);
    fill(&mut config.compat, COMPAT);
}

fn fill(calls: &mut [u8; CALL_NUMBERS], table: Table) {
    for &(number, call) in table {
        let place = usize::try_from(number).ok().and_then(|n| calls.get_mut(n));
        if let (Some(place), Ok(call)) = (place, u8::try_from(call)) {
            *place = call;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_place() {
        for table in [NATIVE, COMPAT] {
            let mut calls = [0; CALL_NUMBERS];
            fill(&mut calls, table);
            assert_eq!(calls.iter().filter(|c| **c > 0).count(), table.len());
        }
    }
}
