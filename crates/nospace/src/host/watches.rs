//! Watches as the kernel's directory entries name them, and files by their handles.

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nospace_bpf::accounting::Accountant;
use nospace_bpf::handle;
use nospace_bpf::watches::{Lister, Place as Walked, Watch as Listed};
use nospace_core::model::{Descriptor, FileHandle, Place, Watch};
use nospace_core::parse::lossy;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Statx, StatxFlags, openat2, statx};
use rustix::io::Errno;

use super::{Absent, Asked};

/// Lists the watches of the instances behind `of`.
pub fn list(
    accountant: &mut Option<Accountant>,
    of: &[Descriptor],
    each: &mut dyn FnMut(Descriptor, Watch),
) -> Asked<()> {
    let failed = |error: &dyn std::fmt::Display| Absent::Failed(error.to_string());
    let mut loaded = match accountant.take() {
        Some(loaded) => loaded,
        None => Accountant::load().map_err(|unsupported| failed(&unsupported))?,
    };
    // Identities are those of this moment: the kernel uses them again.
    let tally = loaded.account().map_err(|error| failed(&error))?;
    *accountant = Some(loaded);
    let wanted: HashSet<&Descriptor> = of.iter().collect();
    let identities: HashMap<u64, Descriptor> = tally
        .instances
        .iter()
        .filter_map(|instance| {
            let holders = instance.holders.iter().map(|holder| Descriptor {
                pid: holder.pid,
                fd: holder.fd,
            });
            let known = holders.into_iter().find(|one| wanted.contains(one))?;
            Some((instance.identity, known))
        })
        .collect();
    let mut lister = Lister::load().map_err(|unsupported| failed(&unsupported))?;
    let listed = lister.list(identities.keys().copied(), |listed| {
        if let Some(&descriptor) = identities.get(&listed.identity) {
            each(descriptor, watch(listed));
        }
    });
    listed.map_err(|error| failed(&error))
}

fn watch(listed: Listed) -> Watch {
    Watch {
        wd: listed.wd,
        inode: listed.inode,
        device: listed.device,
        mask: listed.mask,
        handle: None,
        place: match listed.place {
            Walked::Path(path) => Place::Path(text(path)),
            Walked::Deleted(path) => Place::Deleted(text(path)),
            Walked::Unreachable(path) => Place::Unreachable(text(path)),
            Walked::Forgotten => Place::Forgotten,
        },
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|raw| lossy(raw.as_bytes()))
}

/// Names the files with these handles, from the open directory `mount`.
pub fn by_handle(
    proc: &OwnedFd,
    mount: &OwnedFd,
    handles: &[&FileHandle],
) -> Asked<Vec<Asked<Place>>> {
    let begin = name(proc, mount)?;
    let begin = begin.strip_suffix(b"/").unwrap_or(&begin);
    let place = |handle: &&FileHandle| place(proc, (mount, begin), handle);
    Ok(handles.iter().map(place).collect())
}

fn place(proc: &OwnedFd, (mount, begin): (&OwnedFd, &[u8]), handle: &FileHandle) -> Asked<Place> {
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
            Place::Deleted(lossy(path.strip_suffix(b" (deleted)").unwrap_or(path)))
        }
        Some(path) if same(mount, path, &stat) => Place::Path(lossy(path)),
        _ => Place::Forgotten,
    })
}

/// What the kernel calls an open file.
fn name(proc: &OwnedFd, file: &OwnedFd) -> Asked<Vec<u8>> {
    let link = format!("self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::readlinkat(proc, link, Vec::new())?.into_bytes())
}

/// A file that the kernel knows by its handle alone has a name that leads nowhere, or elsewhere.
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
