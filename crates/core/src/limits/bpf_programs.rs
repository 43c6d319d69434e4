//! BPF programs attached to one hook, or in a chain of tail calls.

use super::{
    Command, Limit, Refusal,
    errno::{E2BIG, ENOSPC},
};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    refusals: &[Refusal::of("bpf", E2BIG), Refusal::of("bpf", ENOSPC)],
    commands: &[
        Command::any(
            "bpftool prog list; bpftool cgroup tree; bpftool net",
            "programs and where they are attached, where bpftool is installed",
        ),
        Command::any(
            "bpftool cgroup detach CGROUP TYPE id ID",
            "takes one off; restart the program that attached it twice",
        ),
    ],
    ..Limit::in_logs(
        Cause::BpfPrograms,
        "Too many BPF programs are attached in one place",
        include_str!("../../../../docs/causes/bpf-programs.md"),
    )
};
