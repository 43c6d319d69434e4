//! The machine that nospace runs on: every question goes to the kernel.

use std::fs::File;
use std::io::BufReader;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nospace_bpf::{kcmp, userns};
use nospace_core::model::{
    Descriptor, FileHandle, FilesystemUsage, Place, UserKey, UserNamespace, Watch,
};
use nospace_core::watches::MountTable;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags, fstat, openat, openat2,
    readlinkat_raw, statx,
};
use rustix::io::Errno;

use super::accounting::AccountingCache;
use super::identity::number_files;
use super::lines::each_line;
use super::mounts::MountCache;
use super::raw::{PIECE, ProcPath, each_entry, lossy, number, read_whole};
use super::{
    At, Descriptors, Host, KernelAccounting, Look, ReadError, ReadResult, Subdirectory, Tree,
    network, watches,
};

/// Longer link targets are none that nospace looks for.
const LINK_BUFFER: usize = 4096;

/// Where the host's trees are mounted.
#[derive(Clone, Debug)]
pub struct Roots {
    /// procfs, `/proc`.
    pub proc: PathBuf,
    /// sysfs, `/sys`.
    pub sys: PathBuf,
    /// The root file system, `/`.
    pub root: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            proc: "/proc".into(),
            sys: "/sys".into(),
            root: "/".into(),
        }
    }
}

/// The live machine.
pub struct Live {
    proc: OwnedFd,
    sys: Option<OwnedFd>,
    root: Option<OwnedFd>,
    root_is_elsewhere: bool,
    look: Look,
    /// procfs numbers processes as this process does, so kcmp(2) means the same ones.
    same_pids: bool,
    /// `None`: not to be used.
    accounting: Option<Mutex<AccountingCache>>,
    mounts: MountCache,
}

impl Live {
    /// Opens the three trees; with `ebpf` the kernel's accounting is read where it lets us.
    ///
    /// # Errors
    ///
    /// When procfs cannot be opened: without it there is nothing to say. The other two may be missing.
    pub fn open(roots: &Roots, ebpf: bool) -> anyhow::Result<Self> {
        let proc = open_tree(&roots.proc).map_err(|error| {
            anyhow::anyhow!(
                "cannot open procfs at {}: {}; mount it there or name another place with --procfs",
                roots.proc.display(),
                std::io::Error::from(error)
            )
        })?;
        let root_is_elsewhere = roots.root != Path::new("/");
        let look = Look {
            taken_at: now(),
            uid: rustix::process::geteuid().as_raw(),
            mounts_of: if root_is_elsewhere { "1" } else { "self" }.to_owned(),
            page_size: rustix::param::page_size() as u64,
        };
        let mut live = Self {
            proc,
            sys: open_tree(&roots.sys).ok(),
            root: open_tree(&roots.root).ok(),
            root_is_elsewhere,
            look,
            same_pids: false,
            accounting: ebpf.then(Mutex::default),
            mounts: MountCache::default(),
        };
        let own = rustix::process::getpid().as_raw_nonzero().to_string();
        live.same_pids = live
            .link(super::proc("self"))
            .is_ok_and(|target| target == own);
        Ok(live)
    }

    /// Another look begins now, with the programs that are loaded.
    pub fn renew(&mut self) {
        self.look.taken_at = now();
    }

    fn tree(&self, tree: Tree) -> ReadResult<BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        match tree {
            Tree::Proc => Ok(self.proc.as_fd()),
            Tree::Sys => self.sys.as_ref().map(AsFd::as_fd).ok_or(ReadError::Gone),
            Tree::Root => self.root.as_ref().map(AsFd::as_fd).ok_or(ReadError::Gone),
        }
    }

    /// The programs, which this thread alone uses while it has them.
    fn accounting_cache(&self) -> ReadResult<MutexGuard<'_, AccountingCache>> {
        let Some(accounting) = &self.accounting else {
            return Err(ReadError::Failed("eBPF is switched off".into()));
        };
        if !self.same_pids {
            return Err(ReadError::Failed(
                "procfs belongs to another pid namespace".into(),
            ));
        }
        Ok(accounting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn open_at(&self, at: At<'_>, flags: OFlags) -> ReadResult<OwnedFd> {
        let tree = self.tree(at.tree)?;
        let flags = flags | OFlags::CLOEXEC;
        // openat2(2) refuses further flags beside O_PATH, which opens nothing that could block or become a terminal.
        let flags = if flags.contains(OFlags::PATH) {
            flags
        } else {
            flags | OFlags::NOCTTY | OFlags::NONBLOCK
        };
        let path = if at.path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            at.path
        };
        if let Some((process, below)) = below_root_of_process(at) {
            let only_path = OFlags::PATH | OFlags::CLOEXEC;
            let top = openat(tree, process, only_path, Mode::empty())?;
            // An absolute link there means the root of the process, and one of /proc leads anywhere.
            let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
            let place = openat2(&top, below, only_path, Mode::empty(), within)?;
            // To open a device can be to use it: a container may have put a watchdog there.
            let kind = FileType::from_raw_mode(fstat(&place)?.st_mode);
            if !kind.is_file() && !kind.is_dir() {
                return Err(ReadError::Failed("not a regular file".into()));
            }
            let again = format!("/proc/self/fd/{}", place.as_raw_fd());
            return Ok(rustix::fs::open(again, flags, Mode::empty())?);
        }
        if at.tree == Tree::Root && self.root_is_elsewhere {
            // An absolute link below --rootfs means the host's root, not ours.
            match openat2(tree, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
                Err(Errno::NOSYS) => {}
                done => return Ok(done?),
            }
        }
        Ok(openat(tree, path, flags, Mode::empty())?)
    }

    fn open_file(&self, at: At<'_>) -> ReadResult<OwnedFd> {
        let fd = self.open_at(at, OFlags::RDONLY)?;
        if at.tree == Tree::Root && !FileType::from_raw_mode(fstat(&fd)?.st_mode).is_file() {
            return Err(ReadError::Failed("not a regular file".into()));
        }
        Ok(fd)
    }

    fn open_proc(&self, path: &ProcPath) -> Result<OwnedFd, Errno> {
        openat(
            &self.proc,
            path.as_c_str(),
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }
}

