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
/// it; so is all that vmalloc has given, and where that is far below the limit there is no need for a list of it all.
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Resource>> {
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
    let vmalloc = read::parsed(host, proc("meminfo"), system::vmalloc_bytes)?;
    // 0 until Linux 5.3, which counts nothing.
    let (used, note) = match vmalloc {
        1.. if vmalloc <= limit / 4 => (
            vmalloc,
            Some("all that vmalloc has given: programs have less"),
        ),
        _ => (allocated(host)?, None),
    };
    let one = Resource::exact(Cause::BpfJit, Subject::sysctl(LIMIT), used, limit, "bytes");
    let note = note.map(str::to_owned);
    Ok(Measurement::estimated(vec![Resource {
        note,
        ..one.estimated()
    }]))
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
