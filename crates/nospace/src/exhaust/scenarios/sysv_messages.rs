use nospace_bpf::take::SysvObject;
use nospace_core::cause::Cause;

use super::sysv;
use crate::exhaust::Target;
use crate::exhaust::scenario::{Scenario, Start, Unit};

pub const SCENARIO: Scenario = Scenario {
    target: Target::SysvMessages,
    name: "sysv-messages",
    cause: Cause::SysvMessages,
    unit: Unit::Things("queue", "queues"),
    what: "System V message queues of a private IPC namespace, where COMMAND runs",
    fails: "msgget fails with ENOSPC",
    options: sysv::OPTIONS,
    memory: 0,
    start: Start::Apart(|settings| {
        sysv::start(
            ("kernel/msgmni", 0),
            settings.limit.to_string(),
            "msgget",
            SysvObject::queue,
        )
    }),
};
