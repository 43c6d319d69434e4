//! What there can be much of on a node.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use crate::bench::load::{Load, Size};
use crate::bench::pods::{self, Pods};

/// Directories of one directory.
const SIBLINGS: u32 = 1000;

/// One thing of which there is more and more, with nothing else there.
#[derive(Clone, Copy)]
pub enum Axis {
    /// Containers in namespaces of their own, each with an instance.
    Pods,
    /// Processes that hold nothing.
    Processes,
    /// Open files.
    Descriptors,
    /// Watches, 2,000 in each instance.
    Watches,
    /// Control groups without a process.
    Cgroups,
    /// Mounts of the host.
    Mounts,
}

/// The order in which they are measured.
pub const AXES: [Axis; 6] = [
    Axis::Pods,
    Axis::Processes,
    Axis::Descriptors,
    Axis::Watches,
    Axis::Cgroups,
    Axis::Mounts,
];

impl Axis {
    /// As tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Processes => "processes",
            Self::Descriptors => "files",
            Self::Watches => "watches",
            Self::Cgroups => "cgroups",
            Self::Mounts => "mounts",
        }
    }

    /// The most of it that is measured.
    fn most(self) -> u32 {
        match self {
            Self::Pods => 1_000,
            Self::Processes => 30_000,
            Self::Descriptors => 1_000_000,
            Self::Watches => 10_000_000,
            Self::Cgroups => 10_000,
            Self::Mounts => 50_000,
        }
    }

    /// Sizes that are measured, each twice the one before.
    pub fn sizes(self) -> [u32; 4] {
        [8, 4, 2, 1].map(|part| self.most() / part)
    }

    /// This many of it, until dropped.
    pub fn make(self, count: u32) -> Result<Made> {
        let none = Size::none();
        let size = match self {
            Self::Pods => Size {
                holders: count,
                instances: 1,
                watches: 10,
                contained: true,
                ..none
            },
            Self::Processes => Size {
                idle: count,
                ..none
            },
            Self::Descriptors => Size {
                openers: count / 12_500,
                files: 12_500,
                ..none
            },
            Self::Watches => Size {
                holders: count / 10_000,
                instances: 5,
                watches: 2_000,
                ..none
            },
            Self::Cgroups => {
                return Ok(Made {
                    _cgroups: Some(Cgroups::make(count)?),
                    ..Made::default()
                });
            }
            Self::Mounts => {
                return Ok(Made {
                    mounts: Some(Mounts::make(count)?),
                    ..Made::default()
                });
            }
        };
        let load = Load::make(&size)?;
        let pods = matches!(self, Self::Pods).then(|| Pods::of(load.pids()));
        Ok(Made {
            _load: Some(load),
            _pods: pods.transpose()?,
            ..Made::default()
        })
    }
}

/// What was made. Fields are dropped in their order: processes before their cgroups.
#[derive(Default)]
pub struct Made {
    _load: Option<Load>,
    _pods: Option<Pods>,
    _cgroups: Option<Cgroups>,
    mounts: Option<Mounts>,
}

impl Made {
    /// What a command must begin with to see it.
    pub fn enter(&self) -> Result<Vec<String>> {
        self.mounts.as_ref().map_or(Ok(Vec::new()), Mounts::enter)
    }
}

/// Control groups in each hierarchy that counts something; removed when dropped.
struct Cgroups(Vec<PathBuf>);

impl Cgroups {
    fn make(count: u32) -> Result<Self> {
        let mut made = Self(Vec::new());
        for mount in pods::hierarchies() {
            let base = mount.join("nospace-bench");
            for number in 0..count {
                let group = base.join(format!("{}/{number}", number / SIBLINGS));
                fs::create_dir_all(&group).with_context(|| group.display().to_string())?;
                made.0.push(group);
            }
        }
        Ok(made)
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        let mut above: Vec<&Path> = Vec::new();
        for group in &self.0 {
            let _ = fs::remove_dir(group);
            above.extend(group.ancestors().skip(1).take(2));
        }
        above.sort_unstable();
        above.dedup();
        // What is below comes later.
        for group in above.into_iter().rev() {
            let _ = fs::remove_dir(group);
        }
    }
}

/// Mounts that process 1 of a pid namespace sees, and with it whoever enters that namespace. The machine's own stay as they are.
struct Mounts(Child);

impl Mounts {
    fn make(count: u32) -> Result<Self> {
        let child = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg(std::env::current_exe()?)
            .args(["bench", "mounts", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("unshare")?;
        let mut made = Self(child);
        let mut ready = [0];
        let output = made.0.stdout.as_mut().context("no output")?;
        output
            .read_exact(&mut ready)
            .context("the mounts were not made")?;
        Ok(made)
    }

    fn enter(&self) -> Result<Vec<String>> {
        let first = leaf(self.0.id())?.to_string();
        let words = ["nsenter", "--target", &first, "--mount", "--pid", "--"];
        Ok(words.map(str::to_owned).to_vec())
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `cargo xtask bench mounts COUNT`, in a mount namespace of its own: makes them, says so, and keeps them until standard input ends.
pub fn mounts(count: &str) -> Result<()> {
    let count: u32 = count.parse().context("count")?;
    let base = Path::new("/mnt");
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("none", base, "tmpfs", flags, None).context("/mnt")?;
    for number in 0..count {
        let place = base.join(format!("{}/{number}", number / SIBLINGS));
        fs::create_dir_all(&place)?;
        rustix::mount::mount_bind(&place, &place).with_context(|| place.display().to_string())?;
    }
    println!("+");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// The process that this one, or a child of it and so on, has started last and waits for.
pub fn leaf(pid: u32) -> Result<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    match children.split_whitespace().next_back() {
        Some(child) => leaf(child.parse()?),
        None => Ok(pid),
    }
}
