//! Functions of the kernel, told to it by number, as the iterators are.

use std::sync::OnceLock;

use super::{Cut, kernel};

/// Of the sections `fexit/0`, `fexit/1`, …
static TARGETS: OnceLock<Vec<u32>> = OnceLock::new();

/// Numbers of the functions `names` in the kernel's types; `None` where it does not tell these.
pub fn functions(names: &[&'static str]) -> Option<Vec<Option<u32>>> {
    kernel::read(|btf| Some(Cut::new(btf, [], names)?.functions))
}

/// Says which function each section `fexit/N` is for; the same always, since the kernel's types do not change.
pub fn aim(targets: Vec<u32>) {
    let _ = TARGETS.set(targets);
}

/// The function that the section `fexit/PLACE` is for.
pub fn target(place: &str) -> Option<u32> {
    TARGETS.get()?.get(place.parse::<usize>().ok()?).copied()
}
