//! Memory for compiled BPF programs.

use std::ops::ControlFlow;

use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};
use nospace_core::parse::system;

use super::networks::{of_first, only_in_first};
use super::read;
use super::run::{CollectResult, Measurement, unanswered};
use crate::host::{Host, ReadError, proc};

const LIMIT: &str = "net.core.bpf_jit_limit";
/// What /proc/vmallocinfo calls the callers that allocate it (kernel/bpf/core.c).
const CALLERS: [&str; 2] = ["bpf_jit", "bpf_prog_pack"];

/// Reads the limit and what was allocated for programs.
///
/// The kernel's own count (`bpf_jit_current`) is shown nowhere. Programs share blocks, so what is allocated is an upper bound of
/// it; so is all that vmalloc has given, without the stacks of threads if those are part of it (`vmapped_stacks`). Where that is far below
/// the limit there is no need for a list of it all, which has a line for each thread, and 10 µs of work for each line.
pub fn collect(host: &dyn Host, vmapped_stacks: bool) -> CollectResult<Vec<Resource>> {
    let path = read::sysctl_path(LIMIT);
    let answer = read::bytes(host, proc(&path));
    // Only root may read it.
    if answer == Err(ReadError::Denied) {
        let gap = format!("{}: permission denied; run as root", proc(&path));
        return Ok(Measurement::estimated(Vec::new())
            .partial(true)
            .with_gaps(vec![gap]));
    }
    let Some(limit) = of_first(host, LIMIT)? else {
        // A kernel without the compiler, unless others of the first network namespace's own are missing, too.
        let is_there = |key| {
            host.read(proc(&read::sysctl_path(key)), 64, &mut Vec::new())
                .is_ok()
        };
        let hidden = is_there("net.core.somaxconn") && !is_there("net.core.netdev_max_backlog");
        let gap = || only_in_first(LIMIT);
        return Ok(
            Measurement::exact(Vec::new()).out_of_sight(hidden.then(gap).into_iter().collect())
        );
    };
    let (used, note) = used(host, limit, vmapped_stacks)?;
    let one = Resource::exact(Cause::BpfJit, Subject::sysctl(LIMIT), used, limit, "bytes");
    Ok(Measurement::estimated(vec![Resource {
        note: note.map(str::to_owned),
        ..one.estimated()
    }]))
}

/// An upper bound of what programs have, in bytes, with what it is where it is no sum of what was allocated for them.
fn used(
    host: &dyn Host,
    limit: u64,
    vmapped_stacks: bool,
) -> anyhow::Result<(u64, Option<&'static str>)> {
    let (vmalloc, stacks) = read::parsed(host, proc("meminfo"), |meminfo| {
        // A kernel that does not say is assumed to have none: an upper bound all the same.
        let stacks = system::stack_bytes(meminfo).unwrap_or(0);
        Ok((system::vmalloc_bytes(meminfo)?, stacks))
    })?;
    // 0 until Linux 5.3, which counts nothing.
    let is_enough = |bound: u64| vmalloc > 0 && bound <= limit / 4;
    if is_enough(vmalloc) {
        let note = "all that vmalloc has given: programs have less";
        return Ok((vmalloc, Some(note)));
    }
    let without_stacks = vmalloc.saturating_sub(stacks);
    if vmapped_stacks && is_enough(without_stacks) {
        let note = "all that vmalloc has given but for stacks of threads: programs have less";
        return Ok((without_stacks, Some(note)));
    }
    Ok((allocated(host)?, None))
}

/// The sum of what these callers allocated.
fn allocated(host: &dyn Host) -> anyhow::Result<u64> {
    let mut sum = 0_u64;
    let at = proc("vmallocinfo");
    let answer = host.lines(at, &mut |line| {
        sum = sum.saturating_add(system::vmalloc_of(line, &CALLERS).unwrap_or(0));
        ControlFlow::Continue(())
    });
    match answer {
        Ok(()) => Ok(sum),
        Err(ReadError::Denied) => anyhow::bail!("{at}: permission denied; run as root"),
        Err(error) => Err(unanswered(at, &error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::live::{Live, Roots};

    const LIMIT_KIB: u64 = 512 * 1024;

    /// What is used by a node with these sums in KiB, and a list of two pages of programs.
    fn used_with(vmalloc: u64, stacks: u64, vmapped: bool) -> (u64, Option<&'static str>) {
        let meminfo = format!("KernelStack: {stacks} kB\nVmallocUsed: {vmalloc} kB\n");
        used_of(&meminfo, vmapped)
    }

    /// Likewise, with this meminfo.
    fn used_of(meminfo: &str, vmapped: bool) -> (u64, Option<&'static str>) {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("meminfo"), meminfo).expect("a file");
        fs::write(directory.path().join("vmallocinfo"), LIST).expect("a file");
        let roots = Roots {
            proc: directory.path().to_owned(),
            ..Roots::default()
        };
        let host = Live::open(&roots, false).expect("a live host");
        let (used, note) = used(&host, LIMIT_KIB * 1024, vmapped).expect("a figure");
        (used / 1024, note)
    }

    const LIST: &str = "\
0xffffa0-0xffffb0   20480 kernel_clone+0x9d/0x4a0 pages=4 vmalloc N0=4
0xffffb0-0xffffc0    8192 bpf_jit_alloc_exec+0xe/0x20 pages=1 vmalloc
0xffffc0-0xffffd0   65536 pcpu_create_chunk+0x1/0x2 vmalloc
";

    #[test]
    fn what_vmalloc_has_given_is_enough_far_below_the_limit() {
        let (used, note) = used_with(LIMIT_KIB / 4, 16, false);
        assert_eq!(used, LIMIT_KIB / 4);
        assert_eq!(note, Some("all that vmalloc has given: programs have less"));
    }

    #[test]
    fn stacks_of_threads_are_no_programs() {
        let (used, note) = used_with(LIMIT_KIB, LIMIT_KIB - 100, true);
        assert_eq!(used, 100);
        assert!(note.is_some_and(|note| note.contains("stacks of threads")));
    }

    #[test]
    fn a_kernel_that_does_not_count_stacks_has_a_figure() {
        let vmalloc = |kib| format!("VmallocUsed: {kib} kB\n");
        let (used, note) = used_of(&vmalloc(16), true);
        assert_eq!(used, 16);
        assert_eq!(note, Some("all that vmalloc has given: programs have less"));
        assert_eq!(used_of(&vmalloc(LIMIT_KIB), true), (8, None));
    }

    #[test]
    fn otherwise_it_takes_the_list() {
        // Stacks that are elsewhere; too much besides stacks; Linux before 5.3, which counts nothing.
        for (vmalloc, stacks, vmapped) in [
            (LIMIT_KIB, LIMIT_KIB - 100, false),
            (LIMIT_KIB, 100, true),
            (0, 100, true),
        ] {
            assert_eq!(used_with(vmalloc, stacks, vmapped), (8, None));
        }
    }
}
