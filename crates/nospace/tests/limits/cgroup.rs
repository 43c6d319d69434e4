//! A cgroup of the host that is removed however the test ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

/// Waits for the end of its standard input, which is the test's, and then removes the cgroup and all below it: for as long as
/// it is busy, because processes that were killed are a little while yet in it.
const REAPER: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
for attempt in $(seq 100); do
    for below in "$1"/*/; do [ ! -d "$below" ] || rmdir "$below" 2>/dev/null || true; done
    rmdir "$1" 2>/dev/null && exit
    sleep 0.05
done
"#;

/// Rows run side by side.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A directory of a cgroup hierarchy.
pub struct Cgroup {
    path: PathBuf,
    name: String,
    reaper: Child,
}

impl Cgroup {
    /// Makes one in the hierarchy that has `file` in its directories; `None`, said in words, where none has that can be written.
    pub fn with(file: &str) -> anyhow::Result<Option<Self>> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nospace-limits-{}-{number}", std::process::id());
        for hierarchy in hierarchies()? {
            let path = hierarchy.join(&name);
            if fs::create_dir(&path).is_err() {
                continue;
            }
            let mut reaper = Command::new("sh");
            reaper
                .args(["-c", REAPER, "sh"])
                .arg(&path)
                .stdin(Stdio::piped());
            let reaper = reaper
                .spawn()
                .context("cannot start what removes the cgroup")?;
            let cgroup = Self {
                path,
                name: name.clone(),
                reaper,
            };
            if cgroup.path.join(file).exists() {
                return Ok(Some(cgroup));
            }
        }
        eprintln!("skipped: no cgroup with {file} can be made here");
        Ok(None)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its path below its hierarchy.
    pub fn name(&self) -> String {
        format!("/{}", self.name)
    }

    /// Writes one of its files.
    pub fn write(&self, file: &str, value: impl ToString) -> anyhow::Result<()> {
        let path = self.path.join(file);
        fs::write(&path, value.to_string()).with_context(|| path.display().to_string())
    }

    /// Removes the cgroups below it.
    pub fn empty(&self) -> anyhow::Result<()> {
        for entry in self.path.read_dir()? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Its standard input ends, and it removes the cgroup.
        drop(self.reaper.stdin.take());
        let _ = self.reaper.wait();
    }
}

/// Where cgroup hierarchies are mounted.
fn hierarchies() -> anyhow::Result<Vec<PathBuf>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let cgroups = mounts
        .lines()
        .filter(|line| line.contains(" - cgroup2 ") || line.contains(" - cgroup "));
    Ok(cgroups
        .filter_map(|line| line.split(' ').nth(4).map(PathBuf::from))
        .collect())
}
