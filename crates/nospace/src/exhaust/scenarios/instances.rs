use nospace_core::cause::Cause;
use nospace_core::model::InotifyResource;

use super::inotify_options;
use crate::exhaust::Target;
use crate::exhaust::scenario::{Scenario, Start, Unit};

pub const SCENARIO: Scenario = Scenario {
    target: Target::Instances,
    name: "instances",
    cause: Cause::InotifyInstances,
    unit: Unit::Things("instance", "instances"),
    what: "a user's inotify instances",
    fails: "inotify_init fails with EMFILE",
    options: inotify_options(),
    memory: 0,
    start: Start::Inotify(InotifyResource::Instances),
};
