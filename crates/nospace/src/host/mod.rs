//! The questions that collectors may ask about a machine, and nothing else of the node is asked.
//!
//! [`replay::Replay`] has the moments of what was recorded, each a [`recorded::Recorded`].
//!
//! Three machines answer them: [`live::Live`] asks the kernel, [`recorded::Recorded`] looks the
//! answer up in an archive, [`recording::Recording`] asks another and keeps what it said.

mod account_key;
mod accounting;
mod accounts;
pub mod archive;
mod guards;
mod identity;
mod lines;
pub mod live;
mod mounts;
mod network;
mod raw;
pub mod recorded;
pub mod recording;
pub mod replay;
mod watches;
pub mod when;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use nospace_core::model::{
    Accounts, Descriptor, EpollUser, FileHandle, FilesystemUsage, Guards, Inotify, MountNamespace,
    Place, UserNamespace, Watch,
};
use nospace_core::parse::passwd;
use nospace_core::report::Refusals;
use nospace_core::watches::MountTable;
use serde::{Deserialize, Serialize};

/// The three trees of a host; each can be mounted elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// `--procfs`.
    Proc,
    /// `--sysfs`.
    Sys,
    /// `--rootfs`.
    Root,
}

impl Tree {
    /// Name in an archive and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proc => "proc",
            Self::Sys => "sys",
            Self::Root => "root",
        }
    }
}

/// A place in a tree; `path` is relative.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Which tree.
    pub tree: Tree,
    /// Path below it.
    pub path: &'a Path,
}

/// Below `--procfs`.
pub fn proc<P: AsRef<Path> + ?Sized>(path: &P) -> At<'_> {
    At {
        tree: Tree::Proc,
        path: path.as_ref(),
    }
}

/// Below `--sysfs`.
pub fn sys<P: AsRef<Path> + ?Sized>(path: &P) -> At<'_> {
    At {
        tree: Tree::Sys,
        path: path.as_ref(),
    }
}

/// Below `--rootfs`; a leading `/` is the tree's own root.
pub fn root<P: AsRef<Path> + ?Sized>(path: &P) -> At<'_> {
    let path = path.as_ref();
    At {
        tree: Tree::Root,
        path: path.strip_prefix("/").unwrap_or(path),
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tree {
            Tree::Root => write!(f, "/{}", self.path.display()),
            tree => write!(f, "/{}/{}", tree.name(), self.path.display()),
        }
    }
}

/// Why a read gave nothing. Gone is normal, denied is a gap, failed is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum ReadError {
    /// It is not there, or no longer.
    #[error("not there")]
    Gone,
    /// It is there, and nospace may not look.
    #[error("permission denied")]
    Denied,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// What a read of the node gave, or why it gave nothing.
pub type ReadResult<T> = Result<T, ReadError>;

impl ReadError {
    /// A file is longer than the `bound` bytes that are read of it.
    #[must_use]
    pub fn too_long(bound: usize) -> Self {
        Self::Failed(format!(
            "longer than {bound} bytes, the most that nospace reads of it"
        ))
    }
}

impl From<rustix::io::Errno> for ReadError {
    fn from(errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        match errno {
            Errno::NOENT | Errno::SRCH | Errno::NOTDIR | Errno::NODEV | Errno::BADF => Self::Gone,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            other => Self::Failed(std::io::Error::from(other).to_string()),
        }
    }
}

impl From<std::io::Error> for ReadError {
    fn from(error: std::io::Error) -> Self {
        match rustix::io::Errno::from_io_error(&error) {
            Some(errno) => errno.into(),
            None => Self::Failed(error.to_string()),
        }
    }
}

/// Where the names of users are.
pub(crate) const PASSWD: &str = "etc/passwd";
/// It is read up to here.
pub(crate) const MAX_PASSWD: usize = 4 << 20;

/// Where a recording keeps the answers of [`Host::network_sysctl`].
fn network_key(pid: u32, path: &str) -> String {
    format!("{pid}/network/{path}")
}

/// What a process has open, as far as nospace cares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptors {
    /// Open descriptors in all.
    pub total: u32,
    /// Those of which nospace may not know what they are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidden: u32,
    /// Those that are inotify instances, in the kernel's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inotify: Vec<u32>,
    /// Those that are epoll instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epoll: Vec<u32>,
    /// Those that are fanotify groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fanotify: Vec<u32>,
}

