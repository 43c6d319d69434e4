//! The functions of the traced calls, as the kernel names them.

use std::sync::OnceLock;

use crate::skeleton::trace::types::trace_call;
use crate::types;

/// A function that returns what its call does, and is given the caller's saved registers.
pub struct Function {
    /// As it is in kallsyms.
    pub name: &'static str,
    /// Which call.
    pub call: trace_call,
    /// In the kernel's types.
    pub number: u32,
}

/// When a kernel may lack a function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Always,
    /// Where 32-bit programs run.
    Compat,
    /// Built without System V IPC or without keys, or this is only for 32-bit programs.
    Never,
}

use Need::{Always, Never};

type Table = &'static [(&'static str, trace_call, Need)];

/// Functions without arguments have no `__x64_` in the kernel's types; 32-bit programs share them.
#[cfg(target_arch = "x86_64")]
const TABLE: Table = {
    use Need::Compat;
    &[
        (
            "__do_sys_inotify_init",
            trace_call::CALL_INOTIFY_INIT,
            Always,
        ),
        (
            "__x64_sys_inotify_init1",
            trace_call::CALL_INOTIFY_INIT1,
            Always,
        ),
        (
            "__x64_sys_inotify_add_watch",
            trace_call::CALL_INOTIFY_ADD_WATCH,
            Always,
        ),
        (
            "__x64_sys_inotify_rm_watch",
            trace_call::CALL_INOTIFY_RM_WATCH,
            Always,
        ),
        ("__x64_sys_mkdir", trace_call::CALL_MKDIR, Always),
        ("__x64_sys_mkdirat", trace_call::CALL_MKDIRAT, Always),
        ("__x64_sys_mount", trace_call::CALL_MOUNT, Always),
        ("__x64_sys_move_mount", trace_call::CALL_MOVE_MOUNT, Always),
        ("__x64_sys_unshare", trace_call::CALL_UNSHARE, Always),
        ("__x64_sys_clone", trace_call::CALL_CLONE, Always),
        ("__x64_sys_clone3", trace_call::CALL_CLONE3, Always),
        ("__do_sys_fork", trace_call::CALL_FORK, Always),
        ("__do_sys_vfork", trace_call::CALL_FORK, Always),
        ("__x64_sys_epoll_ctl", trace_call::CALL_EPOLL_CTL, Always),
        ("__x64_sys_add_key", trace_call::CALL_ADD_KEY, Never),
        ("__x64_sys_keyctl", trace_call::CALL_KEYCTL, Never),
        ("__x64_sys_semget", trace_call::CALL_SEMGET, Never),
        ("__x64_sys_shmget", trace_call::CALL_SHMGET, Never),
        (
            "__ia32_sys_inotify_init1",
            trace_call::CALL_INOTIFY_INIT1,
            Compat,
        ),
        (
            "__ia32_sys_inotify_add_watch",
            trace_call::CALL_INOTIFY_ADD_WATCH,
            Compat,
        ),
        (
            "__ia32_sys_inotify_rm_watch",
            trace_call::CALL_INOTIFY_RM_WATCH,
            Compat,
        ),
        ("__ia32_sys_mkdir", trace_call::CALL_MKDIR, Compat),
        ("__ia32_sys_mkdirat", trace_call::CALL_MKDIRAT, Compat),
        ("__ia32_sys_mount", trace_call::CALL_MOUNT, Compat),
        ("__ia32_sys_move_mount", trace_call::CALL_MOVE_MOUNT, Compat),
        ("__ia32_sys_unshare", trace_call::CALL_UNSHARE, Compat),
        (
            "__ia32_compat_sys_ia32_clone",
            trace_call::CALL_CLONE,
            Compat,
        ),
        ("__ia32_sys_clone3", trace_call::CALL_CLONE3, Compat),
        ("__ia32_sys_epoll_ctl", trace_call::CALL_EPOLL_CTL, Compat),
        ("__ia32_sys_add_key", trace_call::CALL_ADD_KEY, Never),
        ("__ia32_compat_sys_keyctl", trace_call::CALL_KEYCTL, Never),
        ("__ia32_sys_semget", trace_call::CALL_SEMGET, Never),
        ("__ia32_sys_shmget", trace_call::CALL_SHMGET, Never),
    ]
};

