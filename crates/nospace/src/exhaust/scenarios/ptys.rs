use std::fs::File;

use nospace_core::cause::Cause;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mount::MountFlags;

use crate::exhaust::cleanup::own_name;
use crate::exhaust::consumer::{Consumer, TakeResult};
use crate::exhaust::place::MountPlace;
use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Headroom, OneByOne, Target, descriptors};

pub const SCENARIO: Scenario = Scenario {
    target: Target::Ptys,
    name: "ptys",
    cause: Cause::Ptys,
    unit: Unit::Things("pty", "ptys"),
    what: "pseudoterminals of a private devpts",
    fails: "opening ptmx there fails with ENOSPC",
    options: Options {
        limit: Some(LimitOption {
            value: "N",
            help: "How many it may have; they also count against the node's kernel.pty.max",
            default: "64",
            most: 1024,
        }),
        on: true,
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        descriptors::raise_limit(settings.limit);
        let mut place = MountPlace::new(settings.on)?;
        let options = format!("newinstance,ptmxmode=0666,mode=0620,max={}", settings.limit);
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        place.mount(&own_name(), "devpts", flags, &options)?;
        let subject = place.path().display().to_string();
        let ptmx = place.path().join("ptmx");
        let terminals = OneByOne::new("open of ptmx", Errno::NOSPC, move || {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
            rustix::fs::open(&ptmx, flags, rustix::fs::Mode::empty()).map(File::from)
        });
        let headroom = Headroom::exact(settings.limit, settings.limit);
        Ok(Started::new(subject, Ptys { place, terminals }, headroom))
    }),
};

struct Ptys {
    place: MountPlace,
    terminals: OneByOne<File>,
}

impl Consumer for Ptys {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        self.terminals.take(count)
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        self.terminals.give_back(count)
    }

    fn held(&self) -> u64 {
        self.terminals.held()
    }

    fn left(&mut self) -> Option<u64> {
        self.terminals.left()
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.terminals.release()?;
        self.place.release()
    }
}
