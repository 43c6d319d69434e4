//! nospace still answers when what it needs is used up, missing, hidden, hanging or hostile.
//!
//! Whatever a test changes lives in namespaces that end with it.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

#[path = "../support/mod.rs"]
mod support;

mod cgroup;
mod exhausted;
mod guests;
mod hanging;
mod hidden;
mod hostile;
mod quiet;
mod script;

use std::process::ExitCode;

use support::{WAYS, test};

/// A condition, to be held with these options of nospace.
type Condition = fn(&str) -> anyhow::Result<()>;

const CONDITIONS: [(&str, Condition); 19] = [
    ("inotify used up", exhausted::inotify),
    ("32 descriptors", exhausted::descriptors),
    ("root file system full", exhausted::disk),
    ("System V limits used up", exhausted::sysv),
    ("no pid left for the user", exhausted::pids_of_user),
    ("no pid left in the cgroup", exhausted::pids_of_cgroup),
    ("as nobody", hidden::nobody),
    ("hidepid", hidden::hidepid),
    ("a file system out of reach", hidden::behind),
    ("no sysfs", hidden::no_sysfs),
    ("processes come and go", hostile::storm),
    ("100,000 descriptors", hostile::many_descriptors),
    ("hostile process name", hostile::comm),
    ("hostile cgroup name", hostile::cgroup),
    ("guests", guests::guests),
    ("a state directory of one's own", guests::own_state),
    ("in a pod", guests::pod),
    ("hanging mounts", hanging::mounts),
    ("no inotify, no writes", quiet::system_calls),
];

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    let mut tests = Vec::new();
    for way in WAYS {
        for (name, condition) in CONDITIONS {
            tests.push(test(name, move || condition(way)).with_kind(way));
        }
    }
    support::run(tests)
}
