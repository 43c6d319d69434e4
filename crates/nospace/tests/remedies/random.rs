//! Nodes of any kind, most of them near their limits.

use nospace_core::cause::Cause;
use nospace_core::limits;
use nospace_core::managers;
use nospace_core::model::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::Union;

/// A limit and how much of it is used: of any size, mostly under pressure.
fn pressure() -> impl Strategy<Value = (u64, u64)> {
    let limit = prop_oneof![1_u64..300, 1_u64..3_000_000, (1_u64 << 20)..(1 << 31)];
    (limit, 0_u64..=110).prop_map(|(limit, percent)| (limit.saturating_mul(percent) / 100, limit))
}

fn environment() -> impl Strategy<Value = Environment> {
    let ids = select(vec![
        "debian",
        "talos",
        "bottlerocket",
        "rhcos",
        "cos",
        "flatcar",
        "alpine",
    ]);
    let services: Vec<&str> = managers::services().into_iter().collect();
    (
        ids,
        vec(select(Program::ALL.to_vec()), 0..8),
        vec(select(services), 0..4),
        any::<[bool; 2]>(),
    )
        .prop_map(
            |(os, programs, services, [host_local, sysctls_read_only])| Environment {
                os: vec![os.to_owned()],
                programs: programs.into_iter().collect(),
                services: services.into_iter().map(str::to_owned).collect(),
                host_local,
                sysctls_read_only,
            },
        )
}

fn settings() -> impl Strategy<Value = Vec<Setting>> {
    let keys: Vec<&str> = limits::sysctls()
        .filter(|s| s.tunable && !s.key.starts_with("fs.inotify"))
        .map(|s| s.key)
        .collect();
    let one = (
        select(keys),
        400_u64..30_000,
        option::of(400_u64..30_000),
        any::<bool>(),
    );
    let ordinary = one.prop_map(|(key, live, boot, etc)| Setting {
        key: key.to_owned(),
        live: Some(live.to_string()),
        boot: boot.map(|value| BootValue {
            value: value.to_string(),
            file: if etc {
                "/etc/sysctl.d/10.conf"
            } else {
                "/usr/lib/sysctl.d/10.conf"
            }
            .to_owned(),
            line: 3,
        }),
    });
    let sem =
        (1_u64..9_999, 1_u64..9_999, option::of(1_u64..9_999)).prop_map(|(sets, all, boot)| {
            Setting {
                key: "kernel.sem".to_owned(),
                live: Some(format!("250 {all} 32 {sets}")),
                boot: boot.map(|n| BootValue {
                    value: format!("200 {n} 40 {n}"),
                    file: "/etc/sysctl.conf".to_owned(),
                    line: 1,
                }),
            }
        });
    (vec(ordinary, 0..6), sem).prop_map(|(mut all, sem)| {
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all.dedup_by(|a, b| a.key == b.key);
        all.push(sem);
        all
    })
}

fn processes() -> impl Strategy<Value = Vec<Process>> {
    let comm = select(vec![
        "kubelet",
        "k3s-server",
        "containerd",
        "kubelite",
        "crio",
        "nginx",
        "edgecore",
    ]);
    let path = select(vec![
        "/",
        "/system.slice/kubelet.service",
        "/system.slice/k3s.service",
        "/system.slice/k0sworker.service",
        "/podruntime/kubelet",
        "/docker/4f797c539e6c4f797c539e6c4f797c539e6c4f797c539e6c4f797c539e6c4f79",
        "/user.slice/user-0.slice/session-3.scope",
        "/kubepods/besteffort/pod00000000-0000-4000-8000-000000000001/4f797c539e6c4f797c539e6c4f797c539e6c4f797c539e6c4f797c539e6c4f79",
    ]);
    let namespace = select(vec![INITIAL_USER_NAMESPACE, 4_026_532_100]);
    let one = (
        comm,
        path,
        namespace,
        pressure(),
        option::of(0_u64..3_000_000),
        1_u32..3_000,
    );
    vec(one, 1..6).prop_map(|all| {
        let mut pid = 100;
        let describe = |(comm, path, user_namespace, (open, limit), more, uid): (
            &str,
            &str,
            u64,
            _,
            Option<u64>,
            u32,
        )| {
            pid += 1;
            Process {
                pid,
                ppid: 1,
                comm: comm.to_owned(),
                start_ticks: 1,
                user: UserKey {
                    user_namespace,
                    uid: uid % 2,
                },
                cgroups: vec![CgroupPath {
                    controllers: String::new(),
                    path: path.to_owned(),
                }],
                descriptors: u32::try_from(open).unwrap_or(u32::MAX),
                descriptor_limit: Some(limit),
                descriptor_hard_limit: more.map(|more| limit + more),
                serves: None,
            }
        };
        all.into_iter().map(describe).collect()
    })
}

