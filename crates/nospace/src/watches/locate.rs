//! From a place on a file system to the paths that people know it by: the host's, and the holder's own.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use nospace_core::model::{Descriptor, Place};
use nospace_core::watches::{Device, Event, NamedWatch, PathState};

use super::mounts::MountTables;
use super::watch::InstanceWatch;

/// Finds the paths of each watched file once, however many watch it.
pub struct Locator<'a> {
    /// Holders of the instances.
    descriptors: &'a [Descriptor],
    /// By device, path there, and who sees it.
    known: HashMap<(Device, PathKey, Option<u32>), Located, RandomState>,
    masks: HashMap<u32, Arc<[Event]>, RandomState>,
    last: Option<(usize, Option<u32>)>,
}

/// A path that is shared: its address tells it from others, since [`Located`] keeps it.
type PathKey = (*const u8, usize);

#[derive(Clone)]
struct Located {
    /// Keeps the address that is the key.
    _path: Arc<str>,
    host_path: Option<Arc<str>>,
    container_path: Option<Arc<str>>,
}

impl<'a> Locator<'a> {
    /// For watches of the instances behind `descriptors`.
    pub fn new(descriptors: &'a [Descriptor]) -> Self {
        Self {
            descriptors,
            known: HashMap::default(),
            masks: HashMap::default(),
            last: None,
        }
    }

    /// The watch with its paths as the host and as its holder sees them.
    pub fn locate(&mut self, watch: InstanceWatch, mounts: &mut MountTables<'_>) -> NamedWatch {
        let InstanceWatch {
            instance,
            watch,
            naming,
            denied: _,
        } = watch;
        let device = Device {
            major: watch.device.0,
            minor: watch.device.1,
        };
        let (path, state) = match watch.place {
            Place::Path(path) => (Some(path), PathState::Present),
            Place::Deleted(path) => (Some(path), PathState::Deleted),
            Place::Unreachable(path) => (Some(path), PathState::Unreachable),
            Place::Forgotten => (None, PathState::Unnamed),
        };
        let reachable = path.as_ref().filter(|_| state != PathState::Unreachable);
        let located = reachable.map(|path| self.paths(instance, device, path, mounts));
        let (host_path, container_path) = located.map_or((None, None), |located| {
            (located.host_path.clone(), located.container_path.clone())
        });
        let mask = self.masks.entry(watch.mask);
        NamedWatch {
            instance: u32::try_from(instance).unwrap_or(u32::MAX),
            wd: watch.wd,
            host_path,
            container_path,
            path,
            state,
            naming,
            device,
            inode: watch.inode,
            mask: Arc::clone(mask.or_insert_with(|| Event::of_mask(watch.mask).into())),
        }
    }

    fn paths(
        &mut self,
        instance: usize,
        device: Device,
        path: &Arc<str>,
        mounts: &mut MountTables<'_>,
    ) -> &Located {
        let holder = match self.last {
            Some((known, holder)) if known == instance => holder,
            _ => mounts.representative(self.descriptors[instance].pid),
        };
        self.last = Some((instance, holder));
        let key = (device, (path.as_ptr(), path.len()), holder);
        self.known
            .entry(key)
            .or_insert_with(|| located(device, path, holder, mounts))
    }
}

fn located(
    device: Device,
    path: &Arc<str>,
    holder: Option<u32>,
    mounts: &mut MountTables<'_>,
) -> Located {
    let number = (device.major, device.minor);
    let container_path = holder.and_then(|pid| mounts.of(pid)?.locate(number, path));
    let host_path = mounts
        .own()
        .and_then(|table| table.locate(number, path))
        .or_else(|| {
            Some(format!(
                "/proc/{}/root{}",
                holder?,
                container_path.as_ref()?
            ))
        });
    let shared = |seen: String| match *seen == **path {
        true => Arc::clone(path),
        false => seen.into(),
    };
    Located {
        _path: Arc::clone(path),
        host_path: host_path.map(shared),
        container_path: container_path.map(shared),
    }
}
