//! Values of the running kernel.

use std::path::Path;

use rustix::fs::{Access, AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::collect::read::sysctl_path;
use crate::host::{Host, proc};

/// The number that the kernel has for `key`; `None` where it has none, or not one number.
pub fn value(host: &dyn Host, key: &str) -> Option<u64> {
    let bytes = crate::collect::read::bytes(host, proc(&sysctl_path(key))).ok()?;
    nospace_core::parse::number("sysctl", &bytes).ok()
}

/// Gives `key` a value, and reads it back.
///
/// # Errors
///
/// In words, with what to do.
pub fn set(host: &dyn Host, procfs: &Path, key: &str, wanted: u64) -> Result<(), String> {
    let path = procfs.join(sysctl_path(key));
    let write = || {
        let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, Mode::empty())?;
        rustix::io::write(file, format!("{wanted}\n").as_bytes())
    };
    write().map_err(|error| why(error, &path))?;
    match value(host, key) {
        Some(now) if now == wanted => Ok(()),
        Some(now) => Err(format!(
            "the kernel was given {wanted}, and has {now}: somebody else sets it as well"
        )),
        None => Err(format!("{} cannot be read back", path.display())),
    }
}

/// Why `key` could not be set here; `None` where it could. Nothing is tried.
pub fn obstacle(procfs: &Path, key: &str) -> Option<String> {
    let path = procfs.join(sysctl_path(key));
    let asked = rustix::fs::accessat(rustix::fs::CWD, &path, Access::WRITE_OK, AtFlags::empty());
    asked.err().map(|error| why(error, &path))
}

fn why(error: Errno, path: &Path) -> String {
    let path = path.display();
    match error {
        Errno::ROFS => format!(
            "{path} is on a read-only file system, as it is in a container without privileges"
        ),
        Errno::ACCESS | Errno::PERM => {
            format!("{path} may only be written by root of the node itself")
        }
        Errno::NOENT => format!("{path} is not there: this kernel does not know the setting"),
        Errno::INVAL => format!("{path}: the kernel does not take this value"),
        other => format!("{path}: {}", std::io::Error::from(other)),
    }
}
