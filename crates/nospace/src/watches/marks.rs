//! fanotify groups, and what they mark.

use std::collections::{BTreeMap, HashMap};

use nospace_core::amount::count;
use nospace_core::model::{Descriptor, Mark, Marked, Place, Snapshot, Watch};
use nospace_core::parse::{marks::marks, mountinfo};
use nospace_core::watches::{Device, Event, MarkKind, NamedMark};

use super::by_handle;
use super::locate::Locator;
use super::mounts::MountTables;
use super::watch::InstanceWatch;
use crate::collect::run::{CollectResult, Measurement, how_to_see};
use crate::host::{Descriptors, Host, ReadError, proc};

/// More than any process has mounts.
const MAX_MOUNTINFO: usize = 64 << 20;

/// Groups by the descriptors that lead to them; each once, where that can be told.
pub fn groups(host: &dyn Host, snapshot: &Snapshot) -> CollectResult<Vec<Vec<Descriptor>>> {
    if host.is_recording() {
        let why = "a recording has no fanotify marks".to_owned();
        return Ok(Measurement::exact(Vec::new()).out_of_sight(vec![why]));
    }
    // eBPF tells who has groups; else every process is asked.
    let known = snapshot.accounts.as_ref();
    let known = known.filter(|accounts| accounts.fanotify.is_some());
    let pids = match known {
        Some(accounts) => accounts.fanotify_holders.iter().map(|one| one.0).collect(),
        None => host.pids()?,
    };
    let mut open = Descriptors::default();
    let mut all = Vec::new();
    let mut hidden = 0;
    for pid in pids {
        match host.descriptors(pid, &mut open) {
            Ok(()) => {
                all.extend(open.fanotify.iter().map(|&fd| Descriptor { pid, fd }));
                hidden += u64::from(open.hidden > 0);
            }
            Err(ReadError::Gone) => {}
            Err(_) => hidden += 1,
        }
    }
    all.sort_unstable();
    let mut gaps = Vec::new();
    if hidden > 0 {
        let processes = count(hidden, "process", "processes");
        gaps.push(format!(
            "the descriptors of {processes} could not be read; {}",
            how_to_see(host)
        ));
    }
    let groups = match host.same_files(&all) {
        Ok(numbers) => {
            let mut groups: BTreeMap<u32, Vec<Descriptor>> = BTreeMap::new();
            for (number, descriptor) in numbers.into_iter().zip(&all) {
                if let Some(number) = number {
                    groups.entry(number).or_default().push(*descriptor);
                }
            }
            groups.into_values().collect()
        }
        Err(error) => {
            if !all.is_empty() {
                gaps.push(format!(
                    "a group that several processes hold is listed for each of them ({error})"
                ));
            }
            all.into_iter().map(|one| vec![one]).collect()
        }
    };
    Ok(Measurement::exact(groups)
        .partial(hidden > 0)
        .with_gaps(gaps))
}

