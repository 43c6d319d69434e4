use anyhow::Context as _;
use nospace_core::parse::passwd;
use rustix::process::{Uid, geteuid};
use rustix::thread::set_thread_res_uid;

/// uids from here on are in no range that distributions, systemd or container runtimes give out.
const NOBODYS: u32 = 2_000_000_000;

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

    /// The user `uid`, or else one that no machine has: what it uses up, nobody misses.
    #[must_use]
    pub fn or_nobody(uid: Option<u32>) -> Self {
        Self::new(Some(uid.unwrap_or(NOBODYS + std::process::id())))
    }

    /// The uid of a user in /etc/passwd, as nospace's own user namespace numbers it.
    ///
    /// # Errors
    ///
    /// In words: no user has that name.
    pub fn uid_of(name: &str) -> Result<u32, String> {
        let users = std::fs::read("/etc/passwd")
            .map_err(|why| format!("cannot read /etc/passwd: {why}; give the uid"))?;
        passwd::uid(&users, name).ok_or_else(|| {
            "/etc/passwd has no such user; for one that is defined elsewhere, such as in LDAP, give the uid (`id -u`)"
                .to_owned()
        })
    }

    /// Its uid.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    /// Becomes this user, for the thread that calls, while `work` is done: the kernel charges an instance or a key to the
    /// effective uid that made it, for life.
    ///
    /// # Errors
    ///
    /// It may not become this user.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> anyhow::Result<T> {
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
