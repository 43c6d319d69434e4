use nospace_bpf::take::MessageQueue;
use nospace_core::cause::Cause;
use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Headroom, OneByOne, Target, namespaces};

const LIMIT: &str = "fs/mqueue/queues_max";
/// Bytes of a queue's only message: so little that RLIMIT_MSGQUEUE does not matter.
const MESSAGE: i64 = 8;

pub const SCENARIO: Scenario = Scenario {
    target: Target::PosixMqueue,
    name: "posix-mqueue",
    cause: Cause::PosixMqueue,
    unit: Unit::Things("queue", "queues"),
    what: "POSIX message queues of a private IPC namespace, where COMMAND runs",
    fails: "mq_open fails with ENOSPC",
    options: Options {
        limit: Some(LimitOption {
            value: "N",
            help: "How many it may have; without rights to set that, 256",
            default: "100",
            most: 1024,
        }),
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        // Root of the node may exceed the limit.
        namespaces::enter_as_user(UnshareFlags::NEWIPC)?;
        namespaces::set(LIMIT, &settings.limit.to_string());
        let limit = namespaces::sysctl(LIMIT, 0)?;
        let mut numbers = 0..;
        let queue = move || MessageQueue::new(numbers.next().ok_or(Errno::INVAL)?, MESSAGE);
        Ok(Started::new(
            namespaces::subject("IPC namespace", "ipc")?,
            OneByOne::new("mq_open", Errno::NOSPC, queue),
            Headroom::exact(limit, limit),
        ))
    }),
};
