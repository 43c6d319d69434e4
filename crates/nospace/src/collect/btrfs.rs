//! Metadata space of each mounted btrfs.

use nospace_core::amount::bytes;
use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};
use nospace_core::parse::{self, mountinfo::Mount};

use super::run::{CollectResult, Measurement, unanswered};
use super::{mount_table, read};
use crate::host::{Host, ReadError, sys};

const TOP: &str = "fs/btrfs";
/// More file systems, or devices of one, are not asked.
const MAX: usize = 256;
/// sysfs counts in these, whatever a device's own are.
const SECTOR: u64 = 512;

/// Reads the space that is allocated to metadata, and what can still be.
///
/// The last chunk of a device is not always to be had, and a device may be larger than the file system on it: estimated.
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Resource>> {
    let names = match read::names(host, sys(TOP), MAX) {
        Ok((names, _)) => names,
        Err(ReadError::Gone) => Vec::new(),
        Err(error) => return Err(unanswered(sys(TOP), &error)),
    };
    // `features` stands beside them.
    let ids: Vec<String> = names
        .into_iter()
        .filter(|name| name.contains('-'))
        .collect();
    if ids.is_empty() {
        return Ok(Measurement::exact(Vec::new()));
    }
    let mounts = mount_table::read(host)?;
    let mut resources = Vec::new();
    let mut gaps = Vec::new();
    for id in ids {
        match metadata(host, &id, mounts.mounts()) {
            Ok(resource) => resources.push(resource),
            Err(error) => gaps.push(format!("{error:#}")),
        }
    }
    Ok(Measurement::estimated(resources)
        .partial(!gaps.is_empty())
        .with_gaps(gaps))
}

fn metadata(host: &dyn Host, id: &str, mounts: &[Mount]) -> anyhow::Result<Resource> {
    let number = |what: &str| {
        let path = format!("{TOP}/{id}/{what}");
        read::parsed(host, sys(&path), |bytes| parse::number("btrfs", bytes))
    };
    let sum = |prefix: &str, names: &[&str]| {
        names.iter().try_fold(0_u64, |sum, name| {
            let path = format!("allocation/{prefix}{name}");
            Ok::<_, anyhow::Error>(sum.saturating_add(number(&path)?))
        })
    };
    let list = format!("{TOP}/{id}/devices");
    let devices = match read::names(host, sys(&list), MAX) {
        Ok((devices, _)) => devices,
        Err(error) => return Err(unanswered(sys(&list), &error)),
    };
    let sectors = devices.iter().try_fold(0_u64, |sum, device| {
        Ok::<_, anyhow::Error>(sum.saturating_add(number(&format!("devices/{device}/size"))?))
    })?;
    let allocated = sum(
        "",
        &[
            "data/disk_total",
            "metadata/disk_total",
            "system/disk_total",
        ],
    )?;
    let unallocated = sectors.saturating_mul(SECTOR).saturating_sub(allocated);
    let (total, on_disk) = (
        number("allocation/metadata/total_bytes")?,
        number("allocation/metadata/disk_total")?,
    );
    // With two copies of all metadata a chunk holds half of what it takes.
    let copies = on_disk.checked_div(total).unwrap_or(1).max(1);
    let used = sum(
        "metadata/",
        &["bytes_used", "bytes_pinned", "bytes_reserved"],
    )?
    .saturating_add(number("allocation/global_rsv_size")?);
    let note = format!(
        "{} of the devices are not allocated yet",
        bytes(unallocated)
    );
    let limit = total.saturating_add(unallocated / copies);
    let subject = place(&devices, mounts).unwrap_or_else(|| id.to_owned());
    Ok(Resource {
        note: Some(note),
        ..Resource::exact(
            Cause::BtrfsMetadata,
            Subject::Mount(subject),
            used,
            limit,
            "bytes",
        )
        .estimated()
    })
}

/// Where it is mounted, the shortest of all.
fn place(devices: &[String], mounts: &[Mount]) -> Option<String> {
    let is_of = |mount: &&Mount| {
        let device = mount.source.rsplit('/').next();
        mount.fstype == "btrfs" && device.is_some_and(|name| devices.iter().any(|one| one == name))
    };
    let mine = mounts.iter().filter(is_of);
    mine.map(|mount| mount.mountpoint.clone())
        .min_by_key(String::len)
}
