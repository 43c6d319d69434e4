//! Memory for compiled BPF programs.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "grep -E 'bpf_jit|bpf_prog_pack' /proc/vmallocinfo | awk '{s+=$2} END {print s}'",
            "bytes in use; as root",
        ),
        Command::any(
            "cat /proc/sys/net/core/bpf_jit_limit",
            "raise it; a kernel that leaks the memory of seccomp filters needs an update and a reboot",
        ),
    ],
    ..Limit::in_logs(
        Cause::BpfJit,
        "Memory for compiled BPF programs has run out (net.core.bpf_jit_limit): seccomp filters cannot be loaded",
        include_str!("../../../../docs/causes/bpf-jit.md"),
    )
};
