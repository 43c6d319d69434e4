//! Single files of the whole system.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::{maps, system, sysvipc};

fuzz_target!(|data: &[u8]| {
    let _ = (
        maps::is_aio_ring(data),
        maps::aio_requests(data),
        system::file_nr(data),
        system::threads(data),
        system::sem(data),
        system::memory_bytes(data),
    );
    for mut totals in [
        sysvipc::Totals::semaphores(),
        sysvipc::Totals::segments(4096),
        sysvipc::Totals::queues(),
    ] {
        let _ = data
            .split(|byte| *byte == b'\n')
            .try_for_each(|line| totals.add(line));
    }
});
