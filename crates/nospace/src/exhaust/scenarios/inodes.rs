use nospace_core::cause::Cause;

use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Target, Tmpfs, TmpfsResource};

pub const SCENARIO: Scenario = Scenario {
    target: Target::Inodes,
    name: "inodes",
    cause: Cause::DiskInodes,
    unit: Unit::Things("inode", "inodes"),
    what: "inodes on a private tmpfs",
    fails: "creating files there fails with ENOSPC",
    options: Options {
        limit: Some(LimitOption {
            value: "N",
            help: "Number of inodes",
            default: "10000",
            most: 10_000_000,
        }),
        on: true,
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        let tmpfs = Tmpfs::new(TmpfsResource::Inodes, settings.limit, settings.on)?;
        let headroom = tmpfs.headroom()?;
        Ok(Started::new(tmpfs.place(), tmpfs, headroom))
    }),
};
