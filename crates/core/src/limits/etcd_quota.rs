//! The space quota of etcd's database.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "etcdctl endpoint status -w table; etcdctl alarm list",
            "size of the database against --quota-backend-bytes, and the alarm",
        ),
        Command::any(
            "etcdctl compact REVISION; etcdctl defrag; etcdctl alarm disarm",
            "in this order: nothing is accepted until the alarm is disarmed",
        ),
    ],
    ..Limit::in_logs(
        Cause::EtcdQuota,
        "etcd has reached its space quota and accepts no writes; its disk may have room",
        include_str!("../../../../docs/causes/etcd-quota.md"),
    )
};
