//! Kernel keys of each user.

use nospace_core::model::Keys;
use nospace_core::parse::keys;

use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, proc};

/// Reads /proc/key-users; it names the users of the reader's user namespace.
pub fn collect(host: &dyn Host) -> CollectResult<Keys> {
    let mut found = Keys::default();
    // No such file: a kernel without CONFIG_KEYS has no keys to run out of.
    read::lines(host, proc("key-users"), |line| {
        found.users.push(keys::key_user(line)?);
        Ok(())
    })?;
    Ok(Measurement::exact(found))
}
