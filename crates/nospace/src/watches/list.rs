//! The watches of some instances, from the kernel's directory entries or else from fdinfo.

use std::collections::{BTreeMap, HashMap};

use nospace_core::model::{Descriptor, Place, Provenance, Watch};
use nospace_core::parse::watches::watches;
use nospace_core::watches::{NamedWatch, Naming};

use super::handles;
use super::names::Names;
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
}

/// Lists and names the watches of the instances behind `asked`.
pub fn collect(host: &dyn Host, asked: &[Descriptor], names: &mut Names<'_>) -> Collection<Listed> {
    let mut gaps = Vec::new();
    let (mut found, source, provenance) = match from_kernel(host, asked) {
        Ok(found) => (found, "ebpf", Provenance::Exact),
        Err(absent) => {
            let found = from_fdinfo(host, asked, &mut gaps)?;
            gaps.insert(0, format!(
                "listed from /proc and named by file handle: {absent}; what overlayfs, proc and sysfs hold stays unnamed"
            ));
            (found, "procfs", Provenance::Estimated)
        }
    };
    found.sort_by_key(|one| (one.instance, one.watch.wd));
    handles::name(host, asked, &mut found, names, &mut gaps);
    let watches = found
        .into_iter()
        .map(|one| names.watch(one, asked))
        .collect();
    Ok(Collected {
        blind: false,
        part: Listed { watches, source },
        provenance,
        gaps,
    })
}

fn from_kernel(host: &dyn Host, asked: &[Descriptor]) -> Asked<Vec<Found>> {
    let places: HashMap<Descriptor, usize> = asked.iter().copied().zip(0..).collect();
    let mut found = Vec::new();
    host.watches(asked, &mut |descriptor, watch| {
        if let Some(&instance) = places.get(&descriptor) {
            let naming = match watch.place {
                Place::Forgotten => Naming::None,
                _ => Naming::Kernel,
            };
            found.push(Found {
                instance,
                watch,
                naming,
            });
        }
    })?;
    Ok(found)
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
