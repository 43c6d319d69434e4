//! Calls that the guard must refuse: nospace's own.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init, remove_watch};
use rustix::io::Errno;

use super::attachment::Attachment;
use super::hook::Hook;
use super::model::Resource;
use crate::skeleton::guard::types::guard_seen;

/// Calls of a self-test on a hook whose program the kernel sometimes skips.
const TRIES: usize = 10;

/// An instance of this process: the self-test of watches needs one, and it keeps root's counters in the kernel where they are.
pub struct Canary(OwnedFd);

/// What became of a call that was to be refused.
pub enum Seen {
    /// The program ran, and the call failed as it wanted.
    Refused(guard_seen),
    /// The call succeeded; whether the program ran.
    Allowed { ran: bool },
    /// The call failed without the program, or with another error.
    Failed(io::Error),
}

impl Canary {
    /// Takes an instance.
    pub fn new() -> io::Result<Self> {
        Ok(Self(init(CreateFlags::CLOEXEC)?))
    }

    /// Makes a call that the program on `hook` refuses this thread; again, where the kernel may have skipped the program.
    pub fn call(&self, on: &mut Attachment, hook: Hook) -> Seen {
        let tries = match hook.is_skipped_when_preempted() {
            true => TRIES,
            false => 1,
        };
        let mut seen = self.call_once(on, hook.resource());
        for _ in 1..tries {
            if !matches!(seen, Seen::Allowed { ran: false }) {
                break;
            }
            seen = self.call_once(on, hook.resource());
        }
        seen
    }

    fn call_once(&self, on: &mut Attachment, resource: Resource) -> Seen {
        let (number, errno) = match resource {
            Resource::Watches => (0, Errno::NOSPC),
            Resource::Instances => (1, Errno::MFILE),
        };
        let before = on.seen(number).runs;
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        on.configure(|config| config.canary = thread.cast_unsigned());
        let result = match resource {
            Resource::Watches => self.watch(),
            Resource::Instances => init(CreateFlags::CLOEXEC).map(drop),
        };
        on.configure(|config| config.canary = 0);
        let seen = on.seen(number);
        let ran = seen.runs > before;
        match result {
            Ok(()) => Seen::Allowed { ran },
            Err(error) if error == errno && ran => Seen::Refused(seen),
            Err(error) => Seen::Failed(error.into()),
        }
    }

    fn watch(&self) -> Result<(), Errno> {
        let watch = add_watch(&self.0, "/", WatchFlags::DELETE_SELF)?;
        remove_watch(&self.0, watch)
    }
}
