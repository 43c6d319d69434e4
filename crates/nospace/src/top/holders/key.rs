use nospace_core::model::UserKey;
use nospace_core::report::{Owner, PodPart, ProcessUse};
use nospace_core::workload::Workload;

/// What counts as one holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// A process.
    #[default]
    Process,
    /// A pod, a container outside pods, or a unit.
    Owner,
    /// What made the pods: a Deployment, a DaemonSet, a Job; else the owner.
    Workload,
    /// A program, by the name of the process.
    Program,
    /// The user that is charged.
    User,
}

impl Grouping {
    /// All, in the order in which the key goes through them.
    pub const ALL: [Self; 5] = [
        Self::Process,
        Self::Owner,
        Self::Workload,
        Self::Program,
        Self::User,
    ];

    /// In a word, as `--by` takes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Owner => "pod",
            Self::Workload => "workload",
            Self::Program => "program",
            Self::User => "user",
        }
    }

    /// The group of a process.
    #[must_use]
    pub fn key(self, process: &Identity<'_>) -> Key {
        match self {
            Self::Process => Key::Process(process.pid),
            Self::Owner => Key::Owner(whole(process.owner)),
            Self::Workload => Key::Workload(process.workload()),
            Self::Program => Key::Program(process.comm.to_owned()),
            Self::User => Key::User(process.user),
        }
    }
}

/// One holder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// By pid.
    Process(u32),
    /// A pod as a whole, a container, a unit, or what is in none.
    Owner(Box<OwnerKey>),
    /// By its name.
    Workload(Workload),
    /// By its name.
    Program(String),
    /// By uid and user namespace.
    User(UserKey),
}

/// An owner that can be a key of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnerKey(pub Owner);

impl std::hash::Hash for OwnerKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match &self.0 {
            Owner::Host => 0.hash(state),
            Owner::Unit { name } => name.hash(state),
            Owner::Container { id, .. } => id.hash(state),
            Owner::Pod { uid, .. } => uid.hash(state),
        }
    }
}

/// What decides which groups a process belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// pid.
    pub pid: u32,
    /// Name of the process.
    pub comm: &'a str,
    /// Who is charged.
    pub user: UserKey,
    /// Owner of the process.
    pub owner: &'a Owner,
    /// Name of the node, which static pods have in theirs.
    pub node: &'a str,
}

impl<'a> Identity<'a> {
    /// Of a process that holds instances.
    #[must_use]
    pub fn of(process: &'a ProcessUse, node: &'a str) -> Self {
        Self {
            pid: process.pid,
            comm: &process.comm,
            user: process.charged.into(),
            owner: &process.owner,
            node,
        }
    }

    /// What it is one of.
    #[must_use]
    pub fn workload(&self) -> Workload {
        Workload::of_process(self.owner, self.comm, self.node)
    }
}

/// A pod as a whole, whatever part of it the process is.
fn whole(owner: &Owner) -> Box<OwnerKey> {
    let mut owner = owner.clone();
    match &mut owner {
        Owner::Pod {
            container, part, ..
        } => {
            *container = None;
            *part = PodPart::Container;
        }
        Owner::Container { inner_unit, .. } => *inner_unit = None,
        Owner::Host | Owner::Unit { .. } => {}
    }
    Box::new(OwnerKey(owner))
}
