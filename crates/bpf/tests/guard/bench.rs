//! Cgroups, processes in them, and the kernel's own count.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nospace_bpf::accounting::AccountingReader;
use nospace_bpf::guard::{Both, Guard, Hooks, Mode, Policy};
use rustix::mount::{MountFlags, mount};

use crate::common::{Outcome, same};

pub const WATCHES: u64 = 1000;
pub const INSTANCES: u64 = 128;
pub const RESERVE: Both<u64> = Both {
    watches: 100,
    instances: 20,
};
/// More than any case watches.
const FILES: usize = 3300;

pub struct Bench {
    pub hooks: Hooks,
    pub accounting: AccountingReader,
    pub cgroups: PathBuf,
    pub files: tempfile::TempDir,
}

impl Bench {
    pub fn new(hooks: Hooks) -> Outcome<Self> {
        let files = tempfile::tempdir()?;
        for n in 0..FILES {
            fs::write(files.path().join(n.to_string()), "")?;
        }
        let cgroups = PathBuf::from("/tmp/cgroup");
        if !cgroups.exists() {
            fs::create_dir(&cgroups)?;
            mount("cgroup", &cgroups, "cgroup2", MountFlags::empty(), None)?;
        }
        let bench = Self {
            hooks,
            accounting: AccountingReader::load()?,
            cgroups,
            files,
        };
        for path in [
            "system.slice",
            "kubepods/burstable/a/1",
            "kubepods/burstable/b/1",
            "kubepods/c",
        ] {
            fs::create_dir_all(bench.cgroups.join(path))?;
        }
        Ok(bench)
    }

    /// Puts the limits back, and has a guard that enforces them.
    pub fn guard(&mut self) -> Outcome<Guard> {
        set_limits(WATCHES, INSTANCES)?;
        let mut guard = Guard::start(self.hooks, &mut self.accounting)?;
        guard.set_policies(&self.policies([])?)?;
        guard.set_reserve(RESERVE);
        guard.set_mode(Mode::Enforce);
        Ok(guard)
    }

    /// The kubelet's directories hold pods; those of `exempt` may use all.
    pub fn policies<const N: usize>(&self, exempt: [&str; N]) -> Outcome<BTreeMap<u64, Policy>> {
        let mut policies = BTreeMap::new();
        for pods in ["kubepods", "kubepods/burstable"] {
            policies.insert(self.id(pods)?, Policy::Pods);
        }
        for path in exempt {
            policies.insert(self.id(path)?, Policy::Exempt);
        }
        Ok(policies)
    }

    pub fn id(&self, cgroup: &str) -> Outcome<u64> {
        Ok(fs::metadata(self.cgroups.join(cgroup))?.ino())
    }

    /// A process in this cgroup, with an instance.
    pub fn process(&self, cgroup: &str) -> Outcome<Pod> {
        let mut pod = Pod::start(self.files.path())?;
        let procs = self.cgroups.join(cgroup).join("cgroup.procs");
        fs::write(procs, pod.child.id().to_string())?;
        same("open", pod.ask("open")?.as_str(), "ok")?;
        Ok(pod)
    }

    pub fn pod(&self) -> Outcome<Pod> {
        self.process("kubepods/burstable/a/1")
    }

    /// Watches and instances of root, by the kernel's accounting.
    pub fn used(&mut self) -> Outcome<(u64, u64)> {
        let now = self.accounting.read()?;
        let root = now
            .users
            .iter()
            .find(|user| user.key.uid == 0 && user.draws_on.is_none());
        Ok(root.map_or((0, 0), |root| (root.watches.used, root.instances.used)))
    }
}

pub fn set_limits(watches: u64, instances: u64) -> Outcome<()> {
    fs::write("/proc/sys/fs/inotify/max_user_watches", watches.to_string())?;
    Ok(fs::write(
        "/proc/sys/fs/inotify/max_user_instances",
        instances.to_string(),
    )?)
}

/// The other side of pod.rs.
pub struct Pod {
    child: Child,
}

impl Pod {
    fn start(files: &Path) -> Outcome<Self> {
        let child = Command::new("/proc/self/exe")
            .arg("pod")
            .arg(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut pod = Self { child };
        same("the pod's answer", pod.line()?.as_str(), "ready")?;
        Ok(pod)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn ask(&mut self, line: &str) -> Outcome<String> {
        let stdin = self.child.stdin.as_mut().ok_or("no stdin")?;
        writeln!(stdin, "{line}")?;
        self.line()
    }

    /// Asks, and compares the answer.
    pub fn must(&mut self, line: &str, answer: &str) -> Outcome<()> {
        same(line, self.ask(line)?.as_str(), answer)
    }

    /// Asks for what ends in an error, and compares that.
    pub fn until(&mut self, line: &str, error: &str) -> Outcome<()> {
        let answer = self.ask(line)?;
        same(line, answer.split(' ').nth(1), Some(error))
    }

    fn line(&mut self) -> Outcome<String> {
        let stdout = self.child.stdout.as_mut().ok_or("no stdout")?;
        let mut line = String::new();
        BufReader::with_capacity(1, stdout).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
