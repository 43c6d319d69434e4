use anyhow::Context as _;
use nospace_bpf::take::Key;
use nospace_core::cause::Cause;
use nospace_core::parse::keys::key_user;
use rustix::io::Errno;

use super::AS_NOBODY;
use crate::exhaust::consumer::{Consumer, TakeResult};
use crate::exhaust::scenario::{NO_OPTIONS, Options, Scenario, Start, Started, Unit};
use crate::exhaust::user::EffectiveUser;
use crate::exhaust::{Headroom, OneByOne, Target, namespaces};

const USERS: &str = "/proc/key-users";

pub const SCENARIO: Scenario = Scenario {
    target: Target::Keys,
    name: "keys",
    cause: Cause::Keys,
    unit: Unit::Things("key", "keys"),
    what: "the kernel keys of a user that no process has",
    fails: "add_key fails with EDQUOT",
    options: Options {
        as_uid: Some(AS_NOBODY),
        ..NO_OPTIONS
    },
    memory: 0,
    start: Start::Apart(|settings| {
        let user = EffectiveUser::or_nobody(settings.uid);
        let limit = match user.uid() {
            0 => "kernel/keys/root_maxkeys",
            _ => "kernel/keys/maxkeys",
        };
        let limit = namespaces::sysctl(limit, 0)?;
        let mut numbers = 0..;
        let key = move || Key::new(numbers.next().ok_or(Errno::INVAL)?, b"x");
        let keys = Keys {
            user,
            keys: OneByOne::new("add_key", Errno::DQUOT, key),
        };
        let free = limit.saturating_sub(used(user.uid())?);
        let subject = format!("uid {}", user.uid());
        Ok(Started::new(subject, keys, Headroom::exact(limit, free)))
    }),
};

/// What the user has already.
fn used(uid: u32) -> anyhow::Result<u64> {
    let text = std::fs::read(USERS).context(USERS)?;
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let user = key_user(line).context(USERS)?;
        if user.uid == uid {
            return Ok(user.keys);
        }
    }
    Ok(0)
}

/// Those of one user.
struct Keys {
    user: EffectiveUser,
    keys: OneByOne<Key>,
}

impl Consumer for Keys {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        let Self { user, keys } = self;
        user.during(|| keys.take(count))?
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        let Self { user, keys } = self;
        user.during(|| keys.give_back(count))?
    }

    fn held(&self) -> u64 {
        self.keys.held()
    }

    fn left(&mut self) -> Option<u64> {
        self.keys.left()
    }

    fn release(&mut self) -> anyhow::Result<()> {
        let Self { user, keys } = self;
        user.during(|| keys.release())?
    }
}
