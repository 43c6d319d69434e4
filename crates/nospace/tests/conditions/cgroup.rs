//! A cgroup of the host, removed when the test is over.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Where the pids controller may be: v1, v2.
const HIERARCHIES: [&str; 2] = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];

/// Tests run side by side.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A directory of a cgroup hierarchy.
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// Makes one, with a name that ends in `suffix`, that can limit processes; `None`, said in words, where the host has no such
    /// hierarchy that can be written.
    pub fn with_pids(suffix: &OsStr) -> anyhow::Result<Option<Self>> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut name = OsString::from(format!("nospace-test-{}-{number}", std::process::id()));
        name.push(suffix);
        for hierarchy in HIERARCHIES {
            let path = Path::new(hierarchy).join(&name);
            if fs::create_dir(&path).is_err() {
                continue;
            }
            let cgroup = Self(path);
            if cgroup.0.join("pids.max").exists() {
                return Ok(Some(cgroup));
            }
        }
        eprintln!("skipped: no cgroup with a limit of processes can be made here");
        Ok(None)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Sets `pids.max`.
    pub fn limit_pids(&self, number: u32) -> anyhow::Result<()> {
        self.write("pids.max", number)
    }

    /// Moves a process here.
    pub fn add(&self, pid: u32) -> anyhow::Result<()> {
        self.write("cgroup.procs", pid)
    }

    fn write(&self, file: &str, number: u32) -> anyhow::Result<()> {
        let path = self.0.join(file);
        fs::write(&path, number.to_string()).with_context(|| path.display().to_string())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let begin = Instant::now();
        // Busy until the last process of it is reaped.
        while fs::remove_dir(&self.0).is_err() && begin.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
