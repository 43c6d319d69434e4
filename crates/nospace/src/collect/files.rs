//! Open files of the whole system.

use nospace_core::model::Files;
use nospace_core::parse::system;

use super::read;
use super::run::{Collected, Collection};
use crate::host::{Host, proc};

/// Reads /proc/sys/fs/file-nr.
pub fn collect(host: &dyn Host) -> Collection<Files> {
    read::parsed(host, proc("sys/fs/file-nr"), system::file_nr).map(Collected::exact)
}
