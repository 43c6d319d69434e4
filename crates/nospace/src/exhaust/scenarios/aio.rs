use anyhow::Context as _;
use nospace_bpf::take::AioContext;
use nospace_core::cause::Cause;
use rustix::io::Errno;

use crate::exhaust::consumer::{Consumer, TakeResult};
use crate::exhaust::scenario::{NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Headroom, Target, namespaces};

/// The part of the limit that is left without a request: 1/25, so that `check` calls it critical and other programs still start.
const MARGIN: u64 = 25;

pub const SCENARIO: Scenario = Scenario {
    target: Target::Aio,
    name: "aio",
    cause: Cause::Aio,
    unit: Unit::Things("request", "requests"),
    what: "asynchronous I/O requests of the node (fs.aio-max-nr), but for 4 %",
    fails: "io_setup fails with EAGAIN",
    options: Options {
        yes_break_this_node: Some(
            "Allow leaving less than 4 % to the other processes of this machine",
        ),
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|_| {
        let limit = namespaces::sysctl("fs/aio-max-nr", 0)?;
        let free = left().context("cannot read fs.aio-nr")?;
        let subject = "this node (fs.aio-max-nr)";
        let started = Started::new(subject, Aio::default(), Headroom::exact(limit, free));
        Ok(Started {
            leave: limit.div_ceil(MARGIN),
            ..started
        })
    }),
};

fn left() -> Option<u64> {
    let limit = namespaces::sysctl("fs/aio-max-nr", 0).ok()?;
    Some(limit.saturating_sub(namespaces::sysctl("fs/aio-nr", 0).ok()?))
}

/// Contexts that reserve many requests each.
#[derive(Default)]
struct Aio(Vec<AioContext>);

impl Consumer for Aio {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        let answer = |count, refusal| Ok(TakeResult { count, refusal });
        match AioContext::new(u32::try_from(count)?) {
            Ok(context) => self.0.push(context),
            Err(Errno::AGAIN) => return answer(0, Some(Errno::AGAIN)),
            Err(errno) => return Err(errno).context("io_setup"),
        }
        answer(count, None)
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        let keep = self.held().saturating_sub(count);
        while self.held() > keep {
            self.0.pop();
        }
        if self.held() < keep {
            self.take(keep - self.held())?;
        }
        Ok(())
    }

    fn held(&self) -> u64 {
        self.0
            .iter()
            .map(|context| u64::from(context.requests()))
            .sum()
    }

    fn left(&mut self) -> Option<u64> {
        left()
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.0.clear();
        Ok(())
    }
}
