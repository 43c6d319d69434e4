//! Names for watches that have none: by the handle in fdinfo, where the file system finds files by handle.

use std::collections::{BTreeMap, HashMap};

use nospace_core::model::{Descriptor, FileHandle, Place};
use nospace_core::watches::Naming;

use super::list::{Found, is_gone, read};
use super::names::Names;
use crate::collect::mount_table::is_local;
use crate::host::{Absent, Asked, Host, proc, root};

/// File systems of the kernel's own, which answer at once.
const KERNEL: [&str; 12] = [
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "mqueue",
    "proc",
    "pstore",
    "securityfs",
    "sysfs",
    "tracefs",
];

/// Watches on one file.
type OnOneFile<'f> = BTreeMap<FileHandle, Vec<&'f mut Found>>;

/// Names what of `found` has no name: each file once, however many watch it.
pub fn name(host: &dyn Host, asked: &[Descriptor], found: &mut [Found], names: &mut Names<'_>) {
    fetch(host, asked, found);
    let mut by_device: BTreeMap<((u32, u32), u32), OnOneFile<'_>> = BTreeMap::new();
    for one in found.iter_mut() {
        let Some(handle) = one.watch.handle.clone() else {
            continue;
        };
        if one.watch.place == Place::Forgotten {
            let holder = names.namespace_of(asked[one.instance].pid);
            let files = by_device.entry((one.watch.device, holder)).or_default();
            files.entry(handle).or_default().push(one);
        }
    }
    for ((device, holder), mut files) in by_device {
        let handles: Vec<&FileHandle> = files.keys().collect();
        let Some((root, places)) = resolve(host, device, holder, &handles, names) else {
            continue;
        };
        for (watches, place) in files.values_mut().zip(places) {
            match place {
                Ok(place) => watches
                    .iter_mut()
                    .for_each(|one| accept(one, &root, &place)),
                Err(Absent::Denied) => watches.iter_mut().for_each(|one| one.denied = true),
                Err(_) => {}
            }
        }
    }
}

fn accept(one: &mut Found, root: &str, place: &Place) {
    let whole = |path: &str| match (root, path) {
        ("/", "") => "/".to_owned(),
        ("/", _) => path.to_owned(),
        _ => format!("{root}{path}"),
    };
    one.watch.place = match place {
        Place::Path(path) => Place::Path(whole(path)),
        Place::Deleted(path) => Place::Deleted(whole(path)),
        _ => return,
    };
    one.naming = Naming::Handle;
}

/// Handles of what the kernel forgot the names of; no instance is read all of whose files are known from others.
fn fetch(host: &dyn Host, asked: &[Descriptor], found: &mut [Found]) {
    let lacks = |one: &Found| one.watch.place == Place::Forgotten && one.watch.handle.is_none();
    let mut known: HashMap<u64, FileHandle> = HashMap::new();
    for of_instance in found.chunk_by_mut(|a, b| a.instance == b.instance) {
        for one in of_instance.iter_mut().filter(|one| lacks(one)) {
            one.watch.handle = one.watch.file.and_then(|file| known.get(&file)).cloned();
        }
        if !of_instance.iter().any(lacks) {
            continue;
        }
        let Ok(Ok(listed)) = read(host, asked[of_instance[0].instance]) else {
            continue;
        };
        let mut handles: BTreeMap<u32, FileHandle> = listed
            .into_iter()
            .filter_map(|watch| Some((watch.wd, watch.handle?)))
            .collect();
        for one in of_instance.iter_mut().filter(|one| lacks(one)) {
            one.watch.handle = handles.remove(&one.watch.wd);
            let known_by = one.watch.file.zip(one.watch.handle.clone());
            known.extend(known_by);
        }
    }
}

/// Whether a file system of this type answers whatever happens to networks and other processes.
pub fn answers(kind: &str) -> bool {
    is_local(kind) || KERNEL.contains(&kind)
}

type Resolved = (String, Vec<Asked<Place>>);

/// Asks the first mount of the file system that can be opened, the host's or else the holder's, and that cannot hang;
/// with the directory of the file system that is mounted there.
fn resolve(
    host: &dyn Host,
    device: (u32, u32),
    holder: u32,
    handles: &[&FileHandle],
    names: &mut Names<'_>,
) -> Option<Resolved> {
    for pid in [None, Some(holder)] {
        let Some(table) = names.table(pid) else {
            continue;
        };
        for mount in table.of(device) {
            if !table.way_is(&mount.mountpoint, answers) {
                continue;
            }
            let places = match pid {
                None => host.by_handle(root(&mount.mountpoint), handles),
                Some(pid) => {
                    let path = format!("{pid}/root{}", mount.mountpoint);
                    host.by_handle(proc(&path), handles)
                }
            };
            if is_gone(&places) {
                continue;
            }
            let places = places.unwrap_or_else(|absent| vec![Err(absent); handles.len()]);
            return Some((mount.root.clone(), places));
        }
    }
    None
}
