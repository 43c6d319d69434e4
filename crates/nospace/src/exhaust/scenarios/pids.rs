use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

use nospace_core::cause::Cause;
use rustix::io::Errno;

use crate::exhaust::cgroups::PidsCgroup;
use crate::exhaust::consumer::{Consumer, TakeResult};
use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Headroom, OneByOne, Remote, Target};

/// Bytes of a thread's stack: it only waits.
const STACK: usize = 16 << 10;

pub const SCENARIO: Scenario = Scenario {
    target: Target::Pids,
    name: "pids",
    cause: Cause::Pids,
    unit: Unit::Things("thread", "threads"),
    what: "processes and threads of a private cgroup (pids.max)",
    fails: "fork there fails with EAGAIN",
    options: Options {
        limit: Some(LimitOption {
            value: "N",
            help: "How many it may have; they also count against the node's kernel.pid_max",
            default: "100",
            most: 4096,
        }),
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        let cgroup = PidsCgroup::new(settings.limit)?;
        let process = Remote::start(SCENARIO.name, None)?;
        cgroup.admit(process.pid())?;
        // The process itself is one.
        let headroom = Headroom::exact(settings.limit, settings.limit.saturating_sub(1));
        let subject = cgroup.place();
        Ok(Started::new(subject, Pids { process, cgroup }, headroom))
    }),
};

/// A process with many threads, in a cgroup.
struct Pids {
    process: Remote,
    cgroup: PidsCgroup,
}

impl Consumer for Pids {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        self.process.take(count)
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        self.process.give_back(count)
    }

    fn held(&self) -> u64 {
        self.process.held()
    }

    fn left(&mut self) -> Option<u64> {
        self.process.left()
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.process.release()?;
        self.cgroup.release()
    }
}

/// What that process holds.
pub fn held() -> anyhow::Result<Box<dyn Consumer>> {
    Ok(Box::new(OneByOne::new(
        "clone",
        Errno::AGAIN,
        Waiting::start,
    )))
}

/// A thread that waits for its end.
struct Waiting {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    fn start() -> Result<Self, Errno> {
        let (end, ended) = channel();
        let wait = move || {
            // Nothing is ever sent: the other side is dropped.
            let _ = ended.recv();
        };
        let thread = Builder::new().stack_size(STACK).spawn(wait);
        let thread = thread.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        Ok(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}
