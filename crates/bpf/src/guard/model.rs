use std::ffi::CStr;
use std::time::Duration;

/// What is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Inotify watches (`fs.inotify.max_user_watches`).
    Watches,
    /// Inotify instances (`fs.inotify.max_user_instances`).
    Instances,
}

impl Resource {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Watches, Self::Instances];
}

/// A value for each resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both<T> {
    /// Of watches.
    pub watches: T,
    /// Of instances.
    pub instances: T,
}

impl<T> Both<T> {
    /// That of one resource.
    pub fn of(&self, resource: Resource) -> &T {
        match resource {
            Resource::Watches => &self.watches,
            Resource::Instances => &self.instances,
        }
    }

    /// From a function of the resource.
    pub fn from_fn(mut value: impl FnMut(Resource) -> T) -> Self {
        Self {
            watches: value(Resource::Watches),
            instances: value(Resource::Instances),
        }
    }
}

/// What the guard does with a pod's call that would cut into the reserve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    #[default]
    Off,
    /// It counts and reports the call.
    Shadow,
    /// It refuses the call as the kernel does at the limit: ENOSPC for a watch, EMFILE for an instance.
    Enforce,
}

/// What holds for a cgroup, and for those below it that have no policy of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The cgroups right below it are pods, which may not cut into the reserve.
    Pods,
    /// May use everything, as may cgroups without a policy.
    Exempt,
}

/// Calls since the start that would have cut into the reserve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those refused.
    pub refused: Both<u64>,
    /// Those let through in shadow mode.
    pub would_refuse: Both<u64>,
}

/// A call that would have cut into the reserve. At most one a second is reported for each pod and resource; [`Counts`] has all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtLine {
    /// What the call asked for.
    pub resource: Resource,
    /// Whether it was refused.
    pub refused: bool,
    /// The calling process, as the initial pid namespace numbers it.
    pub pid: u32,
    /// Name of the thread: unescaped, at most 15 bytes.
    pub comm: Vec<u8>,
    /// Id of the pod's cgroup.
    pub pod: u64,
    /// What root had in use.
    pub used: u64,
    /// The kernel's limit.
    pub limit: u64,
}

/// A self-test that found nothing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelfTest {
    /// Each hook refused the guard's own call, having read the same figures as the kernel's accounting.
    Passed,
    /// Something could not be tested this time: what, and why.
    Inconclusive(String),
}

/// Name of the thread that guards or probes: a trace takes no other thread's calls for self-tests.
pub const SELF_TEST_THREAD: &CStr = c"nospace-guard";

/// What a guard at work says of itself, to every nospace on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningGuard {
    /// Its process, as the initial pid namespace numbers it.
    pub pid: u32,
    /// Never [`Mode::Off`].
    pub mode: Mode,
    /// What is kept, before half of the limit bounds it; `None` where a resource is not guarded.
    pub reserve: Both<Option<u64>>,
    /// Time since the self-test's call last reached the program, of what is guarded.
    pub tested: Both<Option<Duration>>,
    /// Who may use all.
    pub exempt: ExemptList,
}

/// Who may use all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExemptList {
    /// Kubernetes namespaces, and cgroups below the root of their hierarchy, which begin with a slash.
    pub names: Vec<String>,
    /// There are more than the guard could say.
    pub has_more: bool,
}

/// What was found of a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundGuard {
    /// What it says.
    Running(RunningGuard),
    /// It is of a nospace that says it in another way; its version of that.
    OtherVersion(u32),
    /// It cannot be read.
    Malformed,
}

/// What a self-test found wrong: a guard that may be wrong must refuse nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Doubt(pub String);
