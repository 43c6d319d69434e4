//! File systems: tmpfs, and ext4 in a file, each in a mount namespace of its own.

use std::fs;
use std::path::Path;

use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::of_a_guest;
use crate::exhaust::{Exhaust, no_disk_quotas};
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

pub fn rows() -> Vec<Row> {
    vec![
        Row {
            cause: Cause::DiskBlocks,
            which: "tmpfs",
            how: How::Scenario("blocks", blocks),
        },
        Row {
            cause: Cause::DiskBlocks,
            which: "ext4 with blocks reserved for root",
            how: How::Real(ext4),
        },
        Row {
            cause: Cause::DiskInodes,
            which: "tmpfs",
            how: How::Scenario("inodes", inodes),
        },
        Row {
            cause: Cause::DiskInodes,
            which: "of /dev/shm",
            how: How::Real(inodes_of_shm),
        },
        Row {
            cause: Cause::DevShm,
            which: "",
            how: How::Real(blocks_of_shm),
        },
        Row {
            cause: Cause::DiskQuota,
            which: "of a project on ext4",
            how: How::Scenario("disk-quota", quota),
        },
        of_a_guest(
            Cause::DiskQuota,
            ("/var/lib/volumes/pvc-1", "bytes", 2_044_928, 2_048_000),
            "many kernels are built without the format of quotas",
        ),
        of_a_guest(
            Cause::BtrfsMetadata,
            ("/var/lib/btrfs", "bytes", 118_702_080, 123_731_968),
            "it takes mkfs.btrfs, and a minute to fill",
        ),
        Row {
            cause: Cause::DiskSpace,
            which: "",
            how: How::OnlyInLogs {
                words: || {
                    Ok(Some(
                        "mkdir /var/lib/kubelet/pods/1: no space left on device".to_owned(),
                    ))
                },
                why: "statfs tells blocks from inodes, so check says disk-blocks or disk-inodes",
            },
        },
    ]
}

fn blocks() -> anyhow::Result<Option<Exhausted>> {
    let exhaust = Exhaust::start(&["blocks", "--limit", "1"])?;
    let directory = exhaust.subject().to_owned();
    Ok(Some(Exhausted {
        place: Place::of(exhaust, &[]),
        victim: Victim::new(format!("cp /bin/sh {directory}/more")),
        expected: Expected::full(directory, "bytes", 1 << 20),
    }))
}

fn inodes() -> anyhow::Result<Option<Exhausted>> {
    let exhaust = Exhaust::start(&["inodes", "--limit", "40"])?;
    let directory = exhaust.subject().to_owned();
    Ok(Some(Exhausted {
        place: Place::of(exhaust, &[]),
        victim: Victim::new(format!("touch {directory}/more")),
        // One more is the root of the tmpfs.
        expected: Expected::full(directory, "inodes", 41),
    }))
}

/// nospace and the victim are in its mount namespace, where nobody else sees it.
fn quota() -> anyhow::Result<Option<Exhausted>> {
    if let Some(why) = no_disk_quotas()? {
        eprintln!("skipped: {why}");
        return Ok(None);
    }
    let exhaust = Exhaust::start(&["disk-quota", "--limit", "2"])?;
    let directory = exhaust.subject().to_owned();
    Ok(Some(Exhausted {
        place: Place::of(exhaust, &["mnt"]),
        // As root with CAP_SYS_RESOURCE it would not be refused.
        victim: Victim::new(format!(
            "setpriv --reuid=1899999033 --regid=1899999033 --clear-groups cp /bin/sh {directory}/more"
        )),
        expected: Expected::full(directory, "bytes", 2 << 20),
    }))
}

/// The place is a mount namespace of its own.
fn shm(options: &str, what: &str) -> anyhow::Result<Place> {
    let mut place = Place::new(&["--instances=0"], &["mnt"])?;
    place.run(&format!(
        "mount -t tmpfs -o {options} nospace-limits /dev/shm"
    ))?;
    place.exhaust(&format!("{what} /dev/shm"), Errno::NOSPC)?;
    Ok(place)
}

fn blocks_of_shm() -> anyhow::Result<Option<Exhausted>> {
    Ok(Some(Exhausted {
        place: shm("size=1m", "blocks")?,
        expected: Expected::full("/dev/shm", "bytes", 1 << 20),
        victim: Victim::new("cp /bin/sh /dev/shm/more"),
    }))
}

fn inodes_of_shm() -> anyhow::Result<Option<Exhausted>> {
    Ok(Some(Exhausted {
        place: shm("size=1m,nr_inodes=40", "inodes")?,
        expected: Expected::full("/dev/shm", "inodes", 40),
        victim: Victim::unexplained(
            "touch /dev/shm/more",
            "a path below /dev/shm is taken for dev-shm, which has room: its inodes are used up",
        ),
    }))
}

/// Nobody but root could still write: what it has used up is what is not reserved for root.
fn ext4() -> anyhow::Result<Option<Exhausted>> {
    let filesystems = fs::read_to_string("/proc/filesystems")?;
    if !Path::new("/dev/loop-control").exists() || !filesystems.contains("ext4") {
        eprintln!("skipped: no loop devices or no ext4 here");
        return Ok(None);
    }
    let mut place = Place::new(&["--instances=0"], &["mnt"])?;
    place.run(
        "mount -t tmpfs -o size=40m nospace-limits /mnt
         mkdir /mnt/ext4
         truncate -s 32m /mnt/image
         mkfs.ext4 -q -m 5 /mnt/image
         mount -o loop /mnt/image /mnt/ext4
         chmod 777 /mnt/ext4",
    )?;
    place.tell("become 1899999032")?;
    place.exhaust("blocks /mnt/ext4", Errno::NOSPC)?;
    let root = format!("/proc/{}/root/mnt/ext4", place.pid()?);
    let space = rustix::fs::statvfs(root)?;
    anyhow::ensure!(space.f_bavail == 0 && space.f_bfree > 0, "no reserve");
    let used = (space.f_blocks - space.f_bfree) * space.f_frsize;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full("/mnt/ext4", "bytes", used),
        victim: Victim::new(
            "setpriv --reuid=1899999032 --regid=1899999032 --clear-groups cp /bin/sh /mnt/ext4/more",
        ),
    }))
}
