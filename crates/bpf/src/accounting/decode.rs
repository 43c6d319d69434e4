use std::collections::{BTreeMap, HashMap};
use std::io;

use super::model::{
    Accounting, Counter, Holder, Instance, Namespaces, Process, UserCounters, UserKey,
};
use crate::records::{take, until_nul};
use crate::skeleton::accounting::types::{
    epoll_record, instance_record, namespaces_record, process_record, record_kind, user_record,
};

/// The records of one pass, by the addresses of the kernel's structs.
#[derive(Default)]
pub struct Records {
    users: HashMap<u64, user_record>,
    instances: HashMap<u64, (instance_record, Vec<Holder>)>,
    processes: BTreeMap<u32, Process>,
    epoll: BTreeMap<u32, u64>,
    namespaces: Vec<Namespaces>,
}

impl Records {
    /// Decodes what the iterators wrote.
    pub fn decode(mut bytes: &[u8]) -> io::Result<Self> {
        let mut records = Self::default();
        while let Some((kind, _)) = bytes.split_first_chunk::<4>() {
            let known = match record_kind(u32::from_ne_bytes(*kind)) {
                record_kind::RECORD_USER => take(&mut bytes).map(|r| records.user(r)),
                record_kind::RECORD_INSTANCE => take(&mut bytes).map(|r| records.instance(&r)),
                record_kind::RECORD_PROCESS => take(&mut bytes).map(|r| records.process(&r)),
                record_kind::RECORD_EPOLL => take(&mut bytes).map(|r: epoll_record| {
                    records.epoll.insert(r.uid, r.watches);
                }),
                record_kind::RECORD_NAMESPACES => {
                    take(&mut bytes).map(|r| records.namespaces.push(namespaces(&r)))
                }
                _ => None,
            };
            known.ok_or_else(malformed)?;
        }
        if bytes.is_empty() {
            Ok(records)
        } else {
            Err(malformed())
        }
    }

    fn user(&mut self, record: user_record) {
        self.users.insert(record.ucounts, record);
    }

    fn instance(&mut self, record: &instance_record) {
        let (latest, holders) = self
            .instances
            .entry(record.group)
            .or_insert_with(|| (*record, Vec::new()));
        *latest = *record;
        holders.push(Holder {
            pid: record.pid,
            tid: record.tid,
            fd: record.fd,
        });
    }

    fn process(&mut self, record: &process_record) {
        let process = self.processes.entry(record.pid).or_insert_with(|| Process {
            pid: record.pid,
            comm: until_nul(&record.comm).to_vec(),
            descriptors: 0,
            descriptor_limit: record.descriptor_limit,
        });
        process.descriptors = process.descriptors.max(record.descriptors);
    }

    /// Resolves the references between the records.
    pub fn into_accounting(self) -> Accounting {
        let mut users: Vec<UserCounters> = self.users.values().map(|u| self.counters(u)).collect();
        users.sort_by_key(|u| u.key);
        let mut instances: Vec<Instance> = self
            .instances
            .iter()
            .map(|(&identity, (record, holders))| Instance {
                identity,
                charged: self.users.get(&record.ucounts).map(key),
                watches: record.watches,
                holders: sorted(holders.clone()),
            })
            .collect();
        instances.sort_by(|a, b| a.holders.cmp(&b.holders));
        Accounting {
            users,
            instances,
            processes: self.processes.into_values().collect(),
            epoll: self.epoll.into_iter().collect(),
            namespaces: self.namespaces,
        }
    }

    fn counters(&self, user: &user_record) -> UserCounters {
        UserCounters {
            key: key(user),
            instances: self.counter(user, |u| (u.instances, u.max_instances)),
            watches: self.counter(user, |u| (u.watches, u.max_watches)),
            draws_on: self.users.get(&user.parent).map(key),
        }
    }

    /// A charge must fit at every link of the chain: the link with least room binds (`inc_ucount`, kernel/ucount.c).
    fn counter(&self, user: &user_record, pick: fn(&user_record) -> (u64, u64)) -> Counter {
        let (used, own_limit) = pick(user);
        let parent = |u: &&user_record| self.users.get(&u.parent);
        let (room, binding_limit) = std::iter::successors(Some(user), parent)
            .map(pick)
            .map(|(used, limit)| (limit.saturating_sub(used), limit))
            .min_by_key(|&(room, _)| room)
            .unwrap_or((own_limit.saturating_sub(used), own_limit));
        Counter {
            used,
            own_limit,
            binding_limit,
            room,
        }
    }
}

fn namespaces(record: &namespaces_record) -> Namespaces {
    Namespaces {
        pid: record.pid,
        mounts: record.mounts.into(),
        mnt: record.mnt.into(),
        others: [
            ("net", record.net),
            ("pid", record.pid_namespace),
            ("user", record.user),
            ("ipc", record.ipc),
            ("uts", record.uts),
            ("cgroup", record.cgroup),
            ("time", record.time),
        ]
        .map(|(kind, inode)| (kind, inode.into())),
    }
}

fn key(record: &user_record) -> UserKey {
    UserKey {
        user_namespace: record.user_namespace,
        uid: record.uid,
    }
}

fn sorted(mut holders: Vec<Holder>) -> Vec<Holder> {
    holders.sort_unstable();
    holders.dedup();
    holders
}

fn malformed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "nospace's BPF programs wrote a record of unknown kind or size: please report this bug",
    )
}
