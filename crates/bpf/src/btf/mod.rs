//! The kernel's BTF, reduced to the types that the programs read.
//!
//! libbpf looks up each type by a linear search through all of the kernel's types: fifty searches through a hundred
//! thousand types, two thirds of the time of `nospace check`. Here one pass finds them all, and libbpf gets a BTF file
//! with a few hundred types. Where that fails, libbpf reads the kernel's BTF itself.

mod casts;
mod format;
mod handlers;
mod minimal;
mod targets;
mod vmlinux;

pub use casts::has_casts;
pub use handlers::{has_iterator, register_handlers};
pub use targets::{function_ids, set_fexit_targets};
pub use vmlinux::KernelBtf;
