use std::borrow::Cow;
use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::UserKey;

/// What a budget belongs to, or a finding is about. Printed, in JSON and in metrics it is a caption;
/// in the program it is the thing itself. A thing equals its caption, which is all that a report that was
/// read back has.
#[derive(Clone, Debug, Default)]
pub enum Subject {
    /// Nothing in particular.
    #[default]
    None,
    /// A (user namespace, uid) pair.
    User(UserKey),
    /// A process, with its systemd unit where that matters.
    Process {
        /// Name of the main thread.
        comm: String,
        /// pid.
        pid: u32,
        /// Unit.
        unit: Option<String>,
    },
    /// Several processes of one program.
    Program(String),
    /// A sysctl, by its dotted name.
    Sysctl(Cow<'static, str>),
    /// One number of a sysctl that has several: `kernel.sem SEMMNI`.
    SysctlField {
        /// Dotted name.
        key: &'static str,
        /// What the number is called in proc(5).
        field: &'static str,
    },
    /// A file system, by its mount point.
    Mount(String),
    /// A mount namespace.
    MountNamespace {
        /// Inode number.
        id: u64,
        /// The lowest pid that lives in it.
        pid: u32,
    },
    /// A network namespace.
    NetworkNamespace {
        /// Inode number.
        id: u64,
        /// A pid that lives in it.
        pid: u32,
    },
    /// Another namespace.
    Namespace {
        /// `ipc`, `pid`.
        kind: &'static str,
        /// Inode number.
        id: u64,
        /// The lowest pid that lives in it.
        pid: u32,
    },
    /// User namespaces inside of each other.
    UserNamespaceDepth,
    /// The memory cgroups of the whole kernel.
    MemoryCgroups,
    /// What the file `limit` of a cgroup limits.
    Cgroup {
        /// `pids.max`, `cgroup.max.descendants`.
        limit: &'static str,
        /// Path below the hierarchy's root.
        path: String,
    },
    /// Huge pages of one size, in KiB.
    Hugepages(u64),
    /// A network interface, by its name.
    Interface(String),
    /// A cgroup hierarchy, by its mount point.
    Hierarchy(String),
    /// A collector.
    Collector(String),
    /// The caption of a report that was read back.
    Caption(String),
}

impl Subject {
    /// A sysctl that nospace knows.
    #[must_use]
    pub const fn sysctl(key: &'static str) -> Self {
        Self::Sysctl(Cow::Borrowed(key))
    }

    /// The user `uid` of the initial user namespace.
    #[must_use]
    pub fn uid(uid: u32) -> Self {
        Self::User(UserKey::initial(uid))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::User(key) => key.fmt(f),
            Self::Process {
                comm,
                pid,
                unit: None,
            } => write!(f, "{comm} (pid {pid})"),
            Self::Process {
                comm,
                pid,
                unit: Some(unit),
            } => write!(f, "{comm} (pid {pid}, {unit})"),
            Self::Program(comm) => write!(f, "processes of {comm}"),
            Self::Sysctl(key) => f.write_str(key),
            Self::SysctlField { key, field } => write!(f, "{key} {field}"),
            Self::MountNamespace { id, pid } => write!(f, "mount namespace {id} (pid {pid})"),
            Self::NetworkNamespace { id, pid } => {
                write!(f, "network namespace {id} (pid {pid})")
            }
            Self::Namespace { kind, id, pid } => write!(f, "{kind} namespace {id} (pid {pid})"),
            Self::UserNamespaceDepth => f.write_str("nested user namespaces"),
            Self::MemoryCgroups => f.write_str("memory cgroups"),
            Self::Cgroup { limit, path } => write!(f, "{limit} of {path}"),
            Self::Hugepages(kib) if *kib >= 1024 => write!(f, "{} MiB huge pages", kib / 1024),
            Self::Hugepages(kib) => write!(f, "{kib} KiB huge pages"),
            Self::Mount(text)
            | Self::Interface(text)
            | Self::Hierarchy(text)
            | Self::Collector(text)
            | Self::Caption(text) => f.write_str(text),
        }
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Subject {}

impl PartialOrd for Subject {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Subject {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Mount(one), Self::Mount(other)) => one.cmp(other),
            _ => self.to_string().cmp(&other.to_string()),
        }
    }
}

impl Hash for Subject {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_string().hash(state);
    }
}

impl FromStr for Subject {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text.is_empty() {
            Self::None
        } else {
            Self::Caption(text.to_owned())
        })
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.parse().unwrap_or_default())
    }
}
