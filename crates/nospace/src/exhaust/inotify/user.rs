use anyhow::Context as _;
use rustix::process::{Uid, geteuid};
use rustix::thread::set_thread_res_uid;

/// Who is charged.
#[derive(Clone, Copy, Debug)]
pub struct EffectiveUser {
    uid: Uid,
    own: Uid,
}

impl EffectiveUser {
    /// The user `uid`, or the one that nospace runs as.
    #[must_use]
    pub fn new(uid: Option<u32>) -> Self {
        let own = geteuid();
        Self {
            uid: uid.map_or(own, Uid::from_raw),
            own,
        }
    }

    /// Its uid.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    /// Becomes this user, for the thread that calls, while `work` is done: the kernel charges an instance to the
    /// effective uid that made it, for life.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> anyhow::Result<T> {
        if self.uid == self.own {
            return Ok(work());
        }
        set_thread_res_uid(None, self.uid, None)
            .with_context(|| format!("cannot switch to uid {}: run as root", self.uid()))?;
        let done = work();
        set_thread_res_uid(None, self.own, None)
            .with_context(|| format!("cannot switch back to uid {}", self.own.as_raw()))?;
        Ok(done)
    }
}
