//! The kernel functions of the traced calls.

use std::sync::OnceLock;

use crate::btf;
use crate::skeleton::trace::types::trace_call;

/// A function whose argument is the caller's saved registers, and whose result is that of the call.
pub struct Function {
    /// Its name in kallsyms.
    pub name: &'static str,
    /// The call that it implements.
    pub call: trace_call,
    /// Its BTF id.
    pub btf_id: u32,
}

/// Which kernels must have a function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Required {
    Always,
    /// Kernels that run 32-bit programs.
    Compat,
    /// None: for kernels without System V IPC or without keys, or only for 32-bit programs.
    Never,
}

use Required::{Always, Never};

type Table = &'static [(&'static str, trace_call, Required)];

/// Functions without arguments have no `__x64_` in the BTF; 32-bit programs share them.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const TABLE: Table = {
    use Required::Compat;
    &[
        ("__do_sys_inotify_init", trace_call::CALL_INOTIFY_INIT, Always),
        ("__x64_sys_inotify_init1", trace_call::CALL_INOTIFY_INIT1, Always),
        ("__x64_sys_inotify_add_watch", trace_call::CALL_INOTIFY_ADD_WATCH, Always),
        ("__x64_sys_inotify_rm_watch", trace_call::CALL_INOTIFY_RM_WATCH, Always),
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
        ("__ia32_sys_inotify_init1", trace_call::CALL_INOTIFY_INIT1, Compat),
        ("__ia32_sys_inotify_add_watch", trace_call::CALL_INOTIFY_ADD_WATCH, Compat),
        ("__ia32_sys_inotify_rm_watch", trace_call::CALL_INOTIFY_RM_WATCH, Compat),
        ("__ia32_sys_mkdir", trace_call::CALL_MKDIR, Compat),
        ("__ia32_sys_mkdirat", trace_call::CALL_MKDIRAT, Compat),
        ("__ia32_sys_mount", trace_call::CALL_MOUNT, Compat),
        ("__ia32_sys_move_mount", trace_call::CALL_MOVE_MOUNT, Compat),
        ("__ia32_sys_unshare", trace_call::CALL_UNSHARE, Compat),
        ("__ia32_compat_sys_ia32_clone", trace_call::CALL_CLONE, Compat),
        ("__ia32_sys_clone3", trace_call::CALL_CLONE3, Compat),
        ("__ia32_sys_epoll_ctl", trace_call::CALL_EPOLL_CTL, Compat),
        ("__ia32_sys_add_key", trace_call::CALL_ADD_KEY, Never),
        ("__ia32_compat_sys_keyctl", trace_call::CALL_KEYCTL, Never),
        ("__ia32_sys_semget", trace_call::CALL_SEMGET, Never),
        ("__ia32_sys_shmget", trace_call::CALL_SHMGET, Never),
    ]
};

/// Most are for 32-bit programs, too.
#[cfg(target_arch = "aarch64")]
#[rustfmt::skip]
const TABLE: Table = &[
    ("__arm64_sys_inotify_init", trace_call::CALL_INOTIFY_INIT, Never),
    ("__arm64_sys_inotify_init1", trace_call::CALL_INOTIFY_INIT1, Always),
    ("__arm64_sys_inotify_add_watch", trace_call::CALL_INOTIFY_ADD_WATCH, Always),
    ("__arm64_sys_inotify_rm_watch", trace_call::CALL_INOTIFY_RM_WATCH, Always),
    ("__arm64_sys_mkdir", trace_call::CALL_MKDIR, Never),
    ("__arm64_sys_mkdirat", trace_call::CALL_MKDIRAT, Always),
    ("__arm64_sys_mount", trace_call::CALL_MOUNT, Always),
    ("__arm64_sys_move_mount", trace_call::CALL_MOVE_MOUNT, Always),
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

/// A kernel that has this function runs 32-bit programs.
const COMPAT: &str = "__ia32_sys_inotify_add_watch";

/// Those of the running kernel, looked up once.
///
/// # Errors
/// The name of a function that it should have and has not: its call would go unseen.
pub fn kernel_functions() -> Result<&'static [Function], &'static str> {
    static FUNCTIONS: OnceLock<Result<Vec<Function>, &'static str>> = OnceLock::new();
    let functions = FUNCTIONS.get_or_init(|| resolve(btf::function_ids));
    functions.as_deref().map_err(|name| *name)
}

/// As [`kernel_functions`]; `find` looks up BTF ids by name.
fn resolve(
    find: impl FnOnce(&[&'static str]) -> Option<Vec<Option<u32>>>,
) -> Result<Vec<Function>, &'static str> {
    let names: Vec<&'static str> = TABLE.iter().map(|(name, ..)| *name).collect();
    let ids = find(&names).ok_or(names[0])?;
    let position = names.iter().position(|name| *name == COMPAT);
    let compat = position.is_some_and(|position| ids[position].is_some());
    let mut functions = Vec::new();
    for (&(name, call, required), id) in TABLE.iter().zip(ids) {
        match id {
            Some(btf_id) => functions.push(Function { name, call, btf_id }),
            None if required == Always || required == Required::Compat && compat => {
                return Err(name);
            }
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
        resolve(find).map(|functions| functions.len())
    }

    #[test]
    fn there_is_an_fexit_program_for_each() {
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
    fn a_missing_function_is_named() {
        assert!(without("sys_mount").unwrap_err().ends_with("sys_mount"));
        assert!(resolve(|_| None).is_err());
        #[cfg(target_arch = "x86_64")]
        assert_eq!(without("ia32_clone"), Err("__ia32_compat_sys_ia32_clone"));
    }
}
