use std::rc::Rc;

use anyhow::Context as _;
use nospace_bpf::take::Group;
use nospace_core::cause::Cause;
use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use crate::exhaust::inode::{InodeSource, WatchInode};
use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::{Headroom, OneByOne, Target, descriptors, namespaces};

const LIMIT: &str = "user/max_fanotify_marks";
/// Groups that mark each inode.
const GROUPS: usize = 8;

pub const SCENARIO: Scenario = Scenario {
    target: Target::FanotifyMarks,
    name: "fanotify-marks",
    cause: Cause::Fanotify,
    unit: Unit::Things("mark", "marks"),
    what: "the fanotify marks of a private user namespace, where COMMAND runs",
    fails: "fanotify_mark fails with ENOSPC",
    options: Options {
        limit: Some(LimitOption {
            value: "N",
            help: "How many it may have; they also count against those of its creator",
            default: "1000",
            most: 100_000,
        }),
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        let inodes = settings.limit.div_ceil(GROUPS as u64) + 1;
        descriptors::raise_limit(inodes + GROUPS as u64);
        // The namespace's root may not create any where the host's root may.
        let source = InodeSource::new();
        let inodes = (0..inodes)
            .map(|_| source.make().map(Rc::new))
            .collect::<Result<Vec<_>, _>>()?;
        namespaces::enter_as_user(UnshareFlags::empty())?;
        namespaces::set(LIMIT, &settings.limit.to_string());
        let limit = namespaces::sysctl(LIMIT, 0)?;
        let groups = (0..GROUPS)
            .map(|_| Group::new().map(Rc::new))
            .collect::<Result<Vec<_>, _>>()
            .context("fanotify_init")?;
        let mut number = 0;
        let mark = move || {
            let group = groups.get(number % GROUPS).ok_or(Errno::NOENT)?;
            let inode = inodes.get(number / GROUPS).ok_or(Errno::NOENT)?;
            number += 1;
            Mark::new(group, inode)
        };
        Ok(Started::new(
            namespaces::subject("user namespace", "user")?,
            OneByOne::new("fanotify_mark", Errno::NOSPC, mark),
            Headroom::exact(limit, limit),
        ))
    }),
};

/// One mark. The inode stays as long as its descriptor.
struct Mark {
    group: Rc<Group>,
    inode: Rc<WatchInode>,
}

impl Mark {
    fn new(group: &Rc<Group>, inode: &Rc<WatchInode>) -> Result<Self, Errno> {
        group.mark(inode.descriptor())?;
        Ok(Self {
            group: Rc::clone(group),
            inode: Rc::clone(inode),
        })
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // It goes with the group at the latest.
        let _ = self.group.unmark(self.inode.descriptor());
    }
}
