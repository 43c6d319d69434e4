use libbpf_rs::query::ProgInfoIter;

/// Numbers of the BPF programs that the kernel has, whoever loaded them; empty where it does not tell.
#[must_use]
pub fn program_ids() -> Vec<u32> {
    ProgInfoIter::default().map(|info| info.id).collect()
}
