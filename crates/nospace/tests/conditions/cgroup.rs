//! A cgroup of the host, removed when the test is over.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Where the pids controller may be: v1, v2.
const HIERARCHIES: [&str; 2] = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];

/// Tests run side by side.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A directory of a cgroup hierarchy.
pub struct Cgroup {
    path: PathBuf,
    /// What its name has of its own.
    unique: String,
    /// Cgroups above it that were made with it.
    above: Vec<PathBuf>,
}

impl Cgroup {
    /// Makes one, with a name that ends in `suffix`, that can limit processes; `None`, said in words, where the host has no such
    /// hierarchy that can be written.
    pub fn with_pids(suffix: &OsStr) -> anyhow::Result<Option<Self>> {
        let mut name = OsString::from("{}");
        name.push(suffix);
        Self::make(&name)
    }

    /// The same, with this name, in which `{}` stands for what no other test has.
    pub fn named(name: &str) -> anyhow::Result<Option<Self>> {
        Self::make(OsStr::new(name))
    }

    /// One in each hierarchy that can have one; none, said in words, where there is none.
    #[allow(dead_code, reason = "not every test that shares this needs it")]
    pub fn in_each() -> Vec<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let unique = format!("nospace-test-{}-{number}", std::process::id());
        let places = HIERARCHIES.iter().chain([&"/sys/fs/cgroup/unified"]);
        let made = places.filter_map(|hierarchy| {
            let path = Path::new(hierarchy).join(&unique);
            fs::create_dir(&path).ok()?;
            let cgroup = Self {
                path,
                unique: unique.clone(),
                above: Vec::new(),
            };
            cgroup.path.join("cgroup.procs").exists().then_some(cgroup)
        });
        let made: Vec<_> = made.collect();
        if made.is_empty() {
            eprintln!("skipped: no cgroup can be made here");
        }
        made
    }

    fn make(name: &OsStr) -> anyhow::Result<Option<Self>> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let unique = format!("nospace-test-{}-{number}", std::process::id());
        let name = name.as_bytes();
        let at = name.windows(2).position(|two| two == b"{}").unwrap_or(0);
        let name = [&name[..at], unique.as_bytes(), &name[at + 2..]].concat();
        let name = OsString::from_vec(name);
        for hierarchy in HIERARCHIES {
            let path = Path::new(hierarchy).join(&name);
            if fs::create_dir(&path).is_err() {
                continue;
            }
            let cgroup = Self {
                path,
                unique: unique.clone(),
                above: Vec::new(),
            };
            if cgroup.path.join("pids.max").exists() {
                return Ok(Some(cgroup));
            }
        }
        eprintln!("skipped: no cgroup with a limit of processes can be made here");
        Ok(None)
    }

    /// The one at this path from the root, made with those above it that are missing.
    #[allow(dead_code, reason = "not every test that shares this needs it")]
    pub fn at(path: &str) -> anyhow::Result<Option<Self>> {
        let root = HIERARCHIES.iter().map(Path::new);
        let mut root = root.filter(|root| root.join("cgroup.procs").exists());
        let Some(mut at) = root.next().map(Path::to_path_buf) else {
            eprintln!("skipped: no cgroup can be made here");
            return Ok(None);
        };
        let mut made = Vec::new();
        for name in path.split('/') {
            let _ = fs::write(at.join("cgroup.subtree_control"), "+pids");
            at.push(name);
            match fs::create_dir(&at) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                done => {
                    done.with_context(|| at.display().to_string())?;
                    made.push(at.clone());
                }
            }
        }
        let path = made.pop().context("it is there already")?;
        Ok(Some(Self {
            path,
            unique: String::new(),
            above: made,
        }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its name has of its own.
    pub fn unique(&self) -> String {
        self.unique.clone()
    }

    /// The cgroup at `path` below it, made with those above.
    pub fn below(&self, path: &str) -> anyhow::Result<Self> {
        let mut below = Vec::new();
        let mut at = self.path.clone();
        for name in path.split('/') {
            // Version 2 limits only what the cgroup above lets it.
            let _ = fs::write(at.join("cgroup.subtree_control"), "+pids");
            at.push(name);
            fs::create_dir(&at).with_context(|| at.display().to_string())?;
            below.push(at.clone());
        }
        let path = below.pop().context("no name")?;
        Ok(Self {
            path,
            unique: self.unique.clone(),
            above: below,
        })
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
        let path = self.path.join(file);
        fs::write(&path, number.to_string()).with_context(|| path.display().to_string())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let begin = Instant::now();
        // Busy until the last process of it is reaped.
        while fs::remove_dir(&self.path).is_err() && begin.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(10));
        }
        for above in self.above.iter().rev() {
            let _ = fs::remove_dir(above);
        }
    }
}
