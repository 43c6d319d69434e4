//! What watches add up to: by instance, by file system, by directory.

use std::collections::{BTreeMap, HashMap};

use nospace_core::model::{Descriptor, Instance};
use nospace_core::watches::{
    Device, DeviceUse, DirectoryUse, HolderRef, MarkingGroup, NamedMark, NamedWatch, Tree,
    WatchingInstance, places,
};

use super::mounts::MountTables;
use super::select::Candidate;

/// The directories that are named as the heaviest hold this share of the watches, in percent.
const HEAVIEST_PERCENT: u64 = 90;
/// And they are no more than these.
const MAX_HEAVIEST: usize = 3;

/// Each instance with its holders and the number of its watches.
pub fn instances(
    watches: &[NamedWatch],
    instances: &[&Instance],
    processes: &HashMap<u32, Candidate>,
) -> Vec<WatchingInstance> {
    let mut counts = vec![0; instances.len()];
    for watch in watches {
        if let Some(count) = counts.get_mut(watch.instance as usize) {
            *count += 1;
        }
    }
    let counted = instances.iter().zip(counts);
    counted
        .map(|(instance, watches)| WatchingInstance {
            holders: holders(&instance.holders, processes),
            watches,
        })
        .collect()
}

/// Each fanotify group with its holders and the number of its marks.
pub fn groups(
    marks: &[NamedMark],
    groups: &[Vec<Descriptor>],
    processes: &HashMap<u32, Candidate>,
) -> Vec<MarkingGroup> {
    let of = |(group, descriptors): (usize, &Vec<Descriptor>)| MarkingGroup {
        holders: holders(descriptors, processes),
        marks: marks
            .iter()
            .filter(|mark| mark.group as usize == group)
            .count() as u64,
    };
    groups.iter().enumerate().map(of).collect()
}

fn holders(descriptors: &[Descriptor], processes: &HashMap<u32, Candidate>) -> Vec<HolderRef> {
    let holder = |descriptor: &Descriptor| {
        let process = processes.get(&descriptor.pid);
        HolderRef {
            pid: descriptor.pid,
            fd: descriptor.fd,
            comm: process.map(|p| p.comm.clone()).unwrap_or_default(),
            owner: process.map(|p| p.owner.clone()).unwrap_or_default(),
        }
    };
    descriptors.iter().map(holder).collect()
}

/// The fewest directories that hold most of the watches.
pub fn heaviest(watches: &[NamedWatch]) -> Vec<DirectoryUse> {
    let places = places(watches);
    let tree = Tree::new(places.iter().map(|(place, watches)| (&**place, *watches)));
    let heaviest = tree.heaviest(HEAVIEST_PERCENT, MAX_HEAVIEST).into_iter();
    heaviest
        .filter(|(path, _)| !path.is_empty())
        .map(|(path, held)| DirectoryUse {
            path: path.to_owned(),
            container_path: watches
                .iter()
                .find_map(|watch| watch.container_path_of(path))
                .map(str::to_owned),
            watches: held,
        })
        .collect()
}

/// The file systems that are watched, those with most watches first.
pub fn devices(
    watches: &[NamedWatch],
    mounts: &mut MountTables<'_>,
    descriptors: &[Descriptor],
) -> Vec<DeviceUse> {
    let mut all: BTreeMap<Device, (u64, u32)> = BTreeMap::new();
    for run in watches.chunk_by(|watch, next| watch.device == next.device) {
        let entry = all.entry(run[0].device).or_insert((0, run[0].instance));
        entry.0 += run.len() as u64;
    }
    let mut devices: Vec<DeviceUse> = all
        .into_iter()
        .map(|(device, (watches, instance))| {
            let holder = descriptors.get(instance as usize);
            let (file_system, mount_point) = mounts.device(device, holder.map_or(0, |d| d.pid));
            DeviceUse {
                device: device.to_string(),
                file_system,
                mount_point,
                watches,
            }
        })
        .collect();
    devices.sort_by_key(|device| std::cmp::Reverse(device.watches));
    devices
}