impl Descriptors {
    /// Empties it, keeping the memory.
    pub fn clear(&mut self) {
        self.total = 0;
        self.hidden = 0;
        self.inotify.clear();
        self.epoll.clear();
        self.fanotify.clear();
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The kernel's own account of inotify and of open files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KernelAccounting {
    /// Instances, users' counters, user namespaces.
    pub inotify: Inotify,
    /// Processes that hold an instance, or are near their limit of descriptors.
    pub processes: Vec<ProcessDescriptors>,
    /// epoll watches of each user.
    pub epoll: Vec<EpollUser>,
    /// The namespaces of all processes, each once, and their stacks; empty where the account does not have them.
    #[serde(default, skip_serializing_if = "Tasks::is_empty")]
    pub namespaces: Tasks,
    /// What it says of limits other than inotify's; `None` in older recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Box<Accounts>>,
    /// Guards that run on the node; `None` in older recordings, and where the kernel does not show them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<Guards>,
    /// What the account leaves out, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
}

/// What the kernel's account says of all tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tasks {
    /// Mount namespaces, sorted by inode number.
    pub mounts: Vec<MountNamespace>,
    /// How many there are of each other kind, by its name in /proc/PID/ns.
    pub others: BTreeMap<String, u64>,
    /// A thread in each network namespace, by the namespace's inode number: a process's first thread where there is one; 0 where this
    /// pid namespace has none. Empty in older recordings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<u64, u32>,
    /// Whether their stacks are from vmalloc; `false` in older recordings as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vmapped_stacks: bool,
}

impl Tasks {
    /// Every process lives in some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mounts.is_empty()
    }
}

/// A process in the kernel's accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessDescriptors {
    /// Thread-group id.
    pub pid: u32,
    /// Open descriptors.
    pub descriptors: u32,
    /// Soft RLIMIT_NOFILE, where most of it is used.
    pub limit: Option<u64>,
}

/// Share of its limit of descriptors, in percent, from which a process is worth naming.
pub const NEAR_LIMIT: u64 = 80;

/// `limit`, where `open` descriptors are most of it.
#[must_use]
pub fn pressing(open: u32, limit: u64) -> Option<u64> {
    (u64::from(open) * 100 >= limit.saturating_mul(NEAR_LIMIT)).then_some(limit)
}

/// A directory below another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subdirectory {
    /// Name, lossy UTF-8.
    pub name: String,
    /// It has no directory below it (its link count says so).
    pub leaf: bool,
}

/// Who asks, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// When the check began, RFC 3339, UTC.
    pub taken_at: String,
    /// Effective uid of nospace.
    pub uid: u32,
    /// Whose /proc/PID/mountinfo names the host's mounts: `self`, or `1` where the host's root
    /// is mounted elsewhere.
    pub mounts_of: String,
    /// Bytes of a page; that of amd64 in older recordings, none of which is of another architecture.
    #[serde(default = "page_of_amd64")]
    pub page_size: u64,
}

/// `PAGE_SIZE` of x86.
const fn page_of_amd64() -> u64 {
    4096
}

/// A machine that can be asked.
pub trait Host: Sync {
    /// Who asks, and when.
    fn look(&self) -> Look;

    /// It answers only what was asked before.
    fn is_recording(&self) -> bool {
        false
    }

