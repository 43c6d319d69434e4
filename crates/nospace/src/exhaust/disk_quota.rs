//! A directory with a project quota, on an ext4 in memory that only nospace and COMMAND see.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use nospace_bpf::loop_device::LoopDevice;
use nospace_bpf::quota::{self, ProjectQuota};
use rustix::fs::{FallocateFlags, fallocate, ftruncate};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::thread::{
    CapabilitySet, capabilities, remove_capability_from_bounding_set, set_capabilities,
};

use super::cleanup::own_name;
use super::consumer::{Consumer, Overhead, TakeResult};
use super::inode::memory_file;
use super::place::private_mounts;
use super::request::Headroom;

/// What ext4 gives out at once.
const BLOCK: u64 = 4096;
/// Any but 0, which has no quota.
const PROJECT: u32 = 1;
/// The file that takes the space.
const FILLING: &str = "filling";
/// Room for ext4's own data, beside the quota, in bytes.
const ROOM: u64 = 32 << 20;
const MKFS: &str = "mkfs.ext4";
/// Small and without a journal, since it is gone soon.
const FEATURES: [&str; 10] = [
    "-I",
    "256",
    "-N",
    "4096",
    "-m",
    "0",
    "-O",
    "quota,project,^has_journal",
    "-E",
    "quotatype=prjquota,lazy_itable_init=0,nodiscard",
];

/// Space below a project quota. It goes with the mount namespace, and so with nospace.
#[derive(Debug)]
pub struct DiskQuota {
    mountpoint: PathBuf,
    directory: PathBuf,
    quota: ProjectQuota,
    file: Option<File>,
    size: u64,
    /// In use before anything was taken: the directory.
    before: u64,
    held: u64,
}

impl DiskQuota {
    /// An empty directory that may have `limit` bytes. The calling thread, and what it starts, gets a mount namespace of its own and loses
    /// CAP_SYS_RESOURCE, with which no quota binds.
    ///
    /// # Errors
    ///
    /// Without root, loop devices, mkfs.ext4 or a kernel with quotas.
    pub fn new(limit: u64) -> anyhow::Result<Self> {
        let mountpoint = private_mounts()?;
        let device = device(limit)?;
        mount_ext4(device.path(), &mountpoint)?;
        let directory = mountpoint.join(own_name());
        let quota = ProjectQuota::new(device.path(), PROJECT)?;
        let place = || directory.display().to_string();
        fs::create_dir(&directory).with_context(place)?;
        fs::set_permissions(&directory, Permissions::from_mode(0o1777)).with_context(place)?;
        let opened = File::open(&directory).with_context(place)?;
        quota::set_project(&opened, PROJECT).context("cannot assign a project to a directory")?;
        quota.set_limit(limit).context("cannot set a quota")?;
        give_up_exemption().context("cannot give up CAP_SYS_RESOURCE")?;
        let path = directory.join(FILLING);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        let before = quota.usage().context("quotactl")?.used;
        Ok(Self {
            mountpoint,
            directory,
            quota,
            file: Some(file),
            size: 0,
            before,
            held: 0,
        })
    }

    /// The directory that has the quota.
    #[must_use]
    pub fn place(&self) -> String {
        self.directory.display().to_string()
    }

    /// What there is before anything is taken.
    ///
    /// # Errors
    ///
    /// quotactl(2) fails.
    pub fn headroom(&self) -> anyhow::Result<Headroom> {
        let usage = self.quota.usage().context("quotactl")?;
        let free = usage.limit.saturating_sub(usage.used);
        Ok(Headroom::exact(usage.limit, free))
    }

    fn free(&self) -> anyhow::Result<u64> {
        Ok(self.headroom()?.free)
    }

    fn file(&self) -> anyhow::Result<&File> {
        self.file.as_ref().context("no file")
    }

    /// Looks how much the kernel counts now.
    fn count(&mut self) -> anyhow::Result<()> {
        let used = self.quota.usage().context("quotactl")?.used;
        self.held = used.saturating_sub(self.before);
        Ok(())
    }
}

