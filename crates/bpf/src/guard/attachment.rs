//! Programs on hooks.

use std::os::fd::AsFd as _;

use libbpf_rs::skel::{OpenSkel as _, Skel as _};
use libbpf_rs::{ErrorKind, Link};

use super::hook::Hook;
use super::probe::Outcome;
use crate::btf;
use crate::misses;
use crate::object;
use crate::skeleton::guard::types::{guard_config, guard_published, guard_seen};
use crate::skeleton::guard::{GuardSkel, GuardSkelBuilder};

/// A program of the object, its hook, and the function that it attaches to.
struct Program {
    name: &'static str,
    hook: Hook,
    function: &'static str,
    /// Not every kernel has it: those for 32-bit programs.
    optional: bool,
}

const fn program(name: &'static str, hook: Hook, function: &'static str) -> Program {
    Program {
        name,
        hook,
        function,
        optional: false,
    }
}

const fn optional(name: &'static str, hook: Hook, function: &'static str) -> Program {
    Program {
        optional: true,
        ..program(name, hook, function)
    }
}

#[rustfmt::skip]
const PROGRAMS: &[Program] = &[
    program("lsm_path_notify", Hook::LsmPathNotify, "bpf_lsm_path_notify"),
    program("modify_path_notify", Hook::ModifyPathNotify, "security_path_notify"),
    program("lsm_file_alloc", Hook::LsmFileAlloc, "bpf_lsm_file_alloc_security"),
    program("modify_file_alloc", Hook::ModifyFileAlloc, "security_file_alloc"),
    #[cfg(target_arch = "x86_64")]
    program("call_init1", Hook::SystemCall, "__x64_sys_inotify_init1"),
    #[cfg(target_arch = "x86_64")]
    program("call_init", Hook::SystemCall, "__do_sys_inotify_init"),
    #[cfg(target_arch = "x86_64")]
    optional("call_init1_compat", Hook::SystemCall, "__ia32_sys_inotify_init1"),
    #[cfg(target_arch = "aarch64")]
    program("call_init1", Hook::SystemCall, "__arm64_sys_inotify_init1"),
    #[cfg(target_arch = "aarch64")]
    optional("call_init", Hook::SystemCall, "__arm64_sys_inotify_init"),
];

/// Why there are no programs on these hooks.
pub struct NotAttached {
    /// `Missing` or `Refused`.
    pub outcome: Outcome,
    /// Why, and what would change that.
    pub reason: String,
}

impl NotAttached {
    fn refused(hook: Option<Hook>, error: &libbpf_rs::Error, warning: Option<String>) -> Self {
        let warning = warning.map(|text| format!(" ({text})")).unwrap_or_default();
        let reason = match (error.kind(), hook) {
            // Also EACCES, with which the verifier rejects programs.
            (ErrorKind::PermissionDenied, _) => format!(
                "the kernel refuses programs on its functions (trampolines), although nospace has the rights that BPF needs: {error}{warning}"
            ),
            // Some kernels without that option let programs change what inotify_init1 returns, but not inotify_init.
            (ErrorKind::InvalidInput, Some(Hook::SystemCall)) => format!(
                "the kernel does not let programs refuse both inotify_init and inotify_init1, which needs CONFIG_FUNCTION_ERROR_INJECTION{warning}"
            ),
            (ErrorKind::InvalidInput, Some(hook)) if hook.is_lsm() => {
                format!("the kernel does not offer this hook to BPF: {error}{warning}")
            }
            _ => format!("the kernel did not take the program: {error}{warning}"),
        };
        Self {
            outcome: Outcome::Refused,
            reason,
        }
    }

    fn missing(program: &Program) -> Self {
        let function = program.function;
        let reason = if program.hook.is_lsm() {
            format!("the kernel has no {function}: it was built without CONFIG_BPF_LSM")
        } else {
            format!("the types of the kernel (BTF) have no function {function}")
        };
        Self {
            outcome: Outcome::Missing,
            reason,
        }
    }
}

/// Loaded programs, attached for as long as this lives: no link is pinned.
pub struct Attachment {
    /// The programs and their memory.
    pub programs: GuardSkel<'static>,
    hooks: Vec<Hook>,
    _links: Vec<Link>,
}

