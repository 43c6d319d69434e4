//! Cgroups that look like those of pods.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Where cgroups can be made: version 2 first, then version 1's of pids where that is in use.
pub fn hierarchies() -> impl Iterator<Item = &'static Path> {
    let mounts = [
        "/sys/fs/cgroup/unified",
        "/sys/fs/cgroup",
        "/sys/fs/cgroup/pids",
    ];
    let mounts = mounts.into_iter().map(Path::new);
    mounts.filter(|mount| mount.join("cgroup.procs").exists())
}

/// Pods of one container each; removed when dropped, after their processes.
pub struct Pods {
    base: PathBuf,
    containers: Vec<PathBuf>,
    made: u32,
}

impl Pods {
    /// A pod for each of these processes.
    pub fn of(pids: impl Iterator<Item = i32>) -> Result<Self> {
        let mount = hierarchies().next().context("no cgroups")?;
        let mut pods = Self {
            base: mount.join("kubepods/besteffort"),
            containers: Vec::new(),
            made: 0,
        };
        for pid in pids {
            pods.add(pid)?;
        }
        Ok(pods)
    }

    /// One more, with this process in it.
    pub fn add(&mut self, pid: i32) -> Result<()> {
        let number = self.made;
        self.made += 1;
        let container = self.base.join(format!(
            "pod{number:08x}-aaaa-4bbb-8ccc-0123456789ab/{number:064x}"
        ));
        fs::create_dir_all(&container)?;
        fs::write(container.join("cgroup.procs"), pid.to_string())?;
        self.containers.push(container);
        Ok(())
    }

    /// Removes those whose processes have ended.
    pub fn sweep(&mut self) {
        self.containers.retain(|container| {
            let removed = container.ancestors().take(2).map(fs::remove_dir);
            removed.filter(Result::is_err).count() > 0
        });
    }
}

impl Drop for Pods {
    fn drop(&mut self) {
        self.sweep();
        for directory in self.base.ancestors().take(2) {
            let _ = fs::remove_dir(directory);
        }
    }
}
