//! System V IPC of the IPC namespace that nospace runs in.

use nospace_core::model::SysvIpc;
use nospace_core::parse::{self, system, sysvipc};

use super::read;
use super::run::{Collected, Collection};
use crate::host::{Host, proc};

/// Reads /proc/sysvipc and the limits of kernel.sem, kernel.shm* and kernel.msg*.
pub fn collect(host: &dyn Host) -> Collection<SysvIpc> {
    let pairs = |path, parse: fn(&[u8]) -> parse::Parsed<(u64, u64)>| {
        read::optional(host, proc(path), parse).map(Option::unwrap_or_default)
    };
    let (semaphore_sets, semaphores) = pairs("sysvipc/sem", sysvipc::semaphores)?;
    let (segments, segment_bytes) = pairs("sysvipc/shm", sysvipc::segments)?;
    let queues = read::optional(host, proc("sysvipc/msg"), |bytes| {
        Ok(sysvipc::queues(bytes))
    })?;
    let (max_semaphores, max_semaphore_sets) =
        read::parsed(host, proc("sys/kernel/sem"), system::sem)?;
    Ok(Collected::exact(SysvIpc {
        semaphore_sets,
        max_semaphore_sets,
        semaphores,
        max_semaphores,
        segments,
        max_segments: read::sysctl(host, "kernel.shmmni")?,
        segment_pages: segment_bytes.div_ceil(rustix::param::page_size() as u64),
        max_segment_pages: read::sysctl(host, "kernel.shmall")?,
        queues: queues.unwrap_or_default(),
        max_queues: read::sysctl(host, "kernel.msgmni")?,
    }))
}
