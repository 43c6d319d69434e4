use std::collections::{BTreeMap, HashMap};
use std::io;

use crate::records::{take, until_nul};
use crate::skeleton::accounting::types::{
    epoll_record, instance_record, process_record, record_kind, user_record,
};
use crate::tally::{Counter, Holder, Instance, Process, Tally, UserCounters, UserKey};

/// The records of one pass, by the kernel's own identities.
#[derive(Default)]
pub struct Books {
    users: HashMap<u64, user_record>,
    instances: HashMap<u64, (instance_record, Vec<Holder>)>,
    processes: BTreeMap<u32, Process>,
    epoll: BTreeMap<u32, u64>,
}

impl Books {
    /// Sorts the records of `bytes` by kind.
    pub fn read(mut bytes: &[u8]) -> io::Result<Self> {
        let mut books = Self::default();
        while let Some((kind, _)) = bytes.split_first_chunk::<4>() {
            let known = match record_kind(u32::from_ne_bytes(*kind)) {
                record_kind::RECORD_USER => take(&mut bytes).map(|r| books.user(r)),
                record_kind::RECORD_INSTANCE => take(&mut bytes).map(|r| books.instance(&r)),
                record_kind::RECORD_PROCESS => take(&mut bytes).map(|r| books.process(&r)),
                record_kind::RECORD_EPOLL => take(&mut bytes).map(|r: epoll_record| {
                    books.epoll.insert(r.uid, r.watches);
                }),
                _ => None,
            };
            known.ok_or_else(malformed)?;
        }
        if bytes.is_empty() {
            Ok(books)
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

    /// Works out who is who.
    pub fn close(self) -> Tally {
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
        Tally {
            users,
            instances,
            processes: self.processes.into_values().collect(),
            epoll: self.epoll.into_iter().collect(),
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
        "the BPF programs sent a record of unknown kind or size: report this, it is a fault of nospace",
    )
}
