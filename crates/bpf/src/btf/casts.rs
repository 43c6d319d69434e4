//! Calls of `bpf_rdonly_cast`, by which programs read the kernel's memory with plain loads (src/bpf/direct.h).
//!
//! For a function of the kernel's libbpf parses its whole BTF. So these programs call a helper that does not exist, with numbers that stand for
//! types, and get the ids just before they are loaded.

use std::ffi::c_int;
use std::slice;

use libbpf_rs::libbpf_sys::{
    BPF_ALU, BPF_ALU64, BPF_CALL, BPF_JMP, BPF_K, BPF_MOV, BPF_PSEUDO_KFUNC_CALL, bpf_insn,
    bpf_program, bpf_program__insn_cnt, bpf_program__insns, bpf_program__set_insns,
};

use super::vmlinux::KernelBtf;

/// Since Linux 6.2.
pub const FUNCTION: &str = "bpf_rdonly_cast";
/// The helper of direct.h.
const NO_HELPER: i32 = 0x7e57;
/// What stands for the first of [`TYPES`].
const FIRST_TYPE: i32 = 0x7e57_0000;
/// In the order of direct.h.
const TYPES: [&str; 12] = [
    "task_struct",
    "cred",
    "user_struct",
    "user_namespace",
    "ucounts",
    "signal_struct",
    "mm_struct",
    "nsproxy",
    "files_struct",
    "fdtable",
    "file",
    "pid",
];

/// Ids in the kernel's BTF.
struct Ids {
    function: i32,
    types: Vec<i32>,
}

impl Ids {
    fn find() -> Option<Self> {
        let kernel = KernelBtf::get()?;
        let types = TYPES
            .iter()
            .map(|name| i32::try_from(kernel.struct_id(name)?).ok());
        Some(Self {
            function: i32::try_from(kernel.cast_id()?).ok()?,
            types: types.collect::<Option<_>>()?,
        })
    }

    /// Returns whether it replaced anything.
    fn replace(&self, one: &mut bpf_insn) -> bool {
        let code = u32::from(one.code);
        if code == BPF_JMP | BPF_CALL && one.src_reg() == 0 && one.imm == NO_HELPER {
            one.set_src_reg(BPF_PSEUDO_KFUNC_CALL as u8);
            one.imm = self.function;
            return true;
        }
        let position = usize::try_from(one.imm.wrapping_sub(FIRST_TYPE)).unwrap_or(usize::MAX);
        let moves = code == BPF_ALU64 | BPF_MOV | BPF_K || code == BPF_ALU | BPF_MOV | BPF_K;
        match self.types.get(position) {
            Some(id) if moves => {
                one.imm = *id;
                true
            }
            _ => false,
        }
    }
}

/// Whether the kernel's BTF has all that programs with casts need, and loads from wrong addresses are harmless.
pub fn has_casts() -> bool {
    let release = rustix::system::uname();
    let is_safe =
        cfg!(target_arch = "x86_64") || guards_loads(&release.release().to_string_lossy());
    is_safe && Ids::find().is_some()
}

/// Whether a load from an address of user space is skipped, as one that is read from memory in use for something else by now may be: on x86 always, elsewhere since
/// Linux 6.9 (66e13b615a0c, "bpf: verifier: prevent userspace memory access").
fn guards_loads(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse::<u32>().ok();
    next().zip(next()) >= Some((6, 9))
}

/// Has a program that is about to be loaded call `bpf_rdonly_cast` where it says so.
///
/// # Safety
/// `program` is one of libbpf's that is not loaded.
pub unsafe fn replace(program: *mut bpf_program) -> c_int {
    let Some(ids) = Ids::find() else {
        return 0;
    };
    // SAFETY: libbpf has that many instructions there until they are set.
    let instructions = unsafe {
        let count = usize::try_from(bpf_program__insn_cnt(program)).unwrap_or(0);
        slice::from_raw_parts(bpf_program__insns(program), count)
    };
    let mut instructions = instructions.to_vec();
    let replaced = instructions
        .iter_mut()
        .filter_map(|one| ids.replace(one).then_some(()));
    if replaced.count() == 0 {
        return 0;
    }
    let count = instructions.len();
    // SAFETY: libbpf copies them.
    unsafe { bpf_program__set_insns(program, instructions.as_mut_ptr(), count as _) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_guarded_since_6_9() {
        for (release, guarded) in [
            ("6.9.0", true),
            ("6.12.43+deb13-arm64", true),
            ("7.2.0-rc1", true),
            ("6.8.0-1010-aws", false),
            ("5.10.0", false),
            ("6", false),
            ("", false),
            ("next", false),
        ] {
            assert_eq!(guards_loads(release), guarded, "{release}");
        }
    }

    #[test]
    fn calls_and_types_are_replaced_and_nothing_else() {
        let ids = Ids {
            function: 7,
            types: vec![20, 21],
        };
        let instruction = |code: u32, source, imm| {
            let mut one = bpf_insn {
                code: u8::try_from(code).unwrap(),
                imm,
                ..bpf_insn::default()
            };
            one.set_src_reg(source);
            one
        };
        let replaced = |code, source, imm| {
            let mut one = instruction(code, source, imm);
            let is_other = ids.replace(&mut one);
            (is_other, one.src_reg(), one.imm)
        };
        let call = BPF_JMP | BPF_CALL;
        assert_eq!(replaced(call, 0, NO_HELPER), (true, 2, 7));
        assert_eq!(replaced(call, 1, NO_HELPER), (false, 1, NO_HELPER));
        assert_eq!(replaced(call, 0, 113), (false, 0, 113));
        for moves in [BPF_ALU64 | BPF_MOV | BPF_K, BPF_ALU | BPF_MOV | BPF_K] {
            assert_eq!(replaced(moves, 0, FIRST_TYPE + 1), (true, 0, 21));
            assert_eq!(
                replaced(moves, 0, FIRST_TYPE + 2),
                (false, 0, FIRST_TYPE + 2)
            );
            assert_eq!(replaced(moves, 0, -1), (false, 0, -1));
            assert_eq!(replaced(moves, 0, i32::MIN), (false, 0, i32::MIN));
        }
    }
}
