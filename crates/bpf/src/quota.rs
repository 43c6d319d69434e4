//! Project quotas: quotactl(2), ioctl_xfs_fsgetxattr(2).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::io::Errno;

use crate::succeeded;

/// `PRJQUOTA`, include/uapi/linux/quota.h.
const PROJECTS: libc::c_int = 2;
/// The limit of blocks alone.
const QIF_BLIMITS: u32 = 1;
/// What dqb_bhardlimit is counted in, in bytes.
const LIMIT_UNIT: u64 = 1024;
/// `_IOR('X', 31, struct fsxattr)`, include/uapi/linux/fs.h.
const FS_IOC_FSGETXATTR: libc::c_ulong = 0x801c_581f;
/// `_IOW('X', 32, struct fsxattr)`.
const FS_IOC_FSSETXATTR: libc::c_ulong = 0x401c_5820;
const FS_XFLAG_PROJINHERIT: u32 = 0x200;

/// `struct fsxattr`.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    flags: u32,
    extent_size: u32,
    extents: u32,
    project: u32,
    copy_on_write: u32,
    padding: [u8; 8],
}

// As the kernel has them.
const _: () = assert!(size_of::<Attributes>() == 28 && size_of::<libc::dqblk>() == 72);

/// Makes `directory`, and what is created in it from now on, part of `project`.
///
/// # Errors
///
/// `ENOTTY` or `EOPNOTSUPP` where its file system has no projects; `EPERM` for other users than the owner.
pub fn set_project(directory: impl AsFd, project: u32) -> io::Result<()> {
    let fd = directory.as_fd().as_raw_fd();
    let mut attributes = Attributes::default();
    // SAFETY: FS_IOC_FSGETXATTR writes one `struct fsxattr`, which `attributes` is.
    succeeded(unsafe { libc::ioctl(fd, FS_IOC_FSGETXATTR, &raw mut attributes) })?;
    attributes.project = project;
    attributes.flags |= FS_XFLAG_PROJINHERIT;
    // SAFETY: FS_IOC_FSSETXATTR reads one.
    succeeded(unsafe { libc::ioctl(fd, FS_IOC_FSSETXATTR, &raw const attributes) })
}

/// The quota of a project on a file system.
#[derive(Clone, Debug)]
pub struct ProjectQuota {
    device: CString,
    project: u32,
}

/// Bytes of a project, as the kernel counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectUsage {
    /// In use.
    pub used: u64,
    /// The hard limit; 0 is none.
    pub limit: u64,
}

impl ProjectQuota {
    /// That of `project` on the file system of this block device, which must be mounted.
    ///
    /// # Errors
    ///
    /// A path with a NUL.
    pub fn new(device: &Path, project: u32) -> io::Result<Self> {
        Ok(Self {
            device: CString::new(device.as_os_str().as_bytes())?,
            project,
        })
    }

    /// Sets the hard limit, in bytes, rounded down to KiB.
    ///
    /// # Errors
    ///
    /// `ESRCH` where the file system enforces no project quotas, `EPERM` without CAP_SYS_ADMIN, `ENOSYS` where the kernel has no quotas.
    pub fn set_limit(&self, bytes: u64) -> io::Result<()> {
        let mut quota = empty();
        quota.dqb_bhardlimit = bytes / LIMIT_UNIT;
        quota.dqb_valid = QIF_BLIMITS;
        self.call(libc::Q_SETQUOTA, &mut quota)
    }

    /// What is in use, and the limit.
    ///
    /// # Errors
    ///
    /// Those of [`Self::set_limit`].
    pub fn usage(&self) -> io::Result<ProjectUsage> {
        let mut quota = empty();
        self.call(libc::Q_GETQUOTA, &mut quota)?;
        Ok(ProjectUsage {
            used: quota.dqb_curspace,
            limit: quota.dqb_bhardlimit.saturating_mul(LIMIT_UNIT),
        })
    }

    fn call(&self, command: libc::c_int, quota: &mut libc::dqblk) -> io::Result<()> {
        let project = libc::c_int::try_from(self.project).map_err(|_| Errno::INVAL)?;
        let command = libc::QCMD(command, PROJECTS);
        let (device, data) = (self.device.as_ptr(), std::ptr::from_mut(quota).cast());
        // SAFETY: the path ends with NUL, and the kernel reads or writes one `struct if_dqblk`, which `dqblk` is.
        succeeded(unsafe { libc::quotactl(command, device, project, data) })
    }
}

fn empty() -> libc::dqblk {
    libc::dqblk {
        dqb_bhardlimit: 0,
        dqb_bsoftlimit: 0,
        dqb_curspace: 0,
        dqb_ihardlimit: 0,
        dqb_isoftlimit: 0,
        dqb_curinodes: 0,
        dqb_btime: 0,
        dqb_itime: 0,
        dqb_valid: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_quotas_says_so() {
        let quota = ProjectQuota::new(Path::new("/dev/null"), 1).unwrap();
        assert!(quota.usage().is_err());
        assert!(quota.set_limit(1 << 20).is_err());
    }
}
