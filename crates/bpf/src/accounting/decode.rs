use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use super::model::{
    Accounting, Counter, FanotifyUser, Features, Holder, Instance, Namespaces, Near, NearLimit,
    Process, UserCounters, UserKey,
};
use crate::guard::{FoundGuard, published};
use crate::records::{take, until_nul};
use crate::skeleton::accounting::types::{
    epoll_record, fanotify_record, fanotify_user_record, features_record, instance_record,
    namespaces_record, near_limit, near_record, process_record, published_record, record_kind,
    user_record,
};

/// The records of one pass, by the addresses of the kernel's structs.
#[derive(Default)]
pub struct Records {
    users: HashMap<u64, user_record>,
    instances: HashMap<u64, (instance_record, Vec<Holder>)>,
    processes: BTreeMap<u32, Process>,
    epoll: BTreeMap<u32, u64>,
    namespaces: Vec<Namespaces>,
    features: Features,
    fanotify_users: HashMap<u64, fanotify_user_record>,
    fanotify_holders: BTreeSet<(u64, u32)>,
    near: BTreeMap<(NearLimit, UserKey, u32), Near>,
    /// By the id of the map, of which a guard has one.
    guards: BTreeMap<u32, FoundGuard>,
}

impl Records {
    /// Adds records that the program wrote, all of them complete.
    pub fn decode(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((kind, _)) = bytes.split_first_chunk::<4>() {
            let known = match record_kind(u32::from_ne_bytes(*kind)) {
                record_kind::RECORD_USER => take(&mut bytes).map(|r| self.user(r)),
                record_kind::RECORD_INSTANCE => take(&mut bytes).map(|r| self.instance(&r)),
                record_kind::RECORD_PROCESS => take(&mut bytes).map(|r| self.process(&r)),
                record_kind::RECORD_EPOLL => take(&mut bytes).map(|r: epoll_record| {
                    self.epoll.insert(r.uid, r.watches);
                }),
                record_kind::RECORD_NAMESPACES => {
                    take(&mut bytes).map(|r| self.namespaces.push(namespaces(&r)))
                }
                record_kind::RECORD_FEATURES => take(&mut bytes).map(|r: features_record| {
                    self.features = Features {
                        fanotify: r.fanotify != 0,
                        rlimits: r.rlimits != 0,
                        vmapped_stacks: r.vmapped_stacks != 0,
                    };
                }),
                record_kind::RECORD_FANOTIFY => take(&mut bytes).map(|r: fanotify_record| {
                    self.fanotify_holders.insert((r.group, r.pid));
                }),
                record_kind::RECORD_FANOTIFY_USER => {
                    take(&mut bytes).map(|r: fanotify_user_record| {
                        self.fanotify_users.insert(r.ucounts, r);
                    })
                }
                record_kind::RECORD_NEAR => {
                    take(&mut bytes).and_then(|r: near_record| self.near(&r))
                }
                record_kind::RECORD_PUBLISHED => {
                    take(&mut bytes).and_then(|r: published_record| self.published(&r))
                }
                _ => None,
            };
            known.ok_or_else(malformed)?;
        }
        if bytes.is_empty() {
            Ok(())
        } else {
            Err(malformed())
        }
    }

    /// Adds what a pass over the file tables has found. It reads users together with their instances, so its users replace those of the pass over tasks.
    pub fn add_tables(&mut self, tables: Self) {
        self.users.extend(tables.users);
        self.fanotify_users.extend(tables.fanotify_users);
        self.instances = tables.instances;
        self.processes = tables.processes;
        self.fanotify_holders = tables.fanotify_holders;
    }

    fn user(&mut self, record: user_record) {
        self.users.insert(record.ucounts, record);
    }

