use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nospace_core::limits::MEMORY_CGROUP_MAX;
use nospace_core::parse::{cgroupfs, mountinfo};
use rustix::io::Errno;

use super::cleanup::{CleanupProcess, Leftover, is_leftover, own_name, remove_leftover};
use super::consumer::{Consumer, TakeResult};
use super::place;
use super::request::Headroom;

/// Empty cgroups below the one that nospace is in.
#[derive(Debug)]
pub struct Cgroups {
    base: PathBuf,
    limit: u64,
    unified: bool,
    held: u64,
    cleanup: CleanupProcess,
}

impl Cgroups {
    /// None yet. With cgroup v2 they get a limit of their own; without it there is only the kernel's, of memory
    /// cgroups, which is everybody's.
    ///
    /// # Errors
    ///
    /// Where there is no cgroup file system, or it cannot be written to.
    pub fn new(limit: u64) -> anyhow::Result<Self> {
        let (parent, unified) = own()?;
        clean(&parent)?;
        let base = parent.join(own_name());
        let mut cleanup = CleanupProcess::start()?;
        cleanup.expect(Leftover::Cgroup, &base)?;
        place::create(&base)?;
        if unified {
            let file = base.join("cgroup.max.descendants");
            fs::write(&file, limit.to_string()).with_context(|| file.display().to_string())?;
        }
        Ok(Self {
            base,
            limit,
            unified,
            held: 0,
            cleanup,
        })
    }

    /// Where they are.
    #[must_use]
    pub fn place(&self) -> String {
        self.base.display().to_string()
    }

    /// What there is before anything is taken.
    #[must_use]
    pub fn headroom(&self) -> Headroom {
        if self.unified {
            return Headroom::exact(self.limit, self.limit);
        }
        Headroom::exact(MEMORY_CGROUP_MAX, memory_cgroups_left().unwrap_or(0))
    }
}

/// The own cgroup's directory, and whether it is of v2.
fn own() -> anyhow::Result<(PathBuf, bool)> {
    match (
        Hierarchy::find("cgroup2", "")?,
        Hierarchy::find("cgroup", "memory")?,
    ) {
        (Some(v2), _) => Ok((v2.own, true)),
        (None, Some(v1)) => Ok((v1.own, false)),
        (None, None) => bail!("neither cgroup v2 nor the memory controller of v1 is mounted here"),
    }
}

/// A cgroup file system.
struct Hierarchy {
    mountpoint: PathBuf,
    /// The directory of nospace's own cgroup.
    own: PathBuf,
}

impl Hierarchy {
    /// Of this type and with this controller, as far as it is mounted here.
    fn find(fstype: &str, controller: &str) -> anyhow::Result<Option<Self>> {
        let mounts = fs::read("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
        let mounts = mountinfo::mounts(&mounts).context("/proc/self/mountinfo")?;
        let own = fs::read_to_string("/proc/self/cgroup").context("/proc/self/cgroup")?;
        let find = || {
            let mount = mounts.iter().find(|mount| {
                let has = |name| mount.super_options.split(',').any(|option| option == name);
                mount.fstype == fstype && (controller.is_empty() || has(controller))
            })?;
            let path = own.lines().find_map(|line| path_of(line, controller))?;
            let below = Path::new(path)
                .strip_prefix(&mount.root)
                .unwrap_or(Path::new(""));
            let mountpoint = PathBuf::from(&mount.mountpoint);
            Some(Self {
                own: mountpoint.join(below),
                mountpoint,
            })
        };
        Ok(find())
    }
}

/// A cgroup with a limit of processes and threads of its own.
#[derive(Debug)]
pub struct PidsCgroup {
    path: PathBuf,
    cleanup: CleanupProcess,
}

impl PidsCgroup {
    /// An empty one, as near to nospace's own as the pids controller can be had: with cgroup v2 not below a cgroup that has processes.
    ///
    /// # Errors
    ///
    /// No cgroup can be made that has a pids.max.
    pub fn new(limit: u64) -> anyhow::Result<Self> {
        let hierarchies = [
            Hierarchy::find("cgroup", "pids")?,
            Hierarchy::find("cgroup2", "")?,
        ];
        for Hierarchy { mountpoint, own } in hierarchies.into_iter().flatten() {
            let parents = own.ancestors();
            for parent in parents.take_while(|parent| parent.starts_with(&mountpoint)) {
                if let Some(cgroup) = Self::below(parent)? {
                    let file = cgroup.path.join("pids.max");
                    fs::write(&file, limit.to_string())
                        .with_context(|| file.display().to_string())?;
                    return Ok(cgroup);
                }
            }
        }
        bail!("no cgroup with the pids controller can be made here: run as root of the node")
    }

