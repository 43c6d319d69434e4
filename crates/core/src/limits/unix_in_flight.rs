//! Descriptors of a user that are sent and not yet received.

use super::{Command, Limit, Refusal, errno::ETOOMANYREFS};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    refusals: &[
        Refusal::of("sendmsg", ETOOMANYREFS),
        Refusal::of("sendmmsg", ETOOMANYREFS),
    ],
    commands: &[
        Command::any(
            "grep 'open files' /proc/PID/limits",
            "the limit is the sender's RLIMIT_NOFILE, for all of the user's processes together",
        ),
        Command::any(
            "ss -xp",
            "Unix sockets with unread data: the receiver that does not read holds the descriptors; restart it",
        ),
    ],
    ..Limit::in_logs(
        Cause::UnixInFlight,
        "A user has too many descriptors in flight over Unix sockets",
        include_str!("../../../../docs/causes/unix-in-flight.md"),
    )
};
