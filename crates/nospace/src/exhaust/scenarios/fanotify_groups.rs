use nospace_bpf::take::Group;
use nospace_core::cause::Cause;
use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Headroom, OneByOne, Target, descriptors, namespaces};

const LIMIT: &str = "user/max_fanotify_groups";

pub const SCENARIO: Scenario = Scenario {
    target: Target::FanotifyGroups,
    name: "fanotify-groups",
    cause: Cause::Fanotify,
    unit: Unit::Things("group", "groups"),
    what: "the fanotify groups of a private user namespace, where COMMAND runs",
    fails: "fanotify_init fails with EMFILE",
    options: Options {
        limit: Some(LimitOption {
            value: "N",
            help: "How many it may have; they also count against those of its creator",
            default: "16",
            most: 1024,
        }),
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        descriptors::raise_limit(settings.limit);
        namespaces::enter_as_user(UnshareFlags::empty())?;
        namespaces::set(LIMIT, &settings.limit.to_string());
        let limit = namespaces::sysctl(LIMIT, 0)?;
        Ok(Started::new(
            namespaces::subject("user namespace", "user")?,
            OneByOne::new("fanotify_init", Errno::MFILE, Group::new),
            Headroom::exact(limit, limit),
        ))
    }),
};
