//! Watches as the kernel's directory entries name them, and files by their handles.

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use foldhash::fast::RandomState;
use nospace_bpf::accounting::Holder;
use nospace_bpf::handle;
use nospace_bpf::watches::{Listed, Lister, Place as Walked, WatchedFile};
use nospace_core::model::{Descriptor, FileHandle, Place, Watch};
use nospace_core::parse::lossy;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags, Statx, StatxFlags, openat2, statx};
use rustix::io::Errno;

use super::accounting::AccountingCache;
use super::{ReadError, ReadResult};
use crate::parallel::share_waiting;

/// Lists the watches of the instances behind `of`, as the last look found them; looks where there was none.
pub fn list(
    accounting: &mut AccountingCache,
    of: &[Descriptor],
    each: &mut dyn FnMut(Descriptor, Watch),
) -> ReadResult<()> {
    let failed = |error: &dyn std::fmt::Display| ReadError::Failed(error.to_string());
    let (lister, looked) = std::thread::scope(|scope| {
        // The two sets of programs are loaded side by side, on a second thread if there is one.
        let lister = std::thread::Builder::new().spawn_scoped(scope, Lister::load);
        let looked = match accounting.instances.is_empty() {
            true => accounting.read(None).map(|_| ()),
            false => Ok(()),
        };
        let lister = lister.ok().and_then(|lister| lister.join().ok());
        (lister.unwrap_or_else(Lister::load), looked)
    });
    looked?;
    let mut lister = lister.map_err(|unsupported| failed(&unsupported))?;
    let wanted: HashSet<&Descriptor> = of.iter().collect();
    let held: HashMap<u64, Holder> = accounting
        .instances
        .iter()
        .filter_map(|instance| {
            let mut holders = instance.holders.iter();
            let known = holders.find(|one| wanted.contains(&descriptor(one)))?;
            Some((instance.identity, *known))
        })
        .collect();
    let instances = held.iter().map(|(&identity, &holder)| (identity, holder));
    let mut files: HashMap<u64, Watch, RandomState> = HashMap::default();
    // One instance's watches come one after the other.
    let mut last = None;
    let mut without_file = 0_u64;
    let listed = lister.list(instances, |listed| {
        let listed = match listed {
            Listed::File(file) => {
                files.insert(file.address, unwatched(file));
                return;
            }
            Listed::Watch(listed) => listed,
        };
        let holder = match last {
            Some((identity, holder)) if identity == listed.identity => holder,
            _ => match held.get(&listed.identity) {
                Some(holder) => descriptor(holder),
                None => return,
            },
        };
        last = Some((listed.identity, holder));
        let Some(file) = files.get(&listed.file) else {
            without_file += 1;
            return;
        };
        let watch = Watch {
            wd: listed.wd,
            mask: listed.mask,
            ..file.clone()
        };
        each(holder, watch);
    });
    listed.map_err(|error| failed(&error))?;
    match without_file {
        0 => Ok(()),
        n => Err(ReadError::Failed(format!(
            "{n} watches came without their files from nospace's BPF program: please report this bug"
        ))),
    }
}

fn descriptor(holder: &Holder) -> Descriptor {
    Descriptor {
        pid: holder.pid,
        fd: holder.fd,
    }
}

/// What all watches on a file have in common.
fn unwatched(file: WatchedFile) -> Watch {
    Watch {
        wd: 0,
        mask: 0,
        inode: file.inode,
        file: Some(file.address),
        device: file.device,
        handle: None,
        place: match file.place {
            Walked::Path(path) => Place::Path(text(path)),
            Walked::Deleted(path) => Place::Deleted(text(path)),
            Walked::Unreachable(path) => Place::Unreachable(text(path)),
            Walked::Forgotten => Place::Forgotten,
        },
    }
}

fn text(bytes: Vec<u8>) -> Arc<str> {
    String::from_utf8(bytes)
        .unwrap_or_else(|raw| lossy(raw.as_bytes()))
        .into()
}

/// Names the files with these handles, from the open directory `mount`.
pub fn by_handle(
    proc: &OwnedFd,
    mount: &OwnedFd,
    handles: &[&FileHandle],
) -> ReadResult<Vec<ReadResult<Place>>> {
    let begin = name(proc, mount)?;
    let begin = begin.strip_suffix(b"/").unwrap_or(&begin);
    let numbered: Vec<_> = handles.iter().enumerate().collect();
    let parts = share_waiting(&numbered, |(number, handle), named: &mut Vec<_>| {
        named.push((*number, place(proc, (mount, begin), handle)));
    });
    let mut places: Vec<_> = parts.into_iter().flatten().collect();
    places.sort_by_key(|(number, _)| *number);
    Ok(places.into_iter().map(|(_, place)| place).collect())
}

fn place(
    proc: &OwnedFd,
    (mount, begin): (&OwnedFd, &[u8]),
    handle: &FileHandle,
) -> ReadResult<Place> {
    let file = match handle::open(mount.as_fd(), handle.kind, &handle.bytes) {
        Ok(file) => file,
        Err(error) if error.raw_os_error() == Some(Errno::STALE.raw_os_error()) => {
            return Ok(Place::Forgotten);
        }
        Err(error) => return Err(error.into()),
    };
    let named = name(proc, &file)?;
    let stat = look(&file)?;
    let below = named
        .strip_prefix(begin)
        .filter(|rest| rest.is_empty() || rest.starts_with(b"/"));
    Ok(match below {
        Some(path) if stat.stx_nlink == 0 => {
            Place::Deleted(lossy(path.strip_suffix(b" (deleted)").unwrap_or(path)).into())
        }
        Some(path) if same(mount, path, &stat) => Place::Path(lossy(path).into()),
        _ => Place::Forgotten,
    })
}

/// What lies in `directory` and is wanted: by the inode number of the entry, and then of the file, which a mount may hide.
pub fn find_in(
    directory: OwnedFd,
    device: (u32, u32),
    is_wanted: &dyn Fn(u64) -> bool,
) -> ReadResult<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let mut entries = Dir::new(directory)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        if !is_wanted(entry.ino()) {
            continue;
        }
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        let Ok(stat) = statx(entries.fd()?, entry.file_name(), flags, StatxFlags::INO) else {
            continue;
        };
        let is = (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino);
        if is == (device.0, device.1, entry.ino()) {
            found.push((lossy(entry.file_name().to_bytes()), entry.ino()));
        }
    }
    Ok(found)
}

/// What the kernel calls an open file.
fn name(proc: &OwnedFd, file: &OwnedFd) -> ReadResult<Vec<u8>> {
    let link = format!("self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::readlinkat(proc, link, Vec::new())?.into_bytes())
}

/// A file that the kernel knows by its handle alone has a name that leads nowhere, or elsewhere; and what lies outside of the
/// directory that is mounted is called `/` (fs/d_path.c, `prepend_path`).
fn same(mount: &OwnedFd, path: &[u8], stat: &Statx) -> bool {
    let path = match path.strip_prefix(b"/").unwrap_or(path) {
        b"" => b".",
        path => path,
    };
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
    let found = openat2(mount, path, flags, Mode::empty(), resolve).ok();
    let found = found.and_then(|file| look(&file).ok());
    found.is_some_and(|found| {
        (found.stx_ino, found.stx_dev_major, found.stx_dev_minor)
            == (stat.stx_ino, stat.stx_dev_major, stat.stx_dev_minor)
    })
}

fn look(file: &OwnedFd) -> Result<Statx, Errno> {
    let what = StatxFlags::INO | StatxFlags::NLINK;
    statx(file, "", AtFlags::EMPTY_PATH, what)
}
