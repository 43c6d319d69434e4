use nospace_bpf::take::SysvObject;
use nospace_core::cause::Cause;

use super::sysv;
use crate::exhaust::Target;
use crate::exhaust::scenario::{Scenario, Start, Unit};

pub const SCENARIO: Scenario = Scenario {
    target: Target::SysvSemaphores,
    name: "sysv-semaphores",
    cause: Cause::SysvSemaphores,
    unit: Unit::Things("set", "sets"),
    what: "System V semaphore sets of a private IPC namespace, where COMMAND runs",
    fails: "semget fails with ENOSPC",
    options: sysv::OPTIONS,
    memory: 0,
    start: Start::Apart(|settings| {
        sysv::start(
            ("kernel/sem", 3),
            format!("250 32000 32 {}", settings.limit),
            "semget",
            || SysvObject::semaphores(1),
        )
    }),
};
