use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nospace_core::limits::MEMORY_CGROUP_MAX;
use nospace_core::parse::{cgroupfs, mountinfo};
use rustix::io::Errno;

use super::cleanup::{CleanupProcess, Leftover, is_leftover, own_name, remove_leftover};
use super::consumer::{Consumer, TakeResult};
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
        fs::create_dir(&base).with_context(|| format!("cannot create {}", base.display()))?;
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
    let mounts = fs::read("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
    let mounts = mountinfo::mounts(&mounts).context("/proc/self/mountinfo")?;
    let own = fs::read_to_string("/proc/self/cgroup").context("/proc/self/cgroup")?;
    let of = |fstype: &str, controller: &str| {
        let mount = mounts.iter().find(|mount| {
            let has = |name| mount.super_options.split(',').any(|option| option == name);
            mount.fstype == fstype && (controller.is_empty() || has(controller))
        })?;
        let path = own.lines().find_map(|line| path_of(line, controller))?;
        let below = Path::new(path)
            .strip_prefix(&mount.root)
            .unwrap_or(Path::new(""));
        Some(Path::new(&mount.mountpoint).join(below))
    };
    match (of("cgroup2", ""), of("cgroup", "memory")) {
        (Some(place), _) => Ok((place, true)),
        (None, Some(place)) => Ok((place, false)),
        (None, None) => bail!("neither cgroup v2 nor the memory controller of v1 is mounted here"),
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
