use nospace_core::cause::Cause;

use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Target, Tmpfs, TmpfsResource};

pub const SCENARIO: Scenario = Scenario {
    target: Target::Blocks,
    name: "blocks",
    cause: Cause::DiskBlocks,
    unit: Unit::Bytes,
    what: "space on a private tmpfs",
    fails: "writing there fails with ENOSPC",
    options: Options {
        limit: Some(LimitOption {
            value: "MIB",
            help: "Size in MiB; this is memory",
            default: "64",
            most: 1 << 20,
        }),
        on: true,
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        let tmpfs = Tmpfs::new(TmpfsResource::Blocks, settings.limit << 20, settings.on)?;
        let headroom = tmpfs.headroom()?;
        Ok(Started::new(tmpfs.place(), tmpfs, headroom))
    }),
};
