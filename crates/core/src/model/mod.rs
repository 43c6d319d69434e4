//! The model: what was read from a node, before anything is concluded from it.
//!
//! Everything below [`Snapshot`] is raw: a number that the kernel or a file gave, with
//! where it came from. What nospace concludes (owners, budgets, findings) is in
//! [`crate::report`], and is a different type on purpose.

mod accounts;
mod cgroup;
mod container;
mod environment;
mod filesystem;
mod guard;
mod holding;
mod inotify;
mod inotify_resource;
mod kernel;
mod limits;
mod process;
mod provenance;
mod resource;
mod subject;
mod user_names;
mod vantage;
mod watch;

pub use accounts::{Accounts, FanotifyUser, NamespaceUse, NearKind, NearLimit};
pub use cgroup::{CgroupVersion, Cgroups, DescendantLimit, Hierarchy};
pub use container::{Bundle, ContainerLog, Containers, PodLog, Runtime};
pub use environment::{Environment, HOST_LOCAL, Program, may_write};
pub use filesystem::{Filesystem, FilesystemUsage};
pub use guard::{Guard, GuardMode, Guards, kept};
pub use holding::Holding;
pub use inotify::{
    Descriptor, INITIAL_USER_NAMESPACE, Inotify, Instance, UserCounters, UserKey, UserNamespace,
};
pub use inotify_resource::{InotifyResource, Pair};
pub use kernel::{
    Epoll, EpollUser, KeyUser, Keys, MountNamespace, Mounts, NamespaceCount, Namespaces, Pids,
    PidsCgroup, SysvIpc,
};
pub use limits::{BootValue, Limits, Setting};
pub use process::{CgroupPath, Process};
pub use provenance::{CollectorRun, Provenance};
pub use resource::{Resource, percent};
pub use subject::Subject;
pub use user_names::UserNames;
pub use vantage::Vantage;
pub use watch::{FileHandle, Mark, Marked, Place, Watch};

use serde::{Deserialize, Serialize};

/// One look at a node, as its collectors brought it home.
///
/// A part is `None` when its collector failed; the reason is in [`Snapshot::collectors`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the check began, RFC 3339, UTC.
    pub taken_at: String,
    /// What kind of machine this is.
    pub node: NodeFacts,
    /// Where nospace ran.
    pub vantage: Vantage,
    /// What the node has; `None` where that was not read, as by an older recording.
    pub environment: Option<Environment>,
    /// How each collector fared, in a fixed order.
    pub collectors: Vec<CollectorRun>,
    /// The inotify limits and the settings that matter, live and at boot.
    pub limits: Option<Limits>,
    /// Instances and watches.
    pub inotify: Option<Inotify>,
    /// The processes that hold something worth naming.
    pub processes: Vec<Process>,
    /// Control groups.
    pub cgroups: Option<Cgroups>,
    /// The file systems that matter to a node, each device once.
    pub filesystems: Option<Vec<Filesystem>>,
    /// Processes and threads.
    pub pids: Option<Pids>,
    /// Mounts of each mount namespace.
    pub mounts: Option<Mounts>,
    /// Kernel keys of each user.
    pub keys: Option<Keys>,
    /// System V semaphores, shared memory and queues.
    pub sysv: Option<SysvIpc>,
    /// epoll watches of each user.
    pub epoll: Option<Epoll>,
    /// Namespaces of each kind.
    pub namespaces: Option<Namespaces>,
    /// What the collectors of limits with nothing but a few numbers read: their budgets.
    pub resources: Vec<Resource>,
    /// What the kernel's accounting says of other limits; `None` where it was not read.
    #[serde(default)]
    pub accounts: Option<Accounts>,
    /// Guards that run on the node; `None` where the kernel's accounting was not read, or by a nospace that did not look for them.
    #[serde(default)]
    pub guards: Option<Guards>,
    /// Who holds how much of budgets that are short, other than inotify's.
    pub holdings: Vec<Holding>,
    /// What the node's disk says about pods and containers.
    pub containers: Containers,
    /// Names of the users above, as far as they are known.
    #[serde(default)]
    pub user_names: UserNames,
}

/// What a kubelet is configured for, of which each takes an inotify instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeletConfig {
    /// Static pods from a directory (`staticPodPath`).
    pub static_pods: bool,
    /// Clients are known by a certificate authority (`clientCAFile`).
    pub client_ca: bool,
    /// Its serving certificate is a file, read again when it changes (from Kubernetes 1.31), and not given by the API
    /// server (`serverTLSBootstrap`).
    pub serving_certificate: bool,
}

/// The machine that a [`Snapshot`] was taken of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Host name.
    pub name: String,
    /// Kernel release, as `uname -r` prints it.
    pub kernel: String,
    /// Physical memory in bytes; bounds what limits may cost.
    pub memory_bytes: Option<u64>,
    /// Time since it was started, in ticks of a hundredth of a second, as [`Process::start_ticks`] is.
    pub uptime_ticks: Option<u64>,
    /// The kubelet's configuration file, where there is one.
    pub kubelet: Option<KubeletConfig>,
}