/// The marks of groups, in their order, of each by its first descriptor; what could not be read is among `gaps`.
pub fn collect(
    host: &dyn Host,
    groups: &[Descriptor],
    mounts: &mut MountTables<'_>,
    gaps: &mut Vec<String>,
) -> Vec<NamedMark> {
    let mut all = Vec::new();
    let mut inodes = Vec::new();
    let mut tables = HashMap::new();
    for (group, &descriptor) in groups.iter().enumerate() {
        for mark in read(host, descriptor, gaps) {
            let named = NamedMark {
                group: u32::try_from(group).unwrap_or(u32::MAX),
                kind: MarkKind::Inode,
                host_path: None,
                container_path: None,
                state: None,
                device: None,
                number: None,
                mask: Event::of_fanotify_mask(mark.mask),
                ignored: Event::of_fanotify_mask(mark.ignored),
            };
            match mark.object {
                Marked::Inode {
                    inode,
                    device,
                    handle,
                } => {
                    let watch = Watch {
                        // Its place in the list, to find it again.
                        wd: u32::try_from(all.len()).unwrap_or(u32::MAX),
                        inode,
                        file: None,
                        device,
                        mask: 0,
                        handle,
                        place: Place::Forgotten,
                    };
                    inodes.push(InstanceWatch::new(group, watch));
                    all.push(named);
                }
                Marked::Mount(id) => {
                    let table = tables
                        .entry(descriptor.pid)
                        .or_insert_with(|| mount_table(host, descriptor.pid));
                    let seen = mountinfo::by_number(table, id).ok().flatten();
                    let path = seen.as_ref().map(|mount| mount.mountpoint.clone());
                    all.push(NamedMark {
                        kind: MarkKind::Mount,
                        device: seen.and_then(|mount| mount.device.parse().ok()),
                        number: Some(id),
                        ..of_holder(named, path, descriptor.pid, mounts)
                    });
                }
                Marked::Filesystem((major, minor)) => {
                    let device = Device { major, minor };
                    all.push(NamedMark {
                        kind: MarkKind::Filesystem,
                        device: Some(device),
                        ..of_filesystem(named, device, descriptor.pid, mounts)
                    });
                }
                Marked::Namespace(number) => all.push(NamedMark {
                    kind: MarkKind::Namespace,
                    number: Some(number),
                    ..named
                }),
            }
        }
    }
    by_handle::name(host, groups, &mut inodes, mounts);
    let mut locator = Locator::new(groups);
    for watch in inodes {
        let at = watch.watch.wd as usize;
        let found = locator.locate(watch, mounts);
        if let Some(mark) = all.get_mut(at) {
            mark.host_path = found.host_path.as_deref().map(str::to_owned);
            mark.container_path = found.container_path.as_deref().map(str::to_owned);
            mark.state = Some(found.state);
            mark.device = Some(found.device);
            mark.number = Some(found.inode);
        }
    }
    all
}

fn read(host: &dyn Host, descriptor: Descriptor, gaps: &mut Vec<String>) -> Vec<Mark> {
    let Descriptor { pid, fd } = descriptor;
    let mut text = Vec::new();
    let why = match host.fdinfo(descriptor, &mut |piece| text.extend_from_slice(piece)) {
        Ok(()) => match marks(&text) {
            Ok(marks) => return marks,
            Err(malformed) => malformed.to_string(),
        },
        // It has ended meanwhile.
        Err(ReadError::Gone) => return Vec::new(),
        Err(error) => error.to_string(),
    };
    gaps.push(format!("/proc/{pid}/fdinfo/{fd}: {why}"));
    Vec::new()
}

/// Empty where it cannot be read: what is marked then has no path.
fn mount_table(host: &dyn Host, pid: u32) -> Vec<u8> {
    let mut text = Vec::new();
    match host.read(proc(&format!("{pid}/mountinfo")), MAX_MOUNTINFO, &mut text) {
        Ok(()) => text,
        Err(_) => Vec::new(),
    }
}

/// With a path that the holder sees.
fn of_holder(
    mark: NamedMark,
    path: Option<String>,
    pid: u32,
    mounts: &mut MountTables<'_>,
) -> NamedMark {
    let Some(path) = path else {
        return mark;
    };
    match mounts.representative(pid) {
        None => NamedMark {
            host_path: Some(path),
            ..mark
        },
        Some(representative) => NamedMark {
            host_path: Some(format!("/proc/{representative}/root{path}")),
            container_path: Some(path),
            ..mark
        },
    }
}

/// With the place where the host, or else the holder, has the file system mounted.
fn of_filesystem(
    mark: NamedMark,
    device: Device,
    pid: u32,
    mounts: &mut MountTables<'_>,
) -> NamedMark {
    let number = (device.major, device.minor);
    let first = |table: &nospace_core::watches::MountTable| {
        table
            .of(number)
            .next()
            .map(|mount| mount.mountpoint.clone())
    };
    if let Some(path) = mounts.own().and_then(first) {
        return NamedMark {
            host_path: Some(path),
            ..mark
        };
    }
    let representative = mounts.representative(pid);
    let path = representative.and_then(|pid| mounts.of(pid).and_then(first));
    of_holder(mark, path, pid, mounts)
}
