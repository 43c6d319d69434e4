//! Entries of a BPF map.

use super::{
    Command, Limit, Refusal,
    errno::{E2BIG, ENOSPC},
};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    refusals: &[Refusal::of("bpf", E2BIG), Refusal::of("bpf", ENOSPC)],
    commands: &[
        Command::any(
            "bpftool map list; bpftool map dump id ID | tail -1",
            "max_entries of each map, and how many elements one has, where bpftool is installed",
        ),
        Command::any(
            "cilium config view | grep -i bpf-",
            "Cilium sets the sizes by bpf-lb-map-max, bpf-policy-map-max, bpf-ct-global-tcp-max",
        ),
    ],
    ..Limit::in_logs(
        Cause::BpfMap,
        "A BPF map is full; no disk is full, and no argument list is too long",
        include_str!("../../../../docs/causes/bpf-map.md"),
    )
};