fn budgets() -> impl Strategy<Value = Vec<Resource>> {
    let subject = |cause| match cause {
        Cause::SystemFiles => Subject::sysctl("fs.file-max"),
        _ => Subject::sysctl("kernel.pty.max"),
    };
    // One of each at most, as the kernel has it.
    let simple = select(vec![Cause::SystemFiles, Cause::Ptys])
        .prop_flat_map(|cause| vec((Just(cause), pressure()), 0..2));
    let pts = pressure().prop_map(|(used, limit)| {
        let subject = Subject::Mount("/dev/pts".to_owned());
        Resource::exact(Cause::Ptys, subject, used, limit.min(1 << 20), "ptys")
    });
    (simple, pts).prop_map(move |(simple, pts)| {
        let of = |(cause, (used, limit)): (Cause, (u64, u64))| {
            let most = if cause == Cause::Ptys {
                1 << 20
            } else {
                u64::MAX
            };
            Resource::exact(cause, subject(cause), used, limit.min(most), "files")
        };
        simple.into_iter().map(of).chain([pts]).collect()
    })
}

fn pids() -> impl Strategy<Value = Pids> {
    let paths = [
        "/a",
        "/a/b",
        "/system.slice/cron.service",
        "/user.slice",
        "/user.slice/user-1.slice",
        "/kubepods/pod1",
    ];
    (
        pressure(),
        pressure(),
        vec((any::<Index>(), pressure(), 0_u64..3), 0..6),
    )
        .prop_map(move |((threads, pid_max), (_, threads_max), cgroups)| {
            let of = |(index, (current, max), refused): (Index, (u64, u64), u64)| PidsCgroup {
                path: (*index.get(&paths)).to_owned(),
                current,
                max: max.min(4_194_304),
                refused,
            };
            let mut cgroups: Vec<PidsCgroup> = cgroups.into_iter().map(of).collect();
            cgroups.sort_by(|a, b| a.path.cmp(&b.path));
            cgroups.dedup_by(|a, b| a.path == b.path);
            Pids {
                threads,
                pid_max: pid_max.min(4_194_304),
                threads_max: threads_max.min(0x3fff_ffff),
                cgroups,
            }
        })
}

fn instances() -> impl Strategy<Value = Inotify> {
    let pair = select(vec![
        (INITIAL_USER_NAMESPACE, 0),
        (INITIAL_USER_NAMESPACE, 7),
        (4_026_532_100, 0),
    ]);
    let counted = vec((pair, pressure(), pressure()), 0..4);
    (counted, vec((101_u32..106, 0_u32..9_000), 0..90)).prop_map(|(counted, held)| {
        let mut counters: Vec<UserCounters> = Vec::new();
        for ((user_namespace, uid), (instances, instances_limit), (watches, watches_limit)) in
            counted
        {
            let key = UserKey {
                user_namespace,
                uid,
            };
            if !counters.iter().any(|c| c.key == key) {
                counters.push(UserCounters {
                    key,
                    instances,
                    watches,
                    instances_limit,
                    watches_limit,
                });
            }
        }
        let of = |(fd, (pid, watches)): (usize, (u32, u32))| Instance {
            watches,
            charged: UserKey::initial(0),
            holders: vec![Descriptor {
                pid,
                fd: u32::try_from(fd).unwrap(),
            }],
        };
        Inotify {
            instances: held.into_iter().enumerate().map(of).collect(),
            counters: Some(counters),
            ..Inotify::default()
        }
    })
}

