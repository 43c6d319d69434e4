use libbpf_rs::query::ProgInfoIter;

/// Ids of all BPF programs in the kernel, no matter which program loaded them; empty without the privilege to list them.
#[must_use]
pub fn program_ids() -> Vec<u32> {
    ProgInfoIter::default().map(|info| info.id).collect()
}
