use nospace_core::cause::Cause;

use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{DiskQuota, Target};

pub const SCENARIO: Scenario = Scenario {
    target: Target::DiskQuota,
    name: "disk-quota",
    cause: Cause::DiskQuota,
    unit: Unit::Bytes,
    what: "the project quota of a directory on a private ext4, where COMMAND runs",
    fails: "writing there fails with EDQUOT",
    options: Options {
        limit: Some(LimitOption {
            value: "MIB",
            help: "The quota in MiB; what COMMAND writes there is memory",
            default: "64",
            most: 16 << 10,
        }),
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        let quota = DiskQuota::new(settings.limit << 20)?;
        let headroom = quota.headroom()?;
        Ok(Started::new(quota.place(), quota, headroom))
    }),
};