pub fn snapshot() -> impl Strategy<Value = Snapshot> {
    let system = (
        option::of(environment()),
        settings(),
        processes(),
        budgets(),
        pids(),
        instances(),
    );
    let numbers = (
        pressure(),
        pressure(),
        pressure(),
        pressure(),
        pressure(),
        option::of(1_u64 << 28..1 << 40),
    );
    let ipc = Union::new([pressure().boxed()]);
    let own = select(vec![
        None,
        Some(INITIAL_USER_NAMESPACE),
        Some(4_026_532_100),
    ]);
    (system, numbers, ipc, any::<bool>(), own).prop_map(|(system, numbers, sets, v2, own)| {
        let (environment, settings, processes, resources, pids, inotify) = system;
        let (
            (_, instances),
            (_, watches),
            (mounts, mount_max),
            (keys, max_keys),
            (epoll, epoll_max),
            memory,
        ) = numbers;
        let mut snapshot = Snapshot {
            environment,
            processes,
            resources,
            pids: Some(pids),
            inotify: Some(inotify),
            ..Snapshot::default()
        };
        snapshot.vantage.user_namespace = own;
        snapshot.node.memory_bytes = memory;
        snapshot.limits = Some(Limits {
            max_user_instances: instances,
            max_user_watches: watches,
            max_queued_events: 16_384,
            settings,
        });
        snapshot.mounts = Some(Mounts {
            max: mount_max,
            namespaces: vec![MountNamespace {
                id: 1,
                mounts,
                pid: 101,
            }],
        });
        let user = |uid| KeyUser {
            uid,
            keys,
            max_keys,
            bytes: keys,
            max_bytes: max_keys,
        };
        snapshot.keys = Some(Keys {
            users: vec![user(0), user(9)],
        });
        snapshot.epoll = Some(Epoll {
            max_user_watches: epoll_max,
            users: vec![EpollUser {
                uid: 9,
                watches: epoll,
            }],
        });
        let kind = |kind: &str| NamespaceCount {
            kind: kind.to_owned(),
            used: epoll,
            limit: epoll_max,
        };
        snapshot.namespaces = Some(Namespaces {
            kinds: vec![kind("user"), kind("net")],
        });
        snapshot.sysv = Some(SysvIpc {
            semaphore_sets: sets.0,
            max_semaphore_sets: sets.1.min(32_768),
            segments: sets.0,
            max_segments: sets.1.min(32_768),
            segment_pages: keys,
            max_segment_pages: max_keys,
            ..SysvIpc::default()
        });
        let hierarchy = Hierarchy {
            mountpoint: "/sys/fs/cgroup".to_owned(),
            unified: v2,
            controllers: vec!["memory".to_owned(), "pids".to_owned()],
            directories: 40,
            kernel_count: Some(epoll.min(70_000)),
            ..Hierarchy::default()
        };
        snapshot.cgroups = Some(Cgroups {
            version: if v2 {
                CgroupVersion::V2
            } else {
                CgroupVersion::V1
            },
            hierarchies: vec![hierarchy],
            of_kubelet: Vec::new(),
            descendant_limits: vec![DescendantLimit {
                path: "/a".to_owned(),
                used: keys,
                limit: max_keys,
            }],
        });
        let filesystem = |mountpoint: &str, serves: &[&str]| Filesystem {
            mountpoint: mountpoint.to_owned(),
            serves: serves.iter().map(|s| (*s).to_owned()).collect(),
            fstype: "ext4".to_owned(),
            usage: Some(FilesystemUsage {
                block_size: 1,
                blocks: max_keys,
                blocks_free: max_keys.saturating_sub(keys),
                blocks_available: max_keys.saturating_sub(keys),
                inodes: 9,
                inodes_free: 1,
            }),
            ..Filesystem::default()
        };
        snapshot.filesystems = Some(vec![
            filesystem("/var", &["/var/lib/containerd", "/var/lib/docker"]),
            filesystem("/dev/shm", &[]),
        ]);
        agree(&mut snapshot);
        snapshot
    })
}

/// A sysctl has one value, wherever it was read.
fn agree(snapshot: &mut Snapshot) {
    let limited: Vec<(&str, u64)> = limits::usage(snapshot)
        .iter()
        .filter_map(|r| Some((limits::sysctl_of(r)?.key, r.limit)))
        .collect();
    let sets = snapshot.sysv.map_or(0, |sysv| sysv.max_semaphore_sets);
    for setting in snapshot.limits.iter_mut().flat_map(|l| &mut l.settings) {
        let read = limited.iter().find(|(key, _)| *key == setting.key);
        setting.live = match (read, setting.key.as_str()) {
            (_, "kernel.sem") => Some(format!("250 32000 32 {sets}")),
            (Some((_, limit)), _) => Some(limit.to_string()),
            _ => setting.live.take(),
        };
    }
}
