//! Names for watches that have none: by the handle in fdinfo, where the file system finds files by handle.

use std::collections::{BTreeMap, HashMap};

use nospace_core::model::{Descriptor, FileHandle, Place};
use nospace_core::watches::Naming;

use super::fdinfo;
use super::mounts::{MountTables, never_hangs};
use super::watch::InstanceWatch;
use crate::host::{Host, ReadError, ReadResult, proc, root};

/// Watches by the file that they are on.
type ByFile<'w> = BTreeMap<FileHandle, Vec<&'w mut InstanceWatch>>;

/// Names what of `watches` has no name: each file once, however many watch it.
pub fn name(
    host: &dyn Host,
    descriptors: &[Descriptor],
    watches: &mut [InstanceWatch],
    mounts: &mut MountTables<'_>,
) {
    read_handles(host, descriptors, watches);
    let mut by_device: BTreeMap<((u32, u32), Option<u32>), ByFile<'_>> = BTreeMap::new();
    for watch in watches.iter_mut().filter(|watch| watch.is_unnamed()) {
        let Some(handle) = watch.watch.handle.clone() else {
            continue;
        };
        let holder = mounts.representative(descriptors[watch.instance].pid);
        let files = by_device.entry((watch.watch.device, holder)).or_default();
        files.entry(handle).or_default().push(watch);
    }
    for ((device, holder), mut files) in by_device {
        let handles: Vec<&FileHandle> = files.keys().collect();
        let Some((root, places)) = resolve(host, device, holder, &handles, mounts) else {
            continue;
        };
        for (watches, place) in files.values_mut().zip(places) {
            match place {
                Ok(place) => {
                    let Some(place) = from_root(&root, &place) else {
                        continue;
                    };
                    for watch in watches {
                        watch.watch.place = place.clone();
                        watch.naming = Naming::Handle;
                    }
                }
                Err(ReadError::Denied) => watches.iter_mut().for_each(|watch| watch.denied = true),
                Err(_) => {}
            }
        }
    }
}

/// The place from the root of its file system, of which a mount shows what is below `root`.
fn from_root(root: &str, place: &Place) -> Option<Place> {
    let whole = |path: &str| match (root, path) {
        ("/", "") => "/".to_owned(),
        ("/", _) => path.to_owned(),
        _ => format!("{root}{path}"),
    };
    match place {
        Place::Path(path) => Some(Place::Path(whole(path).into())),
        Place::Deleted(path) => Some(Place::Deleted(whole(path).into())),
        Place::Unreachable(_) | Place::Forgotten => None,
    }
}

/// Handles of what the kernel forgot the names of; an instance is not read if all its files are known from others.
fn read_handles(host: &dyn Host, descriptors: &[Descriptor], watches: &mut [InstanceWatch]) {
    let lacks = |watch: &InstanceWatch| watch.is_unnamed() && watch.watch.handle.is_none();
    let mut known: HashMap<u64, FileHandle> = HashMap::new();
    for of_instance in watches.chunk_by_mut(|a, b| a.instance == b.instance) {
        for watch in of_instance.iter_mut().filter(|watch| lacks(watch)) {
            watch.watch.handle = watch.watch.file.and_then(|file| known.get(&file)).cloned();
        }
        if !of_instance.iter().any(lacks) {
            continue;
        }
        let Ok(Ok(listed)) = fdinfo::read(host, descriptors[of_instance[0].instance]) else {
            continue;
        };
        let mut handles: BTreeMap<u32, FileHandle> = listed
            .into_iter()
            .filter_map(|watch| Some((watch.wd, watch.handle?)))
            .collect();
        for watch in of_instance.iter_mut().filter(|watch| lacks(watch)) {
            watch.watch.handle = handles.remove(&watch.watch.wd);
            known.extend(watch.watch.file.zip(watch.watch.handle.clone()));
        }
    }
}

/// Root of the mount within its file system, and what each handle leads to below it.
type Resolution = (String, Vec<ReadResult<Place>>);

/// Asks the first mount of the file system that can be opened, the host's or else the holder's, and that cannot hang.
fn resolve(
    host: &dyn Host,
    device: (u32, u32),
    holder: Option<u32>,
    handles: &[&FileHandle],
    mounts: &mut MountTables<'_>,
) -> Option<Resolution> {
    let mut usable = Vec::new();
    for pid in [None, holder] {
        let table = match pid {
            None => mounts.own(),
            Some(pid) => mounts.of(pid),
        };
        let Some(table) = table else {
            continue;
        };
        let mounts = table.of(device);
        let mounts = mounts.filter(|mount| table.all_on_path(&mount.mountpoint, never_hangs));
        usable.extend(mounts.map(|mount| (pid, mount.mountpoint.clone(), mount.root.clone())));
    }
    usable
        .into_iter()
        .find_map(|(pid, mountpoint, mount_root)| {
            let places = match pid {
                None => host.by_handle(root(&mountpoint), handles),
                Some(pid) => host.by_handle(proc(&format!("{pid}/root{mountpoint}")), handles),
            };
            match places {
                Err(ReadError::Gone) => None,
                Err(error) => Some((mount_root, vec![Err(error); handles.len()])),
                Ok(places) => Some((mount_root, places)),
            }
        })
}