/// A loop device with a new ext4 that has room for a quota of `limit` bytes; its data is in memory.
fn device(limit: u64) -> anyhow::Result<LoopDevice> {
    let memory = memory_file().context("cannot create a file in memory")?;
    ftruncate(&memory, limit + limit / 8 + ROOM).context("cannot create a file in memory")?;
    make_ext4(&memory)?;
    LoopDevice::new(&memory)
        .context("cannot set up a loop device (needs root, and the module loop)")
}

fn make_ext4(memory: &OwnedFd) -> anyhow::Result<()> {
    let path = format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd());
    // Where users' PATH does not have it.
    let search = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let made = Command::new(MKFS)
        .env("PATH", search)
        .args(["-q", "-F", "-b"])
        .arg(BLOCK.to_string())
        .args(FEATURES)
        .arg(path)
        // Not /dev/null, so that only a missing program is "not found".
        .stdin(Stdio::piped())
        .output();
    let made = match made {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("{MKFS} is not installed: install e2fsprogs")
        }
        made => made.with_context(|| format!("cannot start {MKFS}"))?,
    };
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr);
        bail!("{MKFS} failed ({}): {}", made.status, said.trim());
    }
    Ok(())
}

fn mount_ext4(device: &Path, mountpoint: &Path) -> anyhow::Result<()> {
    let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
    let Err(errno) = mount(device, mountpoint, "ext4", flags, Some(c"prjquota")) else {
        return Ok(());
    };
    // Without quotas the kernel mounts such a file system read-only alone.
    let read_only = mount(device, mountpoint, "ext4", flags | MountFlags::RDONLY, None);
    if read_only.is_ok() {
        unmount(mountpoint, UnmountFlags::DETACH).context("cannot unmount ext4")?;
        bail!(
            "this kernel has no disk quotas for ext4: it needs CONFIG_QUOTA and CONFIG_QFMT_V2 (module quota_v2)"
        );
    }
    Err(errno).with_context(|| match errno {
        Errno::NODEV => "this kernel has no ext4: load the module ext4".to_owned(),
        _ => format!(
            "cannot mount ext4 on {} (needs CAP_SYS_ADMIN: run as root)",
            mountpoint.display()
        ),
    })
}

/// Gives up CAP_SYS_RESOURCE, for the thread that calls and for all that it starts.
fn give_up_exemption() -> rustix::io::Result<()> {
    let exempt = CapabilitySet::SYS_RESOURCE;
    let mut sets = capabilities(None)?;
    if !sets.permitted.contains(exempt) {
        return Ok(());
    }
    remove_capability_from_bounding_set(exempt)?;
    for set in [
        &mut sets.effective,
        &mut sets.permitted,
        &mut sets.inheritable,
    ] {
        set.remove(exempt);
    }
    set_capabilities(None, sets)
}

impl Consumer for DiskQuota {
    /// In whole blocks. No more is asked for than there is, until there is nothing: then one, for the kernel to refuse.
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        let free = self.free()? / BLOCK * BLOCK;
        let wanted = match free {
            0 => BLOCK,
            free => count.min(free) / BLOCK * BLOCK,
        };
        let held = self.held;
        let mut refusal = None;
        if wanted > 0 {
            match fallocate(self.file()?, FallocateFlags::empty(), self.size, wanted) {
                Ok(()) => self.size += wanted,
                Err(errno @ (Errno::DQUOT | Errno::NOSPC)) => {
                    refusal = Some(errno);
                    // It may have got a part.
                    self.size = self.file()?.metadata()?.len();
                }
                Err(errno) => return Err(errno).with_context(|| self.place()),
            }
            self.count()?;
        }
        Ok(TakeResult {
            count: self.held.saturating_sub(held),
            refusal,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        self.size = self.size.saturating_sub(count) / BLOCK * BLOCK;
        let done = self.file()?.set_len(self.size);
        done.with_context(|| self.place())?;
        self.count()
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn step(&self) -> u64 {
        8 << 20
    }

    fn left(&mut self) -> Option<u64> {
        self.free().ok()
    }

    fn overhead(&self) -> Overhead {
        Overhead {
            inodes: u64::from(self.file.is_some()),
            instances: 0,
        }
    }

    /// The loop device goes with the mount.
    fn release(&mut self) -> anyhow::Result<()> {
        self.file = None;
        self.held = 0;
        unmount(&self.mountpoint, UnmountFlags::DETACH)
            .with_context(|| self.mountpoint.display().to_string())
    }
}
