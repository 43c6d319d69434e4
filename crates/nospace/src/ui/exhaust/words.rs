//! Amounts of what `exhaust` uses up.

use nospace_core::amount::{bytes, thousands};

use crate::exhaust::Target;
use crate::ui::number;

/// `1 watch`, `192,036 watches`, `64 MiB`.
#[must_use]
pub fn amount(value: u64, target: Target) -> String {
    let one = match target {
        Target::Blocks => return bytes(value),
        Target::Watches => "watch",
        Target::Instances => "instance",
        Target::Cgroups => "cgroup",
        Target::Mounts => "mount",
        Target::Inodes => "inode",
    };
    number::count(value, one, target.name())
}

/// The same without what is counted.
pub fn figure(value: u64, target: Target) -> String {
    match target {
        Target::Blocks => bytes(value),
        _ => thousands(value),
    }
}
