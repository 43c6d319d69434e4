//! Namespaces in which nobody else is.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Context as _, bail};
use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;

/// Enters a new namespace of this kind, as its root.
///
/// # Errors
///
/// Where this user may make none.
pub fn enter(kind: UnshareFlags) -> anyhow::Result<()> {
    match geteuid().is_root() {
        true => nospace_bpf::namespaces::unshare(kind)
            .context("cannot create a namespace (needs CAP_SYS_ADMIN)"),
        false => enter_as_user(kind),
    }
}

/// Enters a new user namespace, as its root, and with it one of this kind. For what it does there the kernel also charges the user outside.
///
/// # Errors
///
/// Where this user may make none.
pub fn enter_as_user(kind: UnshareFlags) -> anyhow::Result<()> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    nospace_bpf::namespaces::unshare(kind | UnshareFlags::NEWUSER)
        .context("cannot create a user namespace (user.max_user_namespaces, or a security module forbids it): run as root")?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("gid_map", format!("0 {gid} 1")),
        ("uid_map", format!("0 {uid} 1")),
    ] {
        let path = format!("/proc/self/{file}");
        fs::write(&path, text).context(path)?;
    }
    Ok(())
}

/// `IPC namespace 4026532301 (pid 7)`: the namespace that nospace is in, of the kind that is called `file` in /proc/self/ns.
///
/// # Errors
///
/// /proc cannot be read.
pub fn subject(name: &str, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/self/ns/{file}");
    let number = fs::metadata(&path).context(path)?.ino();
    Ok(format!("{name} {number} (pid {})", std::process::id()))
}

/// Sets a sysctl of the namespace that nospace has entered. Where the kernel keeps that from the root of a user namespace, it stays as it is.
pub fn set(key: &str, value: &str) {
    let _ = fs::write(format!("/proc/sys/{key}"), value);
}

/// A sysctl's number; of several the one at `index`.
///
/// # Errors
///
/// This kernel has none of that name.
pub fn sysctl(key: &str, index: usize) -> anyhow::Result<u64> {
    let path = format!("/proc/sys/{key}");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let Some(number) = text.split_whitespace().nth(index) else {
        bail!("{path}: expected more than {text:?}");
    };
    number.parse().context(path)
}
