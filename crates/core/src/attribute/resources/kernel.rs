use super::{budget, estimated};
use crate::cause::Cause;
use crate::model::{PidsCgroup, Snapshot};
use crate::report::Resource;

/// Open files of the system.
pub fn files(snapshot: &Snapshot) -> Vec<Resource> {
    snapshot
        .files
        .iter()
        .map(|f| {
            budget(
                Cause::SystemFiles,
                "fs.file-max",
                f.allocated,
                f.max,
                "files",
            )
        })
        .collect()
}

/// Threads of the system, and each cgroup that has a `pids.max`.
pub fn pids(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(pids) = &snapshot.pids else {
        return Vec::new();
    };
    let of = |subject, limit| budget(Cause::Pids, subject, pids.threads, limit, "threads");
    let mut resources = vec![
        of("kernel.pid_max", pids.pid_max),
        of("kernel.threads-max", pids.threads_max),
    ];
    resources.extend(pids.cgroups.iter().map(cgroup));
    resources
}

fn cgroup(cgroup: &PidsCgroup) -> Resource {
    let subject = format!("pids.max of {}", cgroup.path);
    let refused = cgroup.refused;
    Resource {
        note: (refused > 0).then(|| format!("{refused} forks refused since the cgroup was made")),
        ..budget(Cause::Pids, subject, cgroup.current, cgroup.max, "threads")
    }
}

/// Mounts of each mount namespace.
pub fn mounts(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(mounts) = &snapshot.mounts else {
        return Vec::new();
    };
    let resource = |id, pid, used| {
        let subject = format!("mount namespace {id} (pid {pid})");
        budget(Cause::MountLimit, subject, used, mounts.max, "mounts")
    };
    mounts
        .namespaces
        .iter()
        .map(|n| resource(n.id, n.pid, n.mounts))
        .collect()
}

/// Keys, and bytes in them, of each user.
pub fn keys(snapshot: &Snapshot) -> Vec<Resource> {
    snapshot
        .keys
        .iter()
        .flat_map(|k| &k.users)
        .flat_map(|u| {
            let of = |used, limit, unit| {
                budget(Cause::Keys, format!("uid {}", u.uid), used, limit, unit)
            };
            [
                of(u.keys, u.max_keys, "keys"),
                of(u.bytes, u.max_bytes, "bytes"),
            ]
        })
        .collect()
}

/// System V semaphores and shared memory of the IPC namespace that was looked from.
pub fn sysv(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(s) = &snapshot.sysv else {
        return Vec::new();
    };
    let sem = Cause::SysvSemaphores;
    let shm = Cause::SysvShm;
    vec![
        budget(
            sem,
            "kernel.sem SEMMNI",
            s.semaphore_sets,
            s.max_semaphore_sets,
            "sets",
        ),
        budget(
            sem,
            "kernel.sem SEMMNS",
            s.semaphores,
            s.max_semaphores,
            "semaphores",
        ),
        budget(shm, "kernel.shmmni", s.segments, s.max_segments, "segments"),
        budget(
            shm,
            "kernel.shmall",
            s.segment_pages,
            s.max_segment_pages,
            "pages",
        ),
    ]
}

/// epoll watches of each user that was seen to have some.
pub fn epoll(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(epoll) = &snapshot.epoll else {
        return Vec::new();
    };
    epoll
        .users
        .iter()
        .map(|u| {
            let subject = format!("uid {}", u.uid);
            estimated(budget(
                Cause::EpollWatches,
                subject,
                u.watches,
                epoll.max_user_watches,
                "watches",
            ))
        })
        .collect()
}

/// Namespaces of each kind: what visible processes live in, of all users together.
pub fn namespaces(snapshot: &Snapshot) -> Vec<Resource> {
    snapshot
        .namespaces
        .iter()
        .flat_map(|n| &n.kinds)
        .map(|k| {
            let subject = format!("user.max_{}_namespaces", k.kind);
            estimated(budget(
                Cause::NamespaceLimit,
                subject,
                k.used,
                k.limit,
                "namespaces",
            ))
        })
        .collect()
}
