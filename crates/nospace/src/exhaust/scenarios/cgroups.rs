use nospace_core::cause::Cause;

use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Cgroups, Target};

pub const SCENARIO: Scenario = Scenario {
    target: Target::Cgroups,
    name: "cgroups",
    cause: Cause::CgroupLimit,
    unit: Unit::Things("cgroup", "cgroups"),
    what: "cgroups below a private one",
    fails: "mkdir there fails with EAGAIN (v2) or ENOSPC (v1)",
    options: Options {
        limit: Some(LimitOption {
            value: "N",
            help: "Cgroup v2: how many are allowed. Cgroup v1: how many to create, of the kernel's 65,535",
            default: "1000",
            most: u64::MAX,
        }),
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        let consumer = Cgroups::new(settings.limit)?;
        let headroom = consumer.headroom();
        let started = Started::new(consumer.place(), consumer, headroom);
        Ok(Started {
            // Without a limit of their own they are everybody's: not all of them unless that is asked for.
            leave: headroom.free.saturating_sub(settings.limit),
            ..started
        })
    }),
};
