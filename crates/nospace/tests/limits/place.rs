//! Where a limit is used up: by `nospace exhaust`, in a holder's namespaces, or in a cgroup of the host.

use std::process::Command;

use anyhow::{Context as _, ensure};
use nospace_holder::Holder;
use rustix::io::Errno;

use crate::cgroup::Cgroup;
use crate::exhaust::Exhaust;
use crate::support::NOSPACE;

/// Becomes `$@` in namespaces of process `$pid`, where `$inside` are the options of nsenter(1). The program comes through a
/// descriptor, because the user there may not be allowed to walk to it.
const ENTER: &str =
    r#"exec 8<"$program"; exec nsenter --target "$pid" $inside /proc/self/fd/8 "$@""#;

/// A place; what was made for it ends with it.
#[derive(Default)]
pub struct Place {
    holder: Option<Holder>,
    exhaust: Option<Exhaust>,
    /// Options of nsenter(1).
    inside: String,
    /// How nospace looks.
    ways: &'static [&'static str],
    cgroup: Option<Cgroup>,
}

impl Place {
    /// With a holder, started with these arguments, that enters namespaces of these kinds.
    pub fn new(arguments: &[&str], kinds: &[&str]) -> anyhow::Result<Self> {
        let mut holder = Holder::start(arguments)?;
        let mut inside: Vec<String> = kinds.iter().map(|kind| entered(kind)).collect();
        if !kinds.is_empty() {
            holder.tell(&format!("enter {}", kinds.join(" ")))?;
        }
        if arguments.contains(&"--pid-namespace") {
            inside.extend([entered("pid"), entered("mnt")]);
            // nospace runs in the user namespace of a container, if it is one.
            let user = arguments
                .iter()
                .any(|one| one.starts_with("--user-namespace="));
            inside.extend(user.then(|| entered("user")));
        }
        Ok(Self {
            holder: Some(holder),
            inside: inside.join(" "),
            ..Self::default()
        })
    }

    /// Where `nospace exhaust` holds what it has used up, seen from namespaces of these kinds that it is in.
    pub fn of(exhaust: Exhaust, kinds: &[&str]) -> Self {
        let inside: Vec<String> = kinds.iter().map(|kind| entered(kind)).collect();
        Self {
            exhaust: Some(exhaust),
            inside: inside.join(" "),
            ..Self::default()
        }
    }

    /// nospace gets these options of its own.
    pub fn by(mut self, ways: &'static [&'static str]) -> Self {
        self.ways = ways;
        self
    }

    /// nospace looks from the host.
    pub fn seen_from_host(mut self) -> Self {
        self.inside.clear();
        self
    }

    /// With this cgroup, in which the holder lives if there is one.
    pub fn with(mut self, cgroup: Cgroup) -> Self {
        self.cgroup = Some(cgroup);
        self
    }

    /// The pid of its holder, as the host numbers it.
    pub fn pid(&self) -> anyhow::Result<u32> {
        if let Some(exhaust) = &self.exhaust {
            return Ok(exhaust.pid());
        }
        self.holder.as_ref().context("no holder")?.inner_pid()
    }

    /// Tells the holder something that it must be able to do.
    pub fn tell(&mut self, order: &str) -> anyhow::Result<()> {
        let tried = self.holder.as_mut().context("no holder")?.tell(order)?;
        ensure!(tried.errno.is_none(), "{order}: {tried:?}");
        Ok(())
    }

    /// Has it take of `what` until the kernel refuses with `errno`; how many that were.
    pub fn exhaust(&mut self, what: &str, errno: Errno) -> anyhow::Result<u64> {
        let holder = self.holder.as_mut().context("no holder")?;
        let tried = holder.tell(&format!("exhaust {what}"))?;
        ensure!(
            tried.errno == Some(errno.raw_os_error()),
            "{what}: {tried:?}, and not {errno}"
        );
        Ok(tried.done)
    }

    /// Gives back what was taken; the place stays, unless it is that of `nospace exhaust`.
    pub fn free(&mut self) -> anyhow::Result<()> {
        if let Some(exhaust) = self.exhaust.take() {
            self.inside.clear();
            exhaust.end()?;
        }
        if let Some(cgroup) = &self.cgroup {
            cgroup.empty()?;
        }
        if self.holder.is_some() {
            self.tell("free")?;
        }
        Ok(())
    }

    /// nospace, here.
    pub fn nospace(&self) -> anyhow::Result<Command> {
        let mut nospace = self.command(NOSPACE)?;
        nospace.args(self.ways);
        Ok(nospace)
    }

    /// A program, here.
    pub fn command(&self, program: &str) -> anyhow::Result<Command> {
        if self.inside.is_empty() {
            return Ok(Command::new(program));
        }
        let mut command = Command::new("sh");
        command
            .args(["-c", ENTER, "sh"])
            .env("program", program)
            .env("pid", self.pid()?.to_string())
            .env("inside", &self.inside);
        Ok(command)
    }

    /// Runs a script here, as root of the host, that must succeed.
    pub fn run(&self, script: &str) -> anyhow::Result<()> {
        let output = self.command("/bin/sh")?.args(["-euc", script]).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{script}: {errors}");
        Ok(())
    }
}

fn entered(kind: &str) -> String {
    match kind {
        "mnt" => "--mount".to_owned(),
        kind => format!("--{kind}"),
    }
}
