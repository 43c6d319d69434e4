//! /proc/net: counters of each CPU, sockets, and the ports that a range leaves.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::network::{CpuColumns, address, port_range, reserved, socket, sockstat};

fuzz_target!(|data: &[u8]| {
    let mut lines = data.split(|byte| *byte == b'\n');
    let columns = CpuColumns::new(lines.next().unwrap_or_default());
    for line in lines {
        let _ = (
            columns.value(line, "entries"),
            columns.value(line, "drop"),
            sockstat(line, "TCP:", &["inuse", "tw"]),
            address(line),
        );
        let _ = socket(line);
    }
    if let Ok((low, high)) = port_range(data) {
        assert!(low <= high);
    }
    if let Ok(count) = reserved(data, (1_000, 2_000)) {
        assert!(count <= 1_001, "{count}");
    }
});
