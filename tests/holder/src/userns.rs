//! A user namespace of its own, with limits of its own: the host's stay as they are.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use rustix::process::{DumpableBehavior, Gid, Uid, getegid, geteuid, set_dumpable_behavior};
use rustix::thread::{UnshareFlags, set_thread_res_gid, set_thread_res_uid, unshare_unsafe};

use crate::child::again;
use crate::hold::die_with_parent;

/// First argument of the helper that stays outside and writes the maps.
pub const MAP: &str = "map";
/// uids that the namespace has.
const SIZE: u32 = 65_536;

/// Enters a new user namespace and becomes its root, which is `kuid` outside.
pub fn enter(kuid: u32) -> anyhow::Result<()> {
    let mut outside = again()
        .args([MAP, &std::process::id().to_string(), &kuid.to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot start the helper that writes the maps")?;
    // SAFETY: of the flags only CLONE_FILES can harm, by taking descriptors away from threads.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }.context("no new user namespace")?;
    drop(outside.stdin.take());
    ensure!(outside.wait()?.success(), "the maps could not be written");
    let (root, wheel) = (Uid::ROOT, Gid::ROOT);
    set_thread_res_gid(wheel, wheel, wheel)?;
    Ok(set_thread_res_uid(root, root, root)?)
}

/// Enters a new user namespace, in which its present user is root and the only one.
pub fn enter_below() -> anyhow::Result<()> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    // Who was another user before may not write to its own /proc.
    set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    // SAFETY: of the flags only CLONE_FILES can harm, by taking descriptors away from threads.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }?;
    let own = |file: &str, text: String| {
        let path = format!("/proc/self/{file}");
        fs::write(&path, text).context(path)
    };
    own("uid_map", format!("0 {user} 1\n"))?;
    own("setgroups", "deny".to_owned())?;
    own("gid_map", format!("0 {group} 1\n"))?;
    die_with_parent()
}

/// The helper: waits until the holder has its namespace, then maps it.
pub fn map() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(2);
    let pid: u32 = arguments.next().context("no pid")?.parse()?;
    let kuid: u32 = arguments.next().context("no uid")?.parse()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    for map in ["uid_map", "gid_map"] {
        let path = format!("/proc/{pid}/{map}");
        fs::write(&path, format!("0 {kuid} {SIZE}\n")).with_context(|| path)?;
    }
    Ok(())
}

/// Becomes `uid`, and the group of that number. Of this thread, which is the only one.
pub fn become_user(uid: u32) -> anyhow::Result<()> {
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    // Who was root once, is so again for the change; who was not, may still become itself.
    let _ = set_thread_res_uid(None, Uid::ROOT, None);
    set_thread_res_gid(group, group, group)?;
    // The saved uid stays, so that root of a namespace can set its limits later.
    set_thread_res_uid(user, user, None).with_context(|| format!("cannot become uid {uid}"))
}

/// Does `work` as root, if the holder was root once.
pub fn as_root<T>(work: impl FnOnce() -> T) -> anyhow::Result<T> {
    let own = geteuid();
    set_thread_res_uid(None, Uid::ROOT, None)?;
    let done = work();
    set_thread_res_uid(None, own, None)?;
    die_with_parent()?;
    Ok(done)
}