    fn instance(&mut self, record: &instance_record) {
        let (latest, holders) = self
            .instances
            .entry(record.group)
            .or_insert_with(|| (*record, Vec::new()));
        // An instance stays charged to the same user: this is a later one at the address of one that ended during the pass.
        if latest.ucounts != record.ucounts {
            holders.clear();
        }
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

    /// `None` for a limit that these programs do not know.
    fn near(&mut self, record: &near_record) -> Option<()> {
        let limit_kind = match record.limit_kind {
            near_limit::NEAR_PROCESSES => NearLimit::Processes,
            near_limit::NEAR_QUEUE_BYTES => NearLimit::QueueBytes,
            near_limit::NEAR_LOCKED_BY_USER => NearLimit::LockedByUser,
            near_limit::NEAR_LOCKED_BY_KERNEL => NearLimit::LockedByKernel,
            near_limit::NEAR_LOCKED => NearLimit::Locked,
            near_limit::NEAR_MAPPINGS => NearLimit::Mappings,
            _ => return None,
        };
        let key = UserKey {
            user_namespace: record.user_namespace,
            uid: record.uid,
        };
        let near = Near {
            limit_kind,
            pid: record.pid,
            key,
            used: record.used,
            limit: record.limit,
        };
        self.near.insert((limit_kind, key, record.pid), near);
        Some(())
    }

    fn published(&mut self, record: &published_record) -> Option<()> {
        let value = record.value.get(..record.size as usize)?;
        if let Some(found) = published::decode(value, record.now) {
            self.guards.insert(record.map, found);
        }
        Some(())
    }

    fn fanotify(&self) -> Vec<FanotifyUser> {
        let mut users: Vec<FanotifyUser> = self
            .fanotify_users
            .values()
            .map(|user| FanotifyUser {
                key: UserKey {
                    user_namespace: user.user_namespace,
                    uid: user.uid,
                },
                groups: self.fanotify_counter(user, |u| (u.groups, u.max_groups)),
                marks: self.fanotify_counter(user, |u| (u.marks, u.max_marks)),
            })
            .collect();
        users.sort_by_key(|user| user.key);
        users
    }

    fn fanotify_counter(
        &self,
        user: &fanotify_user_record,
        pick: fn(&fanotify_user_record) -> (u64, u64),
    ) -> Counter {
        let parent = |u: &&fanotify_user_record| self.fanotify_users.get(&u.parent);
        binding(std::iter::successors(Some(user), parent).map(pick))
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
        let fanotify = self.fanotify();
        Accounting {
            users,
            instances,
            processes: self.processes.into_values().collect(),
            epoll: self.epoll.into_iter().collect(),
            namespaces: self.namespaces,
            features: self.features,
            fanotify,
            fanotify_holders: self.fanotify_holders.into_iter().collect(),
            near: self.near.into_values().collect(),
            guards: Some(self.guards.into_values().collect()),
        }
    }

    fn counters(&self, user: &user_record) -> UserCounters {
        UserCounters {
            key: key(user),
            address: user.ucounts,
            instances: self.counter(user, |u| (u.instances, u.max_instances)),
            watches: self.counter(user, |u| (u.watches, u.max_watches)),
            draws_on: self.users.get(&user.parent).map(key),
        }
    }

    fn counter(&self, user: &user_record, pick: fn(&user_record) -> (u64, u64)) -> Counter {
        let parent = |u: &&user_record| self.users.get(&u.parent);
        binding(std::iter::successors(Some(user), parent).map(pick))
    }
}

/// What a user has used, by the (use, limit) of each link of its chain, its own first: a charge must fit at every link, so the one
/// with least room binds (`inc_ucount`, kernel/ucount.c).
fn binding(chain: impl Iterator<Item = (u64, u64)>) -> Counter {
    let mut chain = chain.peekable();
    let (used, own_limit) = chain.peek().copied().unwrap_or_default();
    let (room, binding_limit) = chain
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

fn namespaces(record: &namespaces_record) -> Namespaces {
    Namespaces {
        pid: record.pid,
        tid: record.tid,
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
        queues: counted(record.queues, record.max_queues),
        pids: counted(record.pids, record.pid_max)
            .map(|(used, limit)| (record.own_pid_namespace.into(), used, limit)),
        level: record.level,
    }
}

/// What is used of which limit, where the kernel has both.
fn counted(used: u32, limit: u32) -> Option<(u64, u64)> {
    (used > 0 || limit > 0).then_some((used.into(), limit.into()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_counters_that_were_read_with_its_instances() {
        let user = |uid, instances| user_record {
            kind: record_kind::RECORD_USER,
            uid,
            ucounts: u64::from(uid) + 1,
            instances,
            ..user_record::default()
        };
        let (mut tasks, mut tables) = (Records::default(), Records::default());
        tasks.user(user(0, 3));
        tasks.user(user(7, 1));
        tables.user(user(0, 4));
        tasks.add_tables(tables);
        let users = tasks.into_accounting().users;
        let counted: Vec<_> = users
            .iter()
            .map(|u| (u.key.uid, u.instances.used))
            .collect();
        assert_eq!(counted, [(0, 4), (7, 1)]);
    }

    #[test]
    fn an_instance_at_the_address_of_one_that_ended_does_not_get_its_holders() {
        let mut records = Records::default();
        for (pid, ucounts, watches) in [(10, 1, 3), (11, 1, 3), (12, 2, 0), (13, 2, 0)] {
            records.instance(&instance_record {
                kind: record_kind::RECORD_INSTANCE,
                pid,
                tid: pid,
                fd: 5,
                group: 0xffff_8880,
                ucounts,
                watches,
            });
        }
        let instances = records.into_accounting().instances;
        let holders: Vec<u32> = instances[0].holders.iter().map(|one| one.pid).collect();
        assert_eq!(
            (instances.len(), instances[0].watches, holders),
            (1, 0, vec![12, 13])
        );
    }
}