/// Most serve 32-bit programs, too.
#[cfg(target_arch = "aarch64")]
const TABLE: Table = &[
    (
        "__arm64_sys_inotify_init",
        trace_call::CALL_INOTIFY_INIT,
        Never,
    ),
    (
        "__arm64_sys_inotify_init1",
        trace_call::CALL_INOTIFY_INIT1,
        Always,
    ),
    (
        "__arm64_sys_inotify_add_watch",
        trace_call::CALL_INOTIFY_ADD_WATCH,
        Always,
    ),
    (
        "__arm64_sys_inotify_rm_watch",
        trace_call::CALL_INOTIFY_RM_WATCH,
        Always,
    ),
    ("__arm64_sys_mkdir", trace_call::CALL_MKDIR, Never),
    ("__arm64_sys_mkdirat", trace_call::CALL_MKDIRAT, Always),
    ("__arm64_sys_mount", trace_call::CALL_MOUNT, Always),
    (
        "__arm64_sys_move_mount",
        trace_call::CALL_MOVE_MOUNT,
        Always,
    ),
    ("__arm64_sys_unshare", trace_call::CALL_UNSHARE, Always),
    ("__arm64_sys_clone", trace_call::CALL_CLONE, Always),
    ("__arm64_sys_clone3", trace_call::CALL_CLONE3, Always),
    ("__arm64_sys_fork", trace_call::CALL_FORK, Never),
    ("__arm64_sys_vfork", trace_call::CALL_FORK, Never),
    ("__arm64_sys_epoll_ctl", trace_call::CALL_EPOLL_CTL, Always),
    ("__arm64_sys_add_key", trace_call::CALL_ADD_KEY, Never),
    ("__arm64_sys_keyctl", trace_call::CALL_KEYCTL, Never),
    ("__arm64_compat_sys_keyctl", trace_call::CALL_KEYCTL, Never),
    ("__arm64_sys_semget", trace_call::CALL_SEMGET, Never),
    ("__arm64_sys_shmget", trace_call::CALL_SHMGET, Never),
];

/// Only where inotify itself is there for 32-bit programs, the others must be.
const COMPAT: &str = "__ia32_sys_inotify_add_watch";

/// Those of the running kernel, looked up once.
pub fn known() -> Result<&'static [Function], &'static str> {
    static KNOWN: OnceLock<Result<Vec<Function>, &'static str>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| of_kernel(types::functions));
    known.as_deref().map_err(|name| *name)
}

/// Those of this kernel, by way of `find`, which looks names up in its types; the name of one that it should have, and
/// has not: a call would go unseen.
fn of_kernel(
    find: impl FnOnce(&[&'static str]) -> Option<Vec<Option<u32>>>,
) -> Result<Vec<Function>, &'static str> {
    let names: Vec<&'static str> = TABLE.iter().map(|(name, ..)| *name).collect();
    let numbers = find(&names).ok_or(names[0])?;
    let place = names.iter().position(|name| *name == COMPAT);
    let compat = place.is_some_and(|place| numbers[place].is_some());
    let mut functions = Vec::new();
    for (&(name, call, need), number) in TABLE.iter().zip(numbers) {
        match number {
            Some(number) => functions.push(Function { name, call, number }),
            None if need == Always || need == Need::Compat && compat => return Err(name),
            None => {}
        }
    }
    Ok(functions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::trace::types::trace_config;

    fn without(missing: &str) -> Result<usize, &'static str> {
        let find = |names: &[&str]| {
            let number = |name: &&str| (!name.contains(missing)).then_some(7);
            Some(names.iter().map(number).collect())
        };
        of_kernel(find).map(|functions| functions.len())
    }

    #[test]
    fn each_has_a_program() {
        assert!(TABLE.len() <= trace_config::default().functions.len());
    }

    #[test]
    fn a_kernel_without_32_bit_programs_or_keys_has_the_rest() {
        let all = without("nothing").unwrap();
        assert_eq!(all, TABLE.len());
        assert!(without("ia32").unwrap() <= all);
        assert!(without("key").unwrap() < all);
    }

    #[test]
    fn a_call_that_would_go_unseen_is_named() {
        assert!(without("sys_mount").unwrap_err().ends_with("sys_mount"));
        assert!(of_kernel(|_| None).is_err());
        #[cfg(target_arch = "x86_64")]
        assert_eq!(without("ia32_clone"), Err("__ia32_compat_sys_ia32_clone"));
    }
}
