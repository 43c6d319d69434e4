//! The buffer for the BPF verifier's log.

use super::{Command, Limit, Refusal, errno::ENOSPC};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    refusals: &[Refusal::of("bpf", ENOSPC)],
    commands: &[
        Command::any(
            "bpftool prog load OBJECT /sys/fs/bpf/x -d",
            "loads the program with a larger log, and shows why it was refused",
        ),
        Command::any(
            "uname -r",
            "a program built for another kernel is refused and fills the log: update the agent or its driver",
        ),
    ],
    ..Limit::in_logs(
        Cause::BpfLog,
        "The buffer for the BPF verifier's log is too small; no disk is full",
        include_str!("../../../../docs/causes/bpf-log.md"),
    )
};
