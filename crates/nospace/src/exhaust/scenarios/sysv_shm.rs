use nospace_bpf::take::SysvObject;
use nospace_core::cause::Cause;

use super::sysv;
use crate::exhaust::Target;
use crate::exhaust::scenario::{Scenario, Start, Unit};

pub const SCENARIO: Scenario = Scenario {
    target: Target::SysvShm,
    name: "sysv-shm",
    cause: Cause::SysvShm,
    unit: Unit::Things("segment", "segments"),
    what: "System V shared memory segments of a private IPC namespace, where COMMAND runs",
    fails: "shmget fails with ENOSPC",
    options: sysv::OPTIONS,
    memory: 0,
    start: Start::Apart(|settings| {
        sysv::start(
            ("kernel/shmmni", 0),
            settings.limit.to_string(),
            "shmget",
            || SysvObject::segment(4096),
        )
    }),
};
