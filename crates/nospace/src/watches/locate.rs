//! From a place on a file system to the paths that people know it by: the host's, and the holder's own.

use nospace_core::model::{Descriptor, Place};
use nospace_core::watches::{Device, Event, NamedWatch, PathState};

use super::mounts::MountTables;
use super::watch::InstanceWatch;

/// The watch with its paths as the host and as its holder sees them.
pub fn locate(
    watch: InstanceWatch,
    descriptors: &[Descriptor],
    mounts: &mut MountTables<'_>,
) -> NamedWatch {
    let InstanceWatch {
        instance,
        watch,
        naming,
        denied: _,
    } = watch;
    let (path, state) = match watch.place {
        Place::Path(path) => (Some(path), PathState::Present),
        Place::Deleted(path) => (Some(path), PathState::Deleted),
        Place::Unreachable(path) => (Some(path), PathState::Unreachable),
        Place::Forgotten => (None, PathState::Unnamed),
    };
    let reachable = path.as_deref().filter(|_| state != PathState::Unreachable);
    let holder = mounts.representative(descriptors[instance].pid);
    let container_path = holder.and_then(|pid| mounts.of(pid)?.locate(watch.device, reachable?));
    let host_path = mounts
        .own()
        .and_then(|table| table.locate(watch.device, reachable?))
        .or_else(|| {
            Some(format!(
                "/proc/{}/root{}",
                holder?,
                container_path.as_ref()?
            ))
        });
    NamedWatch {
        instance: u32::try_from(instance).unwrap_or(u32::MAX),
        wd: watch.wd,
        host_path,
        container_path,
        path,
        state,
        naming,
        device: Device {
            major: watch.device.0,
            minor: watch.device.1,
        },
        inode: watch.inode,
        mask: Event::of_mask(watch.mask),
    }
}