    /// The whole of a file into `buffer` (emptied first). For files that grow with use, see [`Host::lines`].
    ///
    /// # Errors
    ///
    /// [`ReadError::Failed`] when it is longer than `bound` bytes; `buffer` is then empty.
    fn read(&self, at: At<'_>, bound: usize, buffer: &mut Vec<u8>) -> ReadResult<()>;

    /// Every line of a file, without its end, until `each` breaks. A file may have any length: no more than a line of it is kept.
    ///
    /// # Errors
    ///
    /// [`ReadError::Failed`] when a line is longer than 1 MiB, or an archive holds only the beginning; `each` has had the
    /// lines before.
    fn lines(&self, at: At<'_>, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> ReadResult<()>;

    /// The mounts of [`Look::mounts_of`], which `read` reads; not again while they are known not to have changed.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    fn mounts(
        &self,
        read: &dyn Fn() -> anyhow::Result<MountTable>,
    ) -> anyhow::Result<Arc<MountTable>> {
        read().map(Arc::new)
    }

    /// A small file below sys/net of procfs, as a process of the network namespace that `pid` lives in sees it.
    ///
    /// # Errors
    ///
    /// [`ReadError::Denied`] without CAP_SYS_ADMIN.
    fn network_sysctl(&self, pid: u32, path: &str) -> ReadResult<Vec<u8>>;

    /// Names in a directory, at most `cap`, sorted; lossy UTF-8. With `cap` names there may be more.
    fn list(&self, at: At<'_>, cap: usize) -> ReadResult<Vec<String>>;

    /// Directories below a directory, sorted, without following links.
    fn subdirectories(&self, at: At<'_>) -> ReadResult<Vec<Subdirectory>>;

    /// Where a symbolic link leads.
    fn link(&self, at: At<'_>) -> ReadResult<String>;

    /// Space of the file system that a path lies on. Only for paths known to be local.
    fn statfs(&self, at: At<'_>) -> ReadResult<FilesystemUsage>;

    /// Every process, by thread-group id.
    fn pids(&self) -> ReadResult<Vec<u32>>;

    /// Effective uid of a process.
    fn owner(&self, pid: u32) -> ReadResult<u32>;

    /// The names that /etc/passwd gives these users, the first where it has several.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is longer than 4 MiB.
    fn user_names(&self, uids: &BTreeSet<u32>) -> ReadResult<BTreeMap<u32, String>> {
        let mut text = Vec::new();
        self.read(root(PASSWD), MAX_PASSWD, &mut text)?;
        let mut names = passwd::names(&text);
        names.retain(|uid, _| uids.contains(uid));
        Ok(names)
    }

    /// What a process has open.
    fn descriptors(&self, pid: u32, into: &mut Descriptors) -> ReadResult<()>;

    /// fdinfo of a descriptor, piece by piece as it is read; pieces may end mid-line.
    fn fdinfo(&self, descriptor: Descriptor, piece: &mut dyn FnMut(&[u8])) -> ReadResult<()>;

    /// For each descriptor, which must be sorted, the number of the open file behind it: the
    /// same number is the same file, however it was shared. `None` for one that is gone.
    fn same_files(&self, descriptors: &[Descriptor]) -> ReadResult<Vec<Option<u32>>>;

    /// The kernel's own account of inotify, by eBPF. [`ReadError::Failed`] says why it cannot be
    /// read here, and what would let it.
    fn accounting(&self) -> ReadResult<KernelAccounting>;

    /// The calls that were refused since the sample before. Only a timeline has them.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] where nobody recorded them, [`ReadError::Failed`] where they could not be traced.
    fn refusals(&self) -> ReadResult<Refusals> {
        Err(ReadError::Gone)
    }

    /// The user namespace that a process lives in.
    fn user_namespace(&self, pid: u32) -> ReadResult<UserNamespace>;

    /// Every watch of the instances behind `of`, named by the kernel's directory entries. Recordings do not contain them.
    fn watches(
        &self,
        of: &[Descriptor],
        each: &mut dyn FnMut(Descriptor, Watch),
    ) -> ReadResult<()> {
        let _ = (of, each);
        Err(ReadError::Failed(
            "recordings do not contain watch names".into(),
        ))
    }

    /// Where the files with these handles are, from the directory `mount`, on which their file system is mounted. The
    /// asker makes sure that it is one that cannot hang. Recordings do not contain it.
    fn by_handle(
        &self,
        mount: At<'_>,
        handles: &[&FileHandle],
    ) -> ReadResult<Vec<ReadResult<Place>>> {
        let _ = (mount, handles);
        Err(ReadError::Failed(
            "recordings do not contain file handles".into(),
        ))
    }

    /// Names and inode numbers of what lies in a directory, on the same device, and is wanted. Only for paths that are known
    /// not to hang. Recordings do not contain it.
    fn find_in(
        &self,
        directory: At<'_>,
        device: (u32, u32),
        is_wanted: &dyn Fn(u64) -> bool,
    ) -> ReadResult<Vec<(String, u64)>> {
        let _ = (directory, device, is_wanted);
        Err(ReadError::Failed(
            "recordings do not contain inode numbers".into(),
        ))
    }
}
