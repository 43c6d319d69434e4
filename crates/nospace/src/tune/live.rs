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
/// Why not, and what to do.
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
            "wrote {wanted}, but the kernel now reports {now}: something else is setting it too"
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
        Errno::ROFS => format!("{path} is read-only, as in an unprivileged container"),
        Errno::ACCESS | Errno::PERM => {
            format!("only root on the node itself may write {path}")
        }
        Errno::NOENT => format!("{path} does not exist: this kernel does not have the setting"),
        Errno::INVAL => format!("{path}: the kernel rejects this value"),
        other => format!("{path}: {}", std::io::Error::from(other)),
    }
}
