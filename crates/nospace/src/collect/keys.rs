//! Kernel keys of each user.

use nospace_core::model::Keys;
use nospace_core::parse::keys;

use super::read;
use super::run::{Collected, Collection};
use crate::host::{Host, proc};

/// Reads /proc/key-users; it names the users of the reader's user namespace.
pub fn collect(host: &dyn Host) -> Collection<Keys> {
    let found = read::optional(host, proc("key-users"), keys::key_users)?;
    // No such file: a kernel without CONFIG_KEYS has no keys to run out of.
    Ok(Collected::exact(found.unwrap_or_default()))
}