impl Attachment {
    /// Loads the programs of these hooks and attaches them; they refuse nobody yet.
    pub fn new(hooks: &[Hook]) -> Result<Self, NotAttached> {
        let wanted = wanted(hooks)?;
        let only = match hooks {
            [hook] => Some(*hook),
            _ => None,
        };
        let programs = object::load_by_kernel_btf::<GuardSkelBuilder>(|open| {
            for mut program in open.open_object_mut().progs_mut() {
                let name = program.name().to_str().unwrap_or_default();
                program.set_autoload(wanted.contains(&name));
            }
            Ok(())
        })
        .map_err(|(error, warning)| NotAttached::refused(only, &error, warning))?;
        let mut links = Vec::new();
        for program in programs
            .object()
            .progs_mut()
            .filter(|program| program.autoload())
        {
            let link = program.attach();
            links.push(
                link.map_err(|error| NotAttached::refused(only, &error, object::take_warning()))?,
            );
        }
        Ok(Self {
            programs,
            hooks: hooks.to_vec(),
            _links: links,
        })
    }

    /// Calls that each hook missed because another task was in its program on the same CPU; `None` where the kernel does not count them.
    pub fn skipped(&self) -> Vec<(Hook, Option<u64>)> {
        let of = |hook: Hook| {
            let mut all = Some(0);
            for program in self.programs.object().progs_mut() {
                if program.autoload() && hook_of(program.name().to_str()) == Some(hook) {
                    let one = misses::recursion_misses(program.as_fd());
                    all = all.zip(one).map(|(all, one)| all + one);
                }
            }
            (hook, all)
        };
        self.hooks.iter().copied().map(of).collect()
    }

    /// Changes what the programs read.
    pub fn configure(&mut self, change: impl FnOnce(&mut guard_config)) {
        if let Some(memory) = &mut self.programs.maps.bss_data {
            rewrite(&mut memory.config, change);
        }
    }

    /// Changes what the programs and every other nospace read. The programs write here only in the self-test's calls, which the same
    /// thread makes.
    pub fn publish(&mut self, change: impl FnOnce(&mut guard_published)) {
        if let Some(memory) = &mut self.programs.maps.data_nospace_data {
            rewrite(&mut memory.published, change);
        }
    }

    /// What the programs saw of the self-test's calls for a resource.
    pub fn seen(&self, resource: usize) -> guard_seen {
        let memory = self.programs.maps.bss_data.as_ref();
        let seen = memory.and_then(|memory| memory.seen.get(resource));
        // SAFETY: read through a reference; volatile, because the programs change it unseen by the compiler.
        seen.map_or_else(guard_seen::default, |seen| unsafe {
            (&raw const *seen).read_volatile()
        })
    }
}

/// Changes memory that the programs read.
fn rewrite<T: Copy>(memory: &mut T, change: impl FnOnce(&mut T)) {
    let memory = &raw mut *memory;
    // SAFETY: valid for as long as the reference, which is the only one of this program; volatile, because the programs
    // read it unseen by the compiler.
    unsafe {
        let mut new = memory.read_volatile();
        change(&mut new);
        memory.write_volatile(new);
    }
}

fn hook_of(program: Option<&str>) -> Option<Hook> {
    let found = PROGRAMS.iter().find(|one| Some(one.name) == program);
    found.map(|one| one.hook)
}

/// Names of the programs of `hooks` that this kernel has functions for.
fn wanted(hooks: &[Hook]) -> Result<Vec<&'static str>, NotAttached> {
    let programs: Vec<&Program> = PROGRAMS
        .iter()
        .filter(|program| hooks.contains(&program.hook))
        .collect();
    let functions: Vec<&'static str> = programs.iter().map(|program| program.function).collect();
    let ids = btf::function_ids(&functions);
    let mut wanted = Vec::new();
    for (at, program) in programs.into_iter().enumerate() {
        // Where the BTF cannot be read here, libbpf says what it misses.
        let known = ids.as_ref().is_none_or(|ids| ids[at].is_some());
        match known {
            true => wanted.push(program.name),
            false if program.optional => {}
            false => return Err(NotAttached::missing(program)),
        }
    }
    Ok(wanted)
}
