//! BTF ids of the kernel functions that fexit programs attach to.

use std::sync::OnceLock;

use super::minimal::MinimalBtf;
use super::vmlinux;

/// Of the sections `fexit/0`, `fexit/1`, …
static TARGETS: OnceLock<Vec<u32>> = OnceLock::new();

/// BTF ids of the functions `names`, `None` for each that the kernel does not have; `None` where its BTF cannot be read.
pub fn function_ids(names: &[&'static str]) -> Option<Vec<Option<u32>>> {
    vmlinux::read(|btf| Some(MinimalBtf::new(btf, [], names)?.function_ids))
}

/// Sets the function of each section `fexit/N`. It is set once: the kernel's BTF does not change.
pub fn set_fexit_targets(ids: Vec<u32>) {
    let _ = TARGETS.set(ids);
}

/// BTF id of the function of the section `fexit/NUMBER`.
pub fn fexit_target(number: &str) -> Option<u32> {
    TARGETS.get()?.get(number.parse::<usize>().ok()?).copied()
}