/// `PID/root` below /proc, and a path below that: files of a container, which it can make what it wants.
fn below_root_of_process(at: At<'_>) -> Option<(&Path, &Path)> {
    let mut above = at
        .path
        .ancestors()
        .filter(|one| one.components().count() == 2);
    let process = above.next()?;
    let below = at.path.strip_prefix(process).ok()?;
    (at.tree == Tree::Proc && process.ends_with("root") && !below.as_os_str().is_empty())
        .then_some((process, below))
}

/// RFC 3339, UTC, to the second.
fn now() -> String {
    let now = jiff::Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}

fn open_tree(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

impl Host for Live {
    fn look(&self) -> Look {
        self.look.clone()
    }

    fn read(&self, at: At<'_>, bound: usize, buffer: &mut Vec<u8>) -> ReadResult<()> {
        let fd = self.open_file(at)?;
        if read_whole(&fd, bound, buffer)? {
            return Ok(());
        }
        buffer.clear();
        Err(ReadError::too_long(bound))
    }

    fn lines(&self, at: At<'_>, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> ReadResult<()> {
        let file = File::from(self.open_file(at)?);
        each_line(BufReader::with_capacity(PIECE, file), each).map(drop)
    }

    fn mounts(
        &self,
        read: &dyn Fn() -> anyhow::Result<MountTable>,
    ) -> anyhow::Result<Arc<MountTable>> {
        let path = format!("{}/mountinfo", self.look.mounts_of);
        self.mounts.get(|| self.open_file(super::proc(&path)), read)
    }

    fn network_sysctl(&self, pid: u32, path: &str) -> ReadResult<Vec<u8>> {
        network::sysctl(&self.proc, pid, path)
    }

    fn list(&self, at: At<'_>, cap: usize) -> ReadResult<Vec<String>> {
        let fd = self.open_at(at, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        each_entry(&fd, |name, _| {
            if names.len() < cap {
                names.push(lossy(name.to_bytes()));
            }
        })?;
        names.sort_unstable();
        Ok(names)
    }

    fn subdirectories(&self, at: At<'_>) -> ReadResult<Vec<Subdirectory>> {
        let fd = self.open_at(at, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut found = Vec::new();
        each_entry(&fd, |name, kind| {
            if kind == FileType::Directory {
                // Two links are the directory's own name and its `.`: nothing below it has a `..`.
                let leaf = statx(&fd, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::NLINK)
                    .is_ok_and(|stat| stat.stx_nlink == 2);
                found.push(Subdirectory {
                    name: lossy(name.to_bytes()),
                    leaf,
                });
            }
        })?;
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn link(&self, at: At<'_>) -> ReadResult<String> {
        let tree = self.tree(at.tree)?;
        let target = match (at.path.parent(), at.path.file_name()) {
            (Some(parent), Some(name)) if at.tree == Tree::Root && self.root_is_elsewhere => {
                let parent = At {
                    tree: at.tree,
                    path: parent,
                };
                let parent = self.open_at(parent, OFlags::PATH | OFlags::DIRECTORY)?;
                rustix::fs::readlinkat(&parent, name, Vec::new())?
            }
            _ => rustix::fs::readlinkat(tree, at.path, Vec::new())?,
        };
        Ok(lossy(target.as_bytes()))
    }

    fn statfs(&self, at: At<'_>) -> ReadResult<FilesystemUsage> {
        let fd = self.open_at(at, OFlags::PATH)?;
        let space = rustix::fs::fstatvfs(&fd)?;
        Ok(FilesystemUsage {
            block_size: if space.f_frsize == 0 {
                space.f_bsize
            } else {
                space.f_frsize
            },
            blocks: space.f_blocks,
            blocks_free: space.f_bfree,
            blocks_available: space.f_bavail,
            inodes: space.f_files,
            inodes_free: space.f_ffree,
        })
    }

    fn pids(&self) -> ReadResult<Vec<u32>> {
        let fd = self.open_at(super::proc(""), OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut pids = Vec::new();
        each_entry(&fd, |name, _| pids.extend(number(name)))?;
        Ok(pids)
    }

    fn owner(&self, pid: u32) -> ReadResult<u32> {
        // /proc/PID itself belongs to the effective uid, dumpable or not (task_dump_owner, fs/proc/base.c).
        let path = ProcPath::new(pid, format_args!(""));
        let stat = statx(
            &self.proc,
            path.as_c_str(),
            AtFlags::empty(),
            StatxFlags::UID,
        )?;
        Ok(stat.stx_uid)
    }

    fn descriptors(&self, pid: u32, into: &mut Descriptors) -> ReadResult<()> {
        into.clear();
        let fd = self.open_proc(&ProcPath::new(pid, format_args!("/fd")))?;
        let mut target = [const { MaybeUninit::uninit() }; LINK_BUFFER];
        each_entry(&fd, |name, _| {
            let Some(descriptor) = number(name) else {
                return;
            };
            into.total += 1;
            match readlinkat_raw(&fd, name, &mut target).map(|(target, _)| &*target) {
                Ok(b"anon_inode:inotify") => into.inotify.push(descriptor),
                Ok(b"anon_inode:[eventpoll]") => into.epoll.push(descriptor),
                Ok(b"anon_inode:[fanotify]") => into.fanotify.push(descriptor),
                Err(Errno::ACCESS | Errno::PERM) => into.hidden += 1,
                _ => {}
            }
        })?;
        Ok(())
    }

    fn fdinfo(&self, descriptor: Descriptor, piece: &mut dyn FnMut(&[u8])) -> ReadResult<()> {
        let path = ProcPath::new(descriptor.pid, format_args!("/fdinfo/{}", descriptor.fd));
        let fd = self.open_proc(&path)?;
        let mut room = [MaybeUninit::uninit(); PIECE];
        loop {
            let (read, _) = rustix::io::read(&fd, &mut room)?;
            if read.is_empty() {
                return Ok(());
            }
            piece(read);
        }
    }

    fn same_files(&self, descriptors: &[Descriptor]) -> ReadResult<Vec<Option<u32>>> {
        if !self.same_pids {
            return Err(ReadError::Failed(
                "procfs belongs to another pid namespace".into(),
            ));
        }
        number_files(descriptors, |a, b| {
            let same = kcmp::same_file((a.pid, a.fd), (b.pid, b.fd));
            same.map_err(|error| match error.kind() {
                // ENOSYS.
                std::io::ErrorKind::Unsupported => ReadError::Failed(
                    "the kernel was built without CONFIG_KCMP, or a seccomp filter hides it".into(),
                ),
                _ => error.into(),
            })
        })
    }

    fn accounting(&self) -> ReadResult<KernelAccounting> {
        let mut text = Vec::new();
        let max_mappings = self
            .read(super::proc("sys/vm/max_map_count"), 64, &mut text)
            .ok()
            .and_then(|()| std::str::from_utf8(&text).ok()?.trim().parse().ok());
        self.accounting_cache()?.read(max_mappings)
    }

    fn user_namespace(&self, pid: u32) -> ReadResult<UserNamespace> {
        let file = File::from(self.open_proc(&ProcPath::new(pid, format_args!("/ns/user")))?);
        let found = userns::inspect(&file)?;
        let draws_on = found.parent.map(|(user_namespace, uid)| UserKey {
            user_namespace,
            uid,
        });
        Ok(UserNamespace {
            id: found.id,
            draws_on,
        })
    }

    fn watches(
        &self,
        of: &[Descriptor],
        each: &mut dyn FnMut(Descriptor, Watch),
    ) -> ReadResult<()> {
        watches::list(&mut *self.accounting_cache()?, of, each)
    }

    fn by_handle(
        &self,
        mount: At<'_>,
        handles: &[&FileHandle],
    ) -> ReadResult<Vec<ReadResult<Place>>> {
        let mount = self.open_at(mount, OFlags::RDONLY | OFlags::DIRECTORY)?;
        watches::by_handle(&self.proc, &mount, handles)
    }

    fn find_in(
        &self,
        directory: At<'_>,
        device: (u32, u32),
        is_wanted: &dyn Fn(u64) -> bool,
    ) -> ReadResult<Vec<(String, u64)>> {
        let directory = self.open_at(directory, OFlags::RDONLY | OFlags::DIRECTORY)?;
        watches::find_in(directory, device, is_wanted)
    }
}
