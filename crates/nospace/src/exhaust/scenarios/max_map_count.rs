use anyhow::Context as _;
use nospace_bpf::take::Mapping;
use nospace_core::cause::Cause;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::Errno;

use crate::exhaust::cleanup::NAME;
use crate::exhaust::consumer::Consumer;
use crate::exhaust::scenario::{NO_OPTIONS, Scenario, Start, Started, Unit};
use crate::exhaust::{Headroom, OneByOne, Remote, Target, namespaces};

const LIMIT: &str = "vm/max_map_count";

pub const SCENARIO: Scenario = Scenario {
    target: Target::MaxMapCount,
    name: "max-map-count",
    cause: Cause::MaxMapCount,
    unit: Unit::Things("mapping", "mappings"),
    what: "memory mappings of a private process",
    fails: "mmap there fails with ENOMEM",
    options: NO_OPTIONS,
    // `struct vm_area_struct` with its part of a maple tree.
    memory: 256,
    start: Start::Apart(|_| {
        let limit = namespaces::sysctl(LIMIT, 0)?;
        let process = Remote::start(SCENARIO.name, None)?;
        let path = format!("/proc/{}/maps", process.pid());
        let maps = std::fs::read_to_string(&path).context(path)?;
        let free = limit.saturating_sub(maps.lines().count() as u64);
        let subject = format!("process {}", process.pid());
        Ok(Started::new(subject, process, Headroom::exact(limit, free)))
    }),
};

/// What that process holds.
pub fn held() -> anyhow::Result<Box<dyn Consumer>> {
    let limit = usize::try_from(namespaces::sysctl(LIMIT, 0)?)?;
    let memory = memfd_create(NAME, MemfdFlags::CLOEXEC).context("memfd_create")?;
    ftruncate(&memory, Mapping::LENGTH as u64)?;
    let mappings = OneByOne::new("mmap", Errno::NOMEM, move || Mapping::new(&memory));
    // At the limit there is no memory to be had.
    Ok(Box::new(mappings.with_capacity(limit)))
}
