//! The kernel's account, as its own crate reads it, in the model's types.

use std::collections::{BTreeMap, BTreeSet};

use nospace_bpf::accounting::{Accounting, AccountingReader, Instance as Booked, Namespaces};
use nospace_core::model::{
    Descriptor, EpollUser, Inotify, Instance, MountNamespace, UserCounters, UserNamespace,
};

use super::account_key::{key, limit};
use super::accounts;
use super::guards;
use super::{KernelAccounting, ProcessDescriptors, ReadError, ReadResult, Tasks, pressing};

/// Programs that stay loaded between looks, and what the last look found.
#[derive(Default)]
pub struct AccountingCache {
    reader: Option<AccountingReader>,
    /// Each instance with everyone who had it.
    pub instances: Vec<Booked>,
}

impl AccountingCache {
    /// Reads the account once; `max_mappings` is vm.max_map_count, where that is known.
    pub fn read(&mut self, max_mappings: Option<u32>) -> ReadResult<KernelAccounting> {
        let failed = |error: &dyn std::fmt::Display| ReadError::Failed(error.to_string());
        let mut loaded = match self.reader.take() {
            Some(loaded) => loaded,
            None => AccountingReader::load().map_err(|unsupported| failed(&unsupported))?,
        };
        loaded.set_max_mappings(max_mappings);
        let accounting = loaded.read().map_err(|error| failed(&error))?;
        let gap = loaded.coverage().gap().map(str::to_owned);
        self.reader = Some(loaded);
        let converted = convert(&accounting);
        self.instances = accounting.instances;
        let mut accounts = converted.accounts;
        if let Some(accounts) = &mut accounts {
            accounts.mappings = max_mappings.is_some();
        }
        Ok(KernelAccounting {
            gap,
            accounts,
            ..converted
        })
    }
}

fn convert(accounting: &Accounting) -> KernelAccounting {
    let holders: std::collections::HashSet<u32> = accounting
        .instances
        .iter()
        .flat_map(|one| &one.holders)
        .map(|holder| holder.pid)
        .collect();
    let processes = accounting.processes.iter().filter_map(|process| {
        let limit = pressing(process.descriptors, process.descriptor_limit);
        (limit.is_some() || holders.contains(&process.pid)).then_some(ProcessDescriptors {
            pid: process.pid,
            descriptors: process.descriptors,
            limit,
        })
    });
    KernelAccounting {
        inotify: inotify(accounting),
        processes: processes.collect(),
        epoll: accounting
            .epoll
            .iter()
            .map(|&(uid, watches)| EpollUser { uid, watches })
            .collect(),
        namespaces: Tasks {
            vmapped_stacks: accounting.features.vmapped_stacks,
            ..namespaces(&accounting.namespaces)
        },
        accounts: Some(Box::new(accounts::convert(accounting))),
        guards: accounting.guards.as_deref().map(guards::convert),
        gap: None,
    }
}

fn namespaces(of_tasks: &[Namespaces]) -> Tasks {
    let mut mounts = BTreeMap::<u64, MountNamespace>::new();
    let mut others = BTreeMap::<&str, BTreeSet<u64>>::new();
    let mut networks = BTreeMap::<u64, (bool, bool, u32)>::new();
    for one in of_tasks {
        let known = mounts.entry(one.mnt).or_insert(MountNamespace {
            id: one.mnt,
            mounts: one.mounts,
            pid: one.pid,
        });
        // 0 is a process that this pid namespace does not have.
        if one.pid != 0 && (known.pid == 0 || one.pid < known.pid) {
            known.pid = one.pid;
        }
        for (kind, inode) in one.others.into_iter().filter(|(_, inode)| *inode != 0) {
            others.entry(kind).or_default().insert(inode);
            if kind == "net" {
                let thread = (one.tid == 0, one.tid != one.pid, one.tid);
                let best = networks.entry(inode).or_insert(thread);
                *best = thread.min(*best);
            }
        }
    }
    let thread = |(network, (_, _, tid))| (network, tid);
    let count = |(kind, inodes): (&str, BTreeSet<u64>)| (kind.to_owned(), inodes.len() as u64);
    Tasks {
        mounts: mounts.into_values().collect(),
        others: others.into_iter().map(count).collect(),
        networks: networks.into_iter().map(thread).collect(),
        vmapped_stacks: false,
    }
}

fn inotify(accounting: &Accounting) -> Inotify {
    let counters = accounting.users.iter().map(|user| UserCounters {
        key: key(user.key),
        instances: user.instances.used,
        watches: user.watches.used,
        instances_limit: limit(&user.instances),
        watches_limit: limit(&user.watches),
    });
    let mut user_namespaces: Vec<UserNamespace> = accounting
        .users
        .iter()
        .filter_map(|user| {
            let draws_on = Some(key(user.draws_on?));
            Some(UserNamespace {
                id: user.key.user_namespace,
                draws_on,
            })
        })
        .collect();
    user_namespaces.dedup();
    Inotify {
        instances: accounting.instances.iter().filter_map(instance).collect(),
        counters: Some(counters.collect()),
        user_namespaces,
    }
}

/// `None` for an instance that the kernel was just letting go of.
fn instance(booked: &Booked) -> Option<Instance> {
    let mut holders: Vec<_> = booked
        .holders
        .iter()
        .map(|one| Descriptor {
            pid: one.pid,
            fd: one.fd,
        })
        .collect();
    holders.dedup();
    Some(Instance {
        watches: u32::try_from(booked.watches).unwrap_or(u32::MAX),
        charged: key(booked.charged?),
        holders,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_task(pid: u32, tid: u32, net: u64) -> Namespaces {
        Namespaces {
            pid,
            tid,
            mounts: 3,
            mnt: 1,
            others: [
                ("net", net),
                ("pid", 2),
                ("user", 3),
                ("ipc", 4),
                ("uts", 5),
                ("cgroup", 6),
                ("time", 0),
            ],
            queues: None,
            pids: None,
            level: 0,
        }
    }

    #[test]
    fn a_network_namespace_is_known_by_a_thread_that_lives_in_it() {
        let all = [
            // A thread of process 20 has left its namespace for 7, which is otherwise that of process 30.
            of_task(20, 20, 8),
            of_task(20, 21, 7),
            of_task(30, 30, 7),
            // Only a thread lives in 9, and nothing of this pid namespace in 10.
            of_task(20, 22, 9),
            of_task(0, 0, 10),
            of_task(0, 0, 8),
        ];
        let found = namespaces(&all);
        let expected = [(7, 30), (8, 20), (9, 22), (10, 0)];
        assert_eq!(found.networks, BTreeMap::from(expected));
        assert_eq!(found.others["net"], 4);
        assert!(!found.others.contains_key("time"));
    }
}
