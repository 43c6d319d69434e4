use nospace_bpf::guard::Outcome;
use nospace_core::model::InotifyResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of [`GuardProbe`].
pub const SCHEMA_VERSION: u32 = 1;

/// What `nospace guard --probe` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardProbe {
    /// Version of this document.
    pub schema_version: u32,
    /// Release of the kernel (`uname -r`).
    pub kernel: String,
    /// Why nothing could be tried, and what to do; null where the hooks were tried.
    pub obstacle: Option<String>,
    /// Watches and instances.
    pub resources: Vec<GuardableResource>,
    /// All hooks; for each resource, the cheapest first. Empty where nothing could be tried.
    pub hooks: Vec<TriedHook>,
    /// Whether a task can lose the CPU while it runs in the kernel; null where the kernel does not say, or nothing could be tried.
    pub preemptible: Option<bool>,
    /// How that was found out, or why it is unknown; null where it does not, or nothing could be tried.
    pub preemption_note: Option<String>,
    /// The active security modules; null where /sys/kernel/security/lsm is not readable.
    pub security_modules: Option<Vec<String>>,
}

impl GuardProbe {
    /// Whether a reserve of this resource can be kept.
    #[must_use]
    pub fn can_enforce(&self, resource: InotifyResource) -> bool {
        let is = |one: &GuardableResource| {
            one.resource == resource && one.verdict == ReserveVerdict::Enforce
        };
        self.resources.iter().any(is)
    }

    /// Whether everything was tried that decides what a guard could do.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        let known = |one: &GuardableResource| one.verdict != ReserveVerdict::Unknown;
        self.resources.iter().all(known)
    }

    /// Whether a reserve of both resources can be kept.
    #[must_use]
    pub fn can_enforce_all(&self) -> bool {
        let mut both = InotifyResource::BOTH.into_iter();
        both.all(|resource| self.can_enforce(resource))
    }
}

/// What a guard could do for a resource on this kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardableResource {
    /// The resource.
    pub resource: InotifyResource,
    /// What a guard could do.
    pub verdict: ReserveVerdict,
    /// The hook that it would take; null for `none` and `unknown`.
    pub hook: Option<String>,
    /// Why it could not enforce a reserve; null for `enforce`.
    pub reason: Option<String>,
    /// The hook's program would run for every file that any process opens.
    pub runs_for_every_file: bool,
}

/// What a guard could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReserveVerdict {
    /// Keep a reserve: refuse calls of pods that would cut into it.
    Enforce,
    /// Only count such calls: some would get past the hook.
    Shadow,
    /// Nothing.
    None,
    /// It could not be tried.
    Unknown,
}

/// What became of the self-test on one hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriedHook {
    /// Type of the program, and the function.
    pub hook: String,
    /// What it could refuse.
    pub resource: InotifyResource,
    /// What it did.
    pub outcome: Outcome,
    /// Why, and what would change that; null for `works`.
    pub reason: Option<String>,
}
