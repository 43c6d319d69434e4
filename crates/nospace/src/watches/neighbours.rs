//! Names for files that a handle does not name: who watches a file often watches its directory, or another file in it. Those
//! directories of the same process have names by now and are read; no other one is.

use std::collections::{BTreeSet, HashMap, HashSet};

use nospace_core::model::{Descriptor, Place};
use nospace_core::watches::{NamedWatch, Naming, State};

use super::handles::answers;
use super::list::Found;
use super::names::Names;
use crate::host::{Host, proc, root};

/// So many directories are read at most.
const MOST: usize = 4096;

/// Number of a device, and of an inode on it.
type Inode = ((u32, u32), u64);

/// Names what of `nameless` lies in a directory of `named`, or of what in `nameless` has a name.
pub fn name(
    host: &dyn Host,
    asked: &[Descriptor],
    nameless: &mut [Found],
    named: &[NamedWatch],
    names: &mut Names<'_>,
) {
    let mut wanted: HashMap<Inode, Vec<usize>> = HashMap::new();
    let mut wishers = HashSet::new();
    for (at, one) in nameless.iter().enumerate() {
        if one.watch.place == Place::Forgotten {
            let inode = (one.watch.device, one.watch.inode);
            wanted.entry(inode).or_default().push(at);
            wishers.insert((one.watch.device, asked[one.instance].pid));
        }
    }
    let mut known = BTreeSet::new();
    for (device, path, instance) in paths(nameless, named) {
        let pid = asked[instance].pid;
        if !wishers.contains(&(device, pid)) {
            continue;
        }
        let speaker = names.namespace_of(pid);
        let above = path.rsplit_once('/').map(|(above, _)| above);
        let above = above.filter(|above| !above.is_empty()).unwrap_or("/");
        for directory in [path, above] {
            known.insert((device, directory.to_owned(), speaker));
        }
    }
    for (device, directory, speaker) in known.into_iter().take(MOST) {
        if wanted.is_empty() {
            return;
        }
        let Some(path) = reach(names, device, &directory, speaker) else {
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
                nameless[at].watch.place = Place::Path(format!("{directory}/{name}"));
                nameless[at].naming = Naming::Directory;
            }
        }
    }
}

/// Everything that has a name: device, path below its root, instance. What is a directory shows when it is opened.
fn paths<'w>(
    nameless: &'w [Found],
    named: &'w [NamedWatch],
) -> impl Iterator<Item = ((u32, u32), &'w str, usize)> {
    let by_kernel = named.iter().filter_map(|one| {
        let path = one.path.as_deref()?;
        let device = (one.device.major, one.device.minor);
        (one.state == State::Present).then_some((device, path, one.instance as usize))
    });
    let by_handle = nameless.iter().filter_map(|one| match &one.watch.place {
        Place::Path(path) => Some((one.watch.device, path.as_str(), one.instance)),
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
    names: &mut Names<'_>,
    device: (u32, u32),
    directory: &str,
    speaker: u32,
) -> Option<Reach> {
    let mut seen = |speaker| {
        let table = names.table(speaker)?;
        let path = table.locate(device, directory)?;
        table.way_is(&path, answers).then_some(path)
    };
    seen(None).map(Reach::Host).or_else(|| {
        let path = seen(Some(speaker))?;
        Some(Reach::Holder(format!("{speaker}/root{path}")))
    })
}
