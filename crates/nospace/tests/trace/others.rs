//! Calls other than inotify's, refused for real, each in a namespace or as a user of its own.

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_holder::Holder;
use rustix::io::Errno;

use crate::tracing::Tracing;

/// A call that is refused: the holder's order, whether it needs a user namespace, and what must be reported.
pub struct Refused {
    kind: &'static str,
    namespace: bool,
    call: &'static str,
    error: Errno,
    word: &'static str,
    cause: Cause,
    path: Option<&'static str>,
}

/// Without epoll_ctl, whose limit is the host's alone: tests/vm/cli.sh has a kernel of its own for that.
pub const ALL: [Refused; 10] = [
    of("mount", "mount", Errno::NOSPC, "ENOSPC", Cause::MountLimit).at("/tmp/inner"),
    of(
        "inodes",
        "mkdirat",
        Errno::NOSPC,
        "ENOSPC",
        Cause::DiskSpace,
    )
    .at("/tmp/"),
    of(
        "cgroup",
        "mkdirat",
        Errno::AGAIN,
        "EAGAIN",
        Cause::CgroupLimit,
    )
    .at("/sys/fs/cgroup/"),
    of(
        "unshare",
        "unshare",
        Errno::NOSPC,
        "ENOSPC",
        Cause::NamespaceLimit,
    )
    .below(),
    of(
        "clone-namespace",
        "clone",
        Errno::NOSPC,
        "ENOSPC",
        Cause::NamespaceLimit,
    )
    .below(),
    of("fork", "clone", Errno::AGAIN, "EAGAIN", Cause::Pids).below(),
    of("keys", "add_key", Errno::DQUOT, "EDQUOT", Cause::Keys)
        .below()
        .at("nospace-"),
    of("keyrings", "keyctl", Errno::DQUOT, "EDQUOT", Cause::Keys).below(),
    of(
        "semaphores",
        "semget",
        Errno::NOSPC,
        "ENOSPC",
        Cause::SysvSemaphores,
    ),
    of(
        "shared-memory",
        "shmget",
        Errno::NOSPC,
        "ENOSPC",
        Cause::SysvShm,
    ),
];

const fn of(
    kind: &'static str,
    call: &'static str,
    error: Errno,
    word: &'static str,
    cause: Cause,
) -> Refused {
    Refused {
        kind,
        namespace: false,
        call,
        error,
        word,
        cause,
        path: None,
    }
}

impl Refused {
    /// Its path begins so.
    const fn at(mut self, path: &'static str) -> Self {
        self.path = Some(path);
        self
    }

    /// In a user namespace with limits of its own.
    const fn below(mut self) -> Self {
        self.namespace = true;
        self
    }

    /// Name of the test.
    pub fn name(&self) -> String {
        format!("{} refused", self.kind)
    }

    /// Exactly the refusals that the holder counts are reported, each with its cause.
    pub fn check(&self, uid: u32) -> anyhow::Result<()> {
        const NUMBER: u64 = 3;
        let namespace = format!("--user-namespace={uid}");
        let mut holder = match self.namespace {
            true => Holder::start(&[&namespace])?,
            false => Holder::start::<&str>(&[])?,
        };
        let pid = holder.pid().to_string();
        let tracing = Tracing::start(&["-o", "json", "--failed", "--pid", &pid])?;
        let tried = holder.tell(&format!("refuse {} {NUMBER}", self.kind))?;
        let said = tracing.end()?;
        ensure!(tried.errno == Some(self.error.raw_os_error()), "{tried:?}");
        ensure!(said.summary()?.lost == 0, "{said:?}");
        let of_it = said.calls.iter().filter(|call| call.call == self.call);
        ensure!(of_it.count() as u64 == NUMBER, "{said:?}");
        let call = said.calls.last().context("no call")?;
        ensure!(
            (call.error.as_deref(), call.cause) == (Some(self.word), Some(self.cause)),
            "{call:?}"
        );
        let begins = |begin| call.path.as_ref().is_some_and(|p| p.starts_with(begin));
        ensure!(self.path.is_none_or(begins), "{call:?}");
        ensure!(call.owner.is_some() && call.pid == holder.pid(), "{call:?}");
        Ok(())
    }
}
