//! The watches of some instances, from the kernel's directory entries or else from fdinfo.

use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use nospace_core::model::{Descriptor, Place, Provenance, Watch};
use nospace_core::parse::watches::watches;
use nospace_core::watches::{NamedWatch, Naming};

use super::names::Names;
use super::{handles, neighbours};
use crate::collect::run::{Collected, Collection, how_to_see};
use crate::host::{Absent, Asked, Host};

/// What was listed.
pub struct Listed {
    /// Every watch, named as well as possible, in the order of the instances.
    pub watches: Vec<NamedWatch>,
    /// Where the list is from.
    pub source: &'static str,
}

/// A watch of one of the instances, and who named it.
pub struct Found {
    /// Place of the instance in the list that was asked for.
    pub instance: usize,
    /// The watch.
    pub watch: Watch,
    /// Who named it.
    pub naming: Naming,
    /// Whether it was not allowed to open its file by handle.
    pub denied: bool,
}

/// Lists and names the watches of the instances behind `asked`.
pub fn collect(host: &dyn Host, asked: &[Descriptor], names: &mut Names<'_>) -> Collection<Listed> {
    let mut gaps = Vec::new();
    let mut watches = Vec::new();
    let mut nameless = Vec::new();
    let listed = from_kernel(host, asked, |found| match found.watch.place {
        Place::Forgotten => nameless.push(found),
        _ => watches.push(names.watch(found, asked)),
    });
    let (source, provenance) = match listed {
        Ok(()) => ("ebpf", Provenance::Exact),
        Err(absent) => {
            watches.clear();
            nameless = from_fdinfo(host, asked, &mut gaps)?;
            gaps.insert(0, format!(
                "listed from /proc and named by file handle: {absent}; what overlayfs, proc and sysfs hold stays unnamed"
            ));
            ("procfs", Provenance::Estimated)
        }
    };
    nameless.sort_by_key(|one| (one.instance, one.watch.wd));
    handles::name(host, asked, &mut nameless, names);
    neighbours::name(host, asked, &mut nameless, &watches, names);
    gaps.extend(nowhere(&nameless));
    watches.extend(nameless.into_iter().map(|one| names.watch(one, asked)));
    watches.sort_by_key(|watch| (watch.instance, watch.wd));
    Ok(Collected {
        blind: false,
        part: Listed { watches, source },
        provenance,
        gaps,
    })
}

/// Why there are watches without a name although their files could be asked for by handle.
fn nowhere(nameless: &[Found]) -> impl Iterator<Item = String> {
    let lacks = |one: &&Found| one.watch.place == Place::Forgotten && one.watch.handle.is_some();
    let lacking = nameless.iter().filter(lacks);
    let (denied, forgotten): (Vec<&Found>, Vec<&Found>) = lacking.partition(|one| one.denied);
    let reasons = [
        (
            denied.len(),
            "could not be named by file handle; that needs CAP_DAC_READ_SEARCH: run as root",
        ),
        (
            forgotten.len(),
            "without a name: the kernel has forgotten what these files are called, or they were removed, and a handle leads to \
             names of directories only; `find MOUNTPOINT -xdev -inum INODE` searches for one",
        ),
    ];
    let reasons = reasons.into_iter().filter(|(watches, _)| *watches > 0);
    reasons.map(|(watches, why)| format!("{watches} watches {why}"))
}

/// Watches that go from one thread to the other at once.
const BATCH: usize = 1024;
/// And how often that may happen before anybody takes them.
const AHEAD: usize = 16;

/// Gives every watch to `each`, in this thread, while another one reads.
fn from_kernel(host: &dyn Host, asked: &[Descriptor], each: impl FnMut(Found)) -> Asked<()> {
    let (sender, batches) = sync_channel(AHEAD);
    thread::scope(|scope| {
        let reading =
            thread::Builder::new().spawn_scoped(scope, || read_kernel(host, asked, sender));
        let reading = reading.map_err(|error| Absent::Failed(error.to_string()))?;
        take(batches, each);
        reading.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn take(batches: Receiver<Vec<Found>>, each: impl FnMut(Found)) {
    batches.into_iter().flatten().for_each(each);
}

fn read_kernel(host: &dyn Host, asked: &[Descriptor], sender: SyncSender<Vec<Found>>) -> Asked<()> {
    let places: HashMap<Descriptor, usize> = asked.iter().copied().zip(0..).collect();
    let mut batch = Vec::with_capacity(BATCH);
    let mut last = None;
    // The other side listens to the end.
    let send = |batch| drop(sender.send(batch));
    host.watches(asked, &mut |descriptor, watch| {
        let instance = match last {
            Some((known, instance)) if known == descriptor => instance,
            _ => match places.get(&descriptor) {
                Some(&instance) => instance,
                None => return,
            },
        };
        last = Some((descriptor, instance));
        let naming = match watch.place {
            Place::Forgotten => Naming::None,
            _ => Naming::Kernel,
        };
        batch.push(Found {
            instance,
            watch,
            naming,
            denied: false,
        });
        if batch.len() == BATCH {
            send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
        }
    })?;
    send(batch);
    Ok(())
}

fn from_fdinfo(
    host: &dyn Host,
    asked: &[Descriptor],
    gaps: &mut Vec<String>,
) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut missed: BTreeMap<String, u64> = BTreeMap::new();
    for (instance, &descriptor) in asked.iter().enumerate() {
        match read(host, descriptor) {
            Ok(watches) => found.extend(watches?.into_iter().map(|watch| Found {
                instance,
                watch,
                naming: Naming::None,
                denied: false,
            })),
            Err(absent) => *missed.entry(absent.to_string()).or_default() += 1,
        }
    }
    for (why, instances) in missed {
        gaps.push(format!(
            "the watches of {instances} instances cannot be read ({why}); {}",
            how_to_see(host)
        ));
    }
    Ok(found)
}

/// The watches that fdinfo lists.
pub fn read(host: &dyn Host, descriptor: Descriptor) -> Asked<anyhow::Result<Vec<Watch>>> {
    let mut text = Vec::new();
    host.fdinfo(descriptor, &mut |piece| text.extend_from_slice(piece))?;
    Ok(watches(&text).map_err(|malformed| {
        anyhow::anyhow!(
            "/proc/{}/fdinfo/{}: {malformed}",
            descriptor.pid,
            descriptor.fd
        )
    }))
}

/// Whether nothing is to be done about it.
pub fn is_gone<T>(answer: &Asked<T>) -> bool {
    matches!(answer, Err(Absent::Gone))
}
