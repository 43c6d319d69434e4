//! Names for files that a handle does not name: who watches a file often watches its directory, or another file in it. Those
//! directories of the same process have names by now and are read; no other one is.

use std::collections::{BTreeSet, HashMap, HashSet};

use nospace_core::model::{Descriptor, Place};
use nospace_core::watches::{NamedWatch, Naming, PathState};

use super::mounts::{MountTables, never_hangs};
use super::watch::InstanceWatch;
use crate::host::{Host, proc, root};

/// Directories that are read at most.
const MAX_DIRECTORIES: usize = 4096;

/// Number of a device, and of an inode on it.
type Inode = ((u32, u32), u64);

/// Names what of `unnamed` lies in a directory of `named`, or of what in `unnamed` has a name by now.
pub fn name(
    host: &dyn Host,
    descriptors: &[Descriptor],
    unnamed: &mut [InstanceWatch],
    named: &[NamedWatch],
    mounts: &mut MountTables<'_>,
) {
    let mut wanted: HashMap<Inode, Vec<usize>> = HashMap::new();
    let mut lacking = HashSet::new();
    for (at, watch) in unnamed.iter().enumerate() {
        if watch.is_unnamed() {
            let inode = (watch.watch.device, watch.watch.inode);
            wanted.entry(inode).or_default().push(at);
            lacking.insert((watch.watch.device, descriptors[watch.instance].pid));
        }
    }
    let mut known = BTreeSet::new();
    for (device, path, instance) in paths(unnamed, named) {
        let pid = descriptors[instance].pid;
        if !lacking.contains(&(device, pid)) {
            continue;
        }
        let holder = mounts.representative(pid);
        let above = path.rsplit_once('/').map(|(above, _)| above);
        let above = above.filter(|above| !above.is_empty()).unwrap_or("/");
        for directory in [path, above] {
            known.insert((device, directory.to_owned(), holder));
        }
    }
    for (device, directory, holder) in known.into_iter().take(MAX_DIRECTORIES) {
        if wanted.is_empty() {
            return;
        }
        let Some(path) = reach(mounts, device, &directory, holder) else {
            continue;
        };
        let at = match &path {
            Reach::Host(path) => root(path),
            Reach::Holder(path) => proc(path),
        };
        let is_wanted = |inode| wanted.contains_key(&(device, inode));
        for (name, inode) in host.find_in(at, device, &is_wanted).unwrap_or_default() {
            for at in wanted.remove(&(device, inode)).unwrap_or_default() {
                let directory = directory.strip_suffix('/').unwrap_or(&directory);
                unnamed[at].watch.place = Place::Path(format!("{directory}/{name}").into());
                unnamed[at].naming = Naming::Directory;
            }
        }
    }
}

/// Everything that has a name: device, path below its root, instance. What is a directory shows when it is opened.
fn paths<'w>(
    unnamed: &'w [InstanceWatch],
    named: &'w [NamedWatch],
) -> impl Iterator<Item = ((u32, u32), &'w str, usize)> {
    let by_kernel = named.iter().filter_map(|watch| {
        let path = watch.path.as_deref()?;
        let device = (watch.device.major, watch.device.minor);
        (watch.state == PathState::Present).then_some((device, path, watch.instance as usize))
    });
    let by_handle = unnamed.iter().filter_map(|watch| match &watch.watch.place {
        Place::Path(path) => Some((watch.watch.device, &**path, watch.instance)),
        _ => None,
    });
    by_kernel.chain(by_handle)
}

/// Where a directory can be opened.
enum Reach {
    Host(String),
    Holder(String),
}

/// Where the host sees it, or else the holder; only by mounts that cannot hang.
fn reach(
    mounts: &mut MountTables<'_>,
    device: (u32, u32),
    directory: &str,
    holder: Option<u32>,
) -> Option<Reach> {
    let locate = |table: &nospace_core::watches::MountTable| {
        let path = table.locate(device, directory)?;
        table.all_on_path(&path, never_hangs).then_some(path)
    };
    if let Some(path) = mounts.own().and_then(locate) {
        return Some(Reach::Host(path));
    }
    let path = locate(mounts.of(holder?)?)?;
    Some(Reach::Holder(format!("{}/root{path}", holder?)))
}
