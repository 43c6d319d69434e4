use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InotifyResource;

/// The inotify limits that are in force, and what sets them at boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: u64,
    /// `fs.inotify.max_user_watches`.
    pub max_user_watches: u64,
    /// `fs.inotify.max_queued_events`: events that one instance may hold unread.
    pub max_queued_events: u64,
    /// Every setting that nospace looks after: live value and boot value.
    pub settings: Vec<Setting>,
}

impl Limits {
    /// `fs.inotify.max_user_instances` or `fs.inotify.max_user_watches`.
    #[must_use]
    pub fn max_user(&self, resource: InotifyResource) -> u64 {
        match resource {
            InotifyResource::Instances => self.max_user_instances,
            InotifyResource::Watches => self.max_user_watches,
        }
    }
}

/// One sysctl.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Dotted name, `fs.inotify.max_user_watches`.
    pub key: String,
    /// What /proc/sys says now.
    pub live: Option<String>,
    /// What the next boot will set, if any file does.
    pub boot: Option<BootValue>,
}

/// The assignment that wins at boot, by the order of sysctl.d(5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootValue {
    /// The value as written.
    pub value: String,
    /// File, as the host sees it.
    pub file: String,
    /// Line in it, from 1.
    pub line: u32,
}
