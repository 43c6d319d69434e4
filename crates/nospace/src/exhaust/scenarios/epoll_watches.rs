use anyhow::Context as _;
use nospace_core::cause::Cause;
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::AS_NOBODY;
use crate::exhaust::consumer::{Consumer, TakeResult};
use crate::exhaust::scenario::{NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::user::EffectiveUser;
use crate::exhaust::{Headroom, Remote, Target, descriptors, namespaces};

/// Descriptors that each epoll instance watches.
const EACH: u64 = 2048;

pub const SCENARIO: Scenario = Scenario {
    target: Target::EpollWatches,
    name: "epoll-watches",
    cause: Cause::EpollWatches,
    unit: Unit::Things("watch", "watches"),
    what: "the epoll watches of a user that no process has",
    fails: "epoll_ctl fails with ENOSPC",
    options: Options {
        as_uid: Some(AS_NOBODY),
        ..NO_OPTIONS
    },
    // `struct epitem` and `struct eppoll_entry` (fs/eventpoll.c).
    memory: 200,
    start: Start::Apart(|settings| {
        let user = EffectiveUser::or_nobody(settings.uid);
        let limit = namespaces::sysctl("fs/epoll/max_user_watches", 0)?;
        descriptors::raise_limit(limit.div_ceil(EACH) + EACH);
        // A process that is wholly this user's: the kernel charges the real uid, and nospace looks for it among processes.
        let process = Remote::start(SCENARIO.name, Some(user.uid()))?;
        let subject = format!("uid {}", user.uid());
        let headroom = Headroom::exact(limit, limit);
        Ok(Started::new(subject, process, headroom))
    }),
};

/// What that process holds.
pub fn held() -> anyhow::Result<Box<dyn Consumer>> {
    let watched = (0..EACH)
        .map(|_| eventfd(0, EventfdFlags::CLOEXEC))
        .collect::<Result<Vec<_>, _>>()
        .context("eventfd")?;
    Ok(Box::new(EpollWatches {
        watched,
        instances: Vec::new(),
        held: 0,
        most: None,
    }))
}

/// Each instance watches every descriptor, before the next does.
struct EpollWatches {
    watched: Vec<OwnedFd>,
    instances: Vec<OwnedFd>,
    held: u64,
    most: Option<u64>,
}

impl EpollWatches {
    fn one(&mut self) -> anyhow::Result<Result<(), Errno>> {
        let (instance, watched) = place(self.held)?;
        if instance == self.instances.len() {
            match epoll::create(epoll::CreateFlags::CLOEXEC) {
                Ok(made) => self.instances.push(made),
                Err(Errno::MFILE) => return Err(descriptors::too_few()),
                Err(errno) => return Err(errno).context("epoll_create1"),
            }
        }
        let (data, flags) = (epoll::EventData::new_u64(0), epoll::EventFlags::IN);
        let (instance, watched) = (&self.instances[instance], &self.watched[watched]);
        Ok(epoll::add(instance, watched, data, flags))
    }
}

/// Of the watch with this number: its instance, and what that watches.
fn place(number: u64) -> anyhow::Result<(usize, usize)> {
    Ok((
        usize::try_from(number / EACH)?,
        usize::try_from(number % EACH)?,
    ))
}

impl Consumer for EpollWatches {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        for done in 0..count {
            match self.one()? {
                Ok(()) => self.held += 1,
                Err(Errno::NOSPC) => {
                    self.most = Some(self.held);
                    return Ok(TakeResult {
                        count: done,
                        refusal: Some(Errno::NOSPC),
                    });
                }
                Err(errno) => return Err(errno).context("epoll_ctl"),
            }
        }
        Ok(TakeResult {
            count,
            refusal: None,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        for _ in 0..count.min(self.held) {
            let (instance, watched) = place(self.held - 1)?;
            epoll::delete(&self.instances[instance], &self.watched[watched])?;
            self.held -= 1;
        }
        Ok(())
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn left(&mut self) -> Option<u64> {
        Some(self.most?.saturating_sub(self.held))
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.instances.clear();
        self.held = 0;
        Ok(())
    }
}
