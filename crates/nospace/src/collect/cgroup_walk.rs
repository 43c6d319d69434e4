//! Every directory of a cgroup hierarchy, without reading the directories that have none below them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::{Host, ReadError, ReadResult, sys};

/// A walk stops here: ten times the cgroups that a kernel can give memory controllers to.
const MAX_DIRECTORIES: u64 = 655_350;
/// Of a node with more cgroups (a leak) only the first are asked for their limits.
pub const MAX_KEPT: usize = 20_000;

/// The cgroups of the hierarchies that are asked for more than their number, by mount point.
pub type Trees = BTreeMap<String, Tree>;

/// The cgroups of a hierarchy, by their paths below its root.
#[derive(Default)]
pub struct Tree {
    /// The first [`MAX_KEPT`], parents before their children; the root's path is empty.
    pub paths: Vec<PathBuf>,
    /// How many more there are.
    pub beyond: u64,
    /// Some directories could not be read.
    pub truncated: bool,
}

impl Tree {
    /// Keeps a cgroup, if there is room for it.
    pub fn keep(&mut self, path: &Path) {
        if self.paths.len() < MAX_KEPT {
            self.paths.push(path.to_owned());
        } else {
            self.beyond += 1;
        }
    }
}

/// What a walk has seen.
#[derive(Default)]
pub struct WalkTotals {
    /// Directories, the root included.
    pub directories: u64,
    /// Of those, `*.mount` and all below.
    pub mount_units: u64,
    /// The walk stopped at its bound, or a directory could not be read.
    pub truncated: bool,
}

/// Walks from `top` below sysfs; `each` gets every directory's path below the hierarchy's root.
pub fn walk(host: &dyn Host, top: &Path, mut each: impl FnMut(&Path)) -> ReadResult<WalkTotals> {
    let mut walked = WalkTotals {
        directories: 1,
        ..WalkTotals::default()
    };
    each(Path::new(""));
    // The root must answer; a directory below may vanish at any time.
    let mut open = vec![(PathBuf::new(), false, host.subdirectories(sys(top))?)];
    while let Some((parent, below_mount_unit, children)) = open.pop() {
        for child in children {
            let path = parent.join(&child.name);
            let mount_unit = below_mount_unit || child.name.ends_with(".mount");
            walked.directories += 1;
            walked.mount_units += u64::from(mount_unit);
            each(&path);
            if walked.directories >= MAX_DIRECTORIES {
                walked.truncated = true;
                return Ok(walked);
            }
            if !child.leaf {
                match host.subdirectories(sys(&top.join(&path))) {
                    Ok(below) => open.push((path, mount_unit, below)),
                    Err(ReadError::Gone) => {}
                    Err(_) => walked.truncated = true,
                }
            }
        }
    }
    Ok(walked)
}
