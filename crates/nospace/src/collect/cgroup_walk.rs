//! Every directory of a cgroup hierarchy, without reading the directories that have none below them.

use std::path::{Path, PathBuf};

use crate::host::{Host, ReadError, ReadResult, sys};

/// A walk stops here: ten times the cgroups that a kernel can give memory controllers to.
const MAX_DIRECTORIES: u64 = 655_350;

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
