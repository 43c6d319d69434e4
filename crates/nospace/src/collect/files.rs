//! Open files of the whole system.

use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};
use nospace_core::parse::system;

use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, proc};

/// Reads /proc/sys/fs/file-nr.
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Resource>> {
    let (allocated, max) = read::parsed(host, proc("sys/fs/file-nr"), system::file_nr)?;
    let subject = Subject::sysctl("fs.file-max");
    let files = Resource::exact(Cause::SystemFiles, subject, allocated, max, "files");
    Ok(Measurement::exact(vec![files]))
}
