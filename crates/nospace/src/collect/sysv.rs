//! System V IPC of the IPC namespace that nospace runs in.

use anyhow::ensure;
use nospace_core::model::SysvIpc;
use nospace_core::parse::system;
use nospace_core::parse::sysvipc::Totals;

use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, ReadError, proc};

/// Reads /proc/sysvipc and the limits of kernel.sem, kernel.shm* and kernel.msg*.
pub fn collect(host: &dyn Host) -> CollectResult<SysvIpc> {
    let semaphores = totals(host, "sysvipc/sem", Totals::semaphores())?;
    let segments = totals(host, "sysvipc/shm", Totals::segments(host.look().page_size))?;
    let queues = totals(host, "sysvipc/msg", Totals::queues())?;
    let (max_semaphores, max_semaphore_sets) =
        read::parsed(host, proc("sys/kernel/sem"), system::sem)?;
    Ok(Measurement::exact(SysvIpc {
        semaphore_sets: semaphores.rows(),
        max_semaphore_sets,
        semaphores: semaphores.sum(),
        max_semaphores,
        segments: segments.rows(),
        max_segments: read::sysctl(host, "kernel.shmmni")?,
        segment_pages: segments.sum(),
        max_segment_pages: read::sysctl(host, "kernel.shmall")?,
        queues: queues.rows(),
        max_queues: read::sysctl(host, "kernel.msgmni")?,
    }))
}

fn totals(host: &dyn Host, path: &str, mut totals: Totals) -> anyhow::Result<Totals> {
    let is_there = read::lines(host, proc(path), |line| totals.add(line))?;
    ensure!(is_there, "{}: {}", proc(path), ReadError::Gone);
    Ok(totals)
}
