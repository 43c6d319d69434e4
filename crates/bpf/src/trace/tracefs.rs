use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use crate::support::Unsupported;

/// The usual mount points; in a container only init may see it (its root is readable with CAP_SYS_PTRACE).
const MOUNT_POINTS: [&str; 4] = [
    "/sys/kernel/tracing",
    "/sys/kernel/debug/tracing",
    "/proc/1/root/sys/kernel/tracing",
    "/proc/1/root/sys/kernel/debug/tracing",
];

/// tracefs, which has the ids of tracepoints.
pub struct Tracefs(OwnedFd);

impl Tracefs {
    /// Opens it where it is mounted. Otherwise creates a mount that is attached nowhere, so that the node does not change.
    pub fn open() -> Result<Self, Unsupported> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mounted = MOUNT_POINTS.iter().find_map(|path| {
            let events = format!("{path}/events/raw_syscalls");
            openat(CWD, events, flags, Mode::empty()).ok()?;
            openat(CWD, *path, flags, Mode::empty()).ok()
        });
        mounted
            .map_or_else(mount_detached, Ok)
            .map(Self)
            .map_err(|e| {
                Unsupported::new(
                    format!("cannot open tracefs: {e}"),
                    "run as root, or mount it: mount -t tracefs tracefs /sys/kernel/tracing",
                )
            })
    }

    /// The id of an event, such as `raw_syscalls/sys_exit`.
    pub fn id(&self, event: &str) -> io::Result<u64> {
        let path = format!("events/{event}/id");
        let file = openat(
            &self.0,
            path,
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut text = String::new();
        File::from(file).read_to_string(&mut text)?;
        let malformed = || io::Error::new(ErrorKind::InvalidData, format!("malformed id {text:?}"));
        text.trim().parse().map_err(|_| malformed())
    }
}

fn mount_detached() -> io::Result<OwnedFd> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    Ok(fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )?)
}
