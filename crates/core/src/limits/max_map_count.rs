//! Memory mappings of a process.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "wc -l /proc/[0-9]*/maps 2>/dev/null | sort -n | tail -4",
            "mappings of the processes that have most; the limit is one for each process",
        ),
        Command::any(
            "cat /proc/sys/vm/max_map_count",
            "raise it on the node, not in the container: 262144 is what Elasticsearch asks for",
        ),
    ],
    ..Limit::in_logs(
        Cause::MaxMapCount,
        "A process has run out of memory mappings (vm.max_map_count); the memory is not used up",
        include_str!("../../../../docs/causes/max-map-count.md"),
    )
};
