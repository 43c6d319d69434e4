//! The watches of some instances, from the kernel's directory entries or else from fdinfo.

use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use nospace_core::amount::count;
use nospace_core::model::Descriptor;

use super::fdinfo;
use super::watch::InstanceWatch;
use crate::collect::run::how_to_see;
use crate::host::{Host, ReadError, ReadResult};

/// Watches that are handed from one thread to the other at once.
const BATCH: usize = 1024;
/// Batches that may wait.
const WAITING_BATCHES: usize = 16;

/// Gives every watch of the instances behind `descriptors` to `each`, in this thread, while another one reads.
pub fn from_kernel(
    host: &dyn Host,
    descriptors: &[Descriptor],
    each: impl FnMut(InstanceWatch),
) -> ReadResult<()> {
    let (sender, batches) = sync_channel(WAITING_BATCHES);
    thread::scope(|scope| {
        let reading = thread::Builder::new()
            .spawn_scoped(scope, || read_kernel(host, descriptors, sender))
            .map_err(|error| ReadError::Failed(error.to_string()))?;
        batches.into_iter().flatten().for_each(each);
        reading.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn read_kernel(
    host: &dyn Host,
    descriptors: &[Descriptor],
    sender: SyncSender<Vec<InstanceWatch>>,
) -> ReadResult<()> {
    let indices: HashMap<Descriptor, usize> = descriptors.iter().copied().zip(0..).collect();
    let mut batch = Vec::with_capacity(BATCH);
    let mut last = None;
    // The other side listens to the end.
    let send = |batch| drop(sender.send(batch));
    host.watches(descriptors, &mut |descriptor, watch| {
        let instance = match last {
            Some((known, instance)) if known == descriptor => instance,
            _ => match indices.get(&descriptor) {
                Some(&instance) => instance,
                None => return,
            },
        };
        last = Some((descriptor, instance));
        batch.push(InstanceWatch::new(instance, watch));
        if batch.len() == BATCH {
            send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
        }
    })?;
    send(batch);
    Ok(())
}

/// The watches of the instances behind `descriptors`, none with a name; what could not be read is among `gaps`.
///
/// # Errors
///
/// A fdinfo file is malformed.
pub fn from_fdinfo(
    host: &dyn Host,
    descriptors: &[Descriptor],
    gaps: &mut Vec<String>,
) -> anyhow::Result<Vec<InstanceWatch>> {
    let mut all = Vec::new();
    let mut unreadable: BTreeMap<String, u64> = BTreeMap::new();
    for (instance, &descriptor) in descriptors.iter().enumerate() {
        match fdinfo::read(host, descriptor) {
            Ok(watches) => {
                let watches = watches?.into_iter();
                all.extend(watches.map(|watch| InstanceWatch::new(instance, watch)));
            }
            Err(error) => *unreadable.entry(error.to_string()).or_default() += 1,
        }
    }
    for (why, instances) in unreadable {
        gaps.push(format!(
            "the watches of {} cannot be read ({why}); {}",
            count(instances, "instance", "instances"),
            how_to_see(host)
        ));
    }
    Ok(all)
}
