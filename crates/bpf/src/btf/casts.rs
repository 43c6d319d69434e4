//! Calls of `bpf_rdonly_cast`, by which programs read the kernel's memory with plain loads (src/bpf/direct.h).
//!
//! For a kernel function libbpf parses the whole BTF of the kernel. So the programs call a helper that does not exist, and each call gets the
//! function's id just before its program is loaded.

use std::ffi::c_int;
use std::slice;

use libbpf_rs::libbpf_sys::{
    BPF_CALL, BPF_JMP, BPF_PSEUDO_KFUNC_CALL, bpf_insn, bpf_program, bpf_program__insn_cnt,
    bpf_program__insns, bpf_program__set_insns,
};

use super::vmlinux::KernelBtf;

/// Since Linux 6.2.
pub const FUNCTION: &str = "bpf_rdonly_cast";
/// The helper of direct.h.
const NO_HELPER: i32 = 0x7e57;

/// BTF id of a struct of the kernel's, for programs that cast to it; 0 where they cannot.
pub fn type_id(name: &str) -> u32 {
    let kernel = KernelBtf::get();
    let id = kernel.and_then(|btf| btf.cast_id().and(btf.struct_id(name)));
    id.unwrap_or(0)
}

/// Has a program that is about to be loaded call `bpf_rdonly_cast` where it says so; without that function, it has no id of a type, and the
/// verifier never comes to these calls.
///
/// # Safety
/// `program` is one of libbpf's that is not loaded.
pub unsafe fn replace(program: *mut bpf_program) -> c_int {
    let Some(id) = KernelBtf::get().and_then(KernelBtf::cast_id) else {
        return 0;
    };
    let Ok(id) = i32::try_from(id) else {
        return -libc::ERANGE;
    };
    // SAFETY: libbpf has that many instructions there until they are set.
    let mut all = unsafe {
        let count = bpf_program__insn_cnt(program);
        slice::from_raw_parts(
            bpf_program__insns(program),
            usize::try_from(count).unwrap_or(0),
        )
    }
    .to_vec();
    for instruction in all.iter_mut().filter(|one| is_cast(one)) {
        instruction.set_src_reg(BPF_PSEUDO_KFUNC_CALL as u8);
        instruction.imm = id;
    }
    // SAFETY: libbpf copies them.
    unsafe { bpf_program__set_insns(program, all.as_mut_ptr(), all.len() as _) }
}

fn is_cast(instruction: &bpf_insn) -> bool {
    u32::from(instruction.code) == BPF_JMP | BPF_CALL
        && instruction.src_reg() == 0
        && instruction.imm == NO_HELPER
}