    /// One in `parent`, unless that gives no pids.max.
    fn below(parent: &Path) -> anyhow::Result<Option<Self>> {
        clean(parent)?;
        let path = parent.join(own_name());
        let mut cleanup = CleanupProcess::start()?;
        cleanup.expect(Leftover::Cgroup, &path)?;
        if fs::create_dir(&path).is_ok() && path.join("pids.max").exists() {
            return Ok(Some(Self { path, cleanup }));
        }
        cleanup.finish()?;
        Ok(None)
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Moves a process there.
    ///
    /// # Errors
    ///
    /// It has ended, or the cgroup is full.
    pub fn admit(&self, pid: u32) -> anyhow::Result<()> {
        let file = self.path.join("cgroup.procs");
        fs::write(&file, pid.to_string()).with_context(|| file.display().to_string())
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// It could not be removed.
    pub fn release(&mut self) -> anyhow::Result<()> {
        self.cleanup.finish()
    }
}

/// Of `ID:CONTROLLERS:PATH`; v2 has no controllers there.
fn path_of<'l>(line: &'l str, controller: &str) -> Option<&'l str> {
    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
    controllers
        .split(',')
        .any(|name| name == controller)
        .then_some(path.strip_prefix('/')?)
}

fn clean(parent: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(parent).with_context(|| parent.display().to_string())?;
    for entry in entries
        .flatten()
        .filter(|entry| is_leftover(&entry.file_name()))
    {
        remove_leftover(Leftover::Cgroup, &entry.path())?;
    }
    Ok(())
}

fn memory_cgroups_left() -> Option<u64> {
    let counts = cgroupfs::subsystems(&fs::read("/proc/cgroups").ok()?).ok()?;
    Some(MEMORY_CGROUP_MAX.saturating_sub(counts.get("memory")?.cgroups))
}

impl Consumer for Cgroups {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        for done in 0..count {
            let path = self.base.join(self.held.to_string());
            match fs::create_dir(&path).map_err(|error| (Errno::from_io_error(&error), error)) {
                Ok(()) => self.held += 1,
                // EAGAIN is what a limit of descendants gives.
                Err((Some(errno @ (Errno::AGAIN | Errno::NOSPC)), _)) => {
                    return Ok(TakeResult {
                        count: done,
                        refusal: Some(errno),
                    });
                }
                Err((_, error)) => return Err(error).with_context(|| path.display().to_string()),
            }
        }
        Ok(TakeResult {
            count,
            refusal: None,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        for _ in 0..count.min(self.held) {
            let path = self.base.join((self.held - 1).to_string());
            let done: io::Result<()> = fs::remove_dir(&path);
            done.with_context(|| path.display().to_string())?;
            self.held -= 1;
        }
        Ok(())
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn left(&mut self) -> Option<u64> {
        if self.unified {
            return Some(self.limit.saturating_sub(self.held));
        }
        memory_cgroups_left()
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.held = 0;
        self.cleanup.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_cgroup_is_found() {
        assert_eq!(
            path_of("0::/system.slice/a.service", ""),
            Some("system.slice/a.service")
        );
        assert_eq!(path_of("4:memory:/a:b", "memory"), Some("a:b"));
        assert_eq!(path_of("3:cpu,cpuacct:/x", "cpuacct"), Some("x"));
        assert_eq!(path_of("4:memory:/x", ""), None);
    }
}
