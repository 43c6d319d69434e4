//! A set of ipset or nftables.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "ipset list -t; nft list sets",
            "entries and size of each set, by whichever of the two programs the firewall uses",
        ),
        Command::any(
            "ipset create NEW hash:ip maxelem 262144; ipset swap NEW OLD; ipset destroy NEW",
            "a set's size is fixed when it is created; in nftables declare a larger size",
        ),
    ],
    ..Limit::in_logs(
        Cause::SetFull,
        "A set of a firewall (ipset or nftables) is full",
        include_str!("../../../../docs/causes/set-full.md"),
    )
};
