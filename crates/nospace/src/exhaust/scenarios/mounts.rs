use nospace_core::cause::Cause;

use crate::exhaust::namespaces;
use crate::exhaust::scenario::{NO_OPTIONS, Scenario, Start, Started, Unit};
use crate::exhaust::{Mounts, Target};

pub const SCENARIO: Scenario = Scenario {
    target: Target::Mounts,
    name: "mounts",
    cause: Cause::MountLimit,
    unit: Unit::Things("mount", "mounts"),
    what: "mounts in a private mount namespace, where COMMAND runs",
    fails: "mount fails with ENOSPC",
    options: NO_OPTIONS,
    memory: 0,
    start: Start::Apart(|_| {
        let consumer = Mounts::new()?;
        let headroom = consumer.headroom()?;
        let subject = namespaces::subject("mount namespace", "mnt")?;
        Ok(Started::new(subject, consumer, headroom))
    }),
};
