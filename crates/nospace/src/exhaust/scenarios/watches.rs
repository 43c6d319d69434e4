use nospace_core::cause::Cause;
use nospace_core::model::InotifyResource;

use super::inotify_options;
use crate::exhaust::Target;
use crate::exhaust::scenario::{Scenario, Start, Unit};

pub const SCENARIO: Scenario = Scenario {
    target: Target::Watches,
    name: "watches",
    cause: Cause::InotifyWatches,
    unit: Unit::Things("watch", "watches"),
    what: "a user's inotify watches",
    fails: "inotify_add_watch fails with ENOSPC",
    options: inotify_options(),
    memory: 0,
    start: Start::Inotify(InotifyResource::Watches),
};
