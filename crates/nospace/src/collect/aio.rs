//! Asynchronous I/O requests of the whole system, and who reserved them where they are short.

use nospace_core::cause::Cause;
use nospace_core::model::{Holding, Resource, Subject};
use nospace_core::parse::{self, maps};
use nospace_core::report::thresholds;

use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, ReadResult, proc};

/// Reads fs.aio-nr and fs.aio-max-nr.
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Resource>> {
    let number = |bytes: &[u8]| parse::number("fs.aio-nr", bytes);
    // A kernel without CONFIG_AIO has none to run out of.
    let Some(used) = read::optional(host, proc("sys/fs/aio-nr"), number)? else {
        return Ok(Measurement::exact(Vec::new()));
    };
    let max = read::sysctl(host, "fs.aio-max-nr")?;
    let subject = Subject::sysctl("fs.aio-max-nr");
    let requests = Resource::exact(Cause::Aio, subject, used, max, "requests");
    Ok(Measurement::exact(vec![requests]))
}

/// Who reserved them, by the rings among their mappings; nobody is looked at where there is no pressure, for reading all mappings
/// takes longer than all else. Whose mappings cannot be read is left out: the holders are then fewer than the figure.
pub fn holders(host: &dyn Host, resources: &[Resource]) -> ReadResult<Vec<Holding>> {
    let is_short =
        |one: &&Resource| one.cause == Cause::Aio && thresholds::severity(one.percent()).is_some();
    let Some(short) = resources.iter().find(is_short) else {
        return Ok(Vec::new());
    };
    // Rings have room for more than was reserved, but nobody has more than all.
    let of = |pid| Holding {
        cause: Cause::Aio,
        pid,
        amount: requests(host, pid).min(short.used),
    };
    let holdings = host.pids()?.into_iter().map(of);
    Ok(holdings.filter(|one| one.amount > 0).collect())
}

/// What the rings of a process have room for.
fn requests(host: &dyn Host, pid: u32) -> u64 {
    let mut sum = 0_u64;
    let answer = read::lines(host, proc(&format!("{pid}/maps")), |line| {
        if maps::is_aio_ring(line) {
            sum = sum.saturating_add(maps::aio_requests(line)?);
        }
        Ok(())
    });
    answer.map_or(0, |_| sum)
}
