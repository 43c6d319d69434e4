//! What each cause is in a sentence, and what helps where no rule of `check` knows better.

use super::report::ExplainedCause;
use crate::cause::Cause;
use crate::report::Remedy;

/// One sentence without its full stop: what was refused, and what it was not.
pub(super) fn meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::InotifyWatches => "A user has used up its inotify watches; no disk is full",
        Cause::InotifyInstances => "A user has used up its inotify instances",
        Cause::EventQueue => "An inotify instance was read too slowly: events are lost",
        Cause::CgroupLimit => "The kernel makes no more cgroups; no disk is full",
        Cause::CgroupKmem => "An old kernel has no memory cgroup id left; memory is not short",
        Cause::CpusetEmpty => "A cpuset has no CPUs or no memory nodes; no disk is full",
        Cause::MountLimit => "A mount namespace is full: mount(2) was refused; no disk is full",
        Cause::NamespaceLimit => "A user has used up its namespaces; no disk is full",
        Cause::DiskBlocks => "A file system has no blocks left",
        Cause::DiskInodes => "A file system has no inodes left, although it may have space",
        Cause::DiskSpace => "A file system has no blocks or no inodes left",
        Cause::DevShm => "A /dev/shm is full",
        Cause::ProcessFiles => "A process has used up its descriptors (RLIMIT_NOFILE)",
        Cause::SystemFiles => "The system has used up its open files (fs.file-max)",
        Cause::Pids => "No process or thread could be started",
        Cause::Keys => "A user has used up its kernel keys; no disk quota is involved",
        Cause::SysvSemaphores => "System V semaphores are used up; no disk is full",
        Cause::SysvShm => "System V shared memory is used up; no disk is full",
        Cause::EpollWatches => "A user has used up its epoll watches; no disk is full",
        Cause::RuntimeLocks => "podman or CRI-O has no lock left; no disk is full",
        Cause::IpPool => "A pod network has no address left",
    }
}

/// Commands that find or free what is short.
pub(super) fn for_cause(cause: Cause) -> Vec<Remedy> {
    commands(cause)
        .iter()
        .map(|(command, why)| Remedy {
            command: (*command).to_owned(),
            why: (*why).to_owned(),
        })
        .collect()
}

/// What has to be started again once there is room, of what the log tells of.
pub(super) fn afterwards(said: &ExplainedCause, named: Cause) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    if !matches!(named, Cause::InotifyWatches | Cause::InotifyInstances) {
        return remedies;
    }
    let mut add = |command: &str, why: &str| {
        remedies.push(Remedy {
            command: command.to_owned(),
            why: why.to_owned(),
        });
    };
    let kind = |ids: &[&str]| {
        let known = |id: &str| ids.iter().any(|start| id.starts_with(start));
        said.kinds.iter().any(|k| known(&k.signature))
    };
    // "unknown service runtime.v1" is containerd without its CRI plugin, in the kubelet's words.
    if kind(&["containerd-cni", "cri-not-loaded"]) {
        add(
            "systemctl restart containerd",
            "it runs without its CRI plugin, and room in inotify does not mend that",
        );
    }
    if said
        .programs
        .iter()
        .any(|p| p == "kubelet" || p == "cAdvisor")
    {
        add(
            "systemctl restart kubelet",
            "only if it died: it fails at its start, never later",
        );
    }
    remedies
}

fn commands(cause: Cause) -> &'static [(&'static str, &'static str)] {
    match cause {
        Cause::InotifyWatches => &[(
            "sysctl -w fs.inotify.max_user_watches=524288",
            "gives every user more watches at once; an idle limit costs no memory",
        )],
        Cause::InotifyInstances => &[(
            "sysctl -w fs.inotify.max_user_instances=8192",
            "gives every user more instances at once; an idle limit costs no memory",
        )],
        Cause::EventQueue => &[(
            "sysctl -w fs.inotify.max_queued_events=65536",
            "longer queues for instances that are made from now on; the reader must rescan what it missed",
        )],
        Cause::CgroupLimit => &[
            (
                "grep -E 'subsys|memory' /proc/cgroups; find /sys/fs/cgroup -type d | wc -l",
                "a count far above the directories is removed cgroups that still hold memory",
            ),
            (
                "echo 2 > /proc/sys/vm/drop_caches",
                "frees what keeps removed memory cgroups alive; slow, and cold caches after it",
            ),
        ],
        Cause::CgroupKmem => &[(
            "grubby --update-kernel=ALL --args=cgroup.memory=nokmem",
            "boots without kernel memory accounting, whose leak this is; then reboot, or take a kernel from 4.19 on",
        )],
        Cause::CpusetEmpty => &[(
            "cat /sys/fs/cgroup/cpuset/kubepods/cpuset.cpus /sys/fs/cgroup/cpuset/kubepods/cpuset.mems",
            "an empty one refuses every process; write the parent's value into it",
        )],
        Cause::MountLimit => &[
            (
                "for p in /proc/[0-9]*; do echo \"$(wc -l < $p/mounts) $(readlink $p/ns/mnt) ${p##*/}\"; done 2>/dev/null | sort -rn | head",
                "shows the mount namespace that is full",
            ),
            (
                "sysctl -w fs.mount-max=200000",
                "lets mounts go on while the leak is looked for",
            ),
        ],
        Cause::NamespaceLimit => &[(
            "sysctl user.max_user_namespaces user.max_mnt_namespaces user.max_net_namespaces user.max_pid_namespaces",
            "a limit of 0 forbids that kind, as hardening guides do; raise the one that is used up",
        )],
        Cause::DiskBlocks | Cause::DiskSpace => &[
            ("df -h; df -i", "blocks and inodes of every file system"),
            (
                "crictl rmi --prune",
                "removes images that no container uses",
            ),
        ],
        Cause::DiskInodes => &[(
            "df -i; for d in /var/lib/*; do echo \"$(find $d -xdev | wc -l) $d\"; done | sort -rn | head",
            "shows who holds the inodes",
        )],
        Cause::DevShm => &[(
            "df -h /dev/shm",
            "in a pod: mount an emptyDir with medium Memory at /dev/shm; with Docker: --shm-size",
        )],
        Cause::ProcessFiles => &[(
            "for p in /proc/[0-9]*; do echo \"$(ls $p/fd 2>/dev/null | wc -l) $(awk '/open files/{print $4}' $p/limits) ${p##*/}\"; done | sort -rn | head",
            "descriptors and limit of each process; raise LimitNOFILE of the unit, or mend the leak",
        )],
        Cause::SystemFiles => &[(
            "sysctl fs.file-nr fs.file-max",
            "allocated, free, maximum; raise fs.file-max",
        )],
        Cause::Pids => &[
            (
                "grep -r . /sys/fs/cgroup --include=pids.events --include=pids.current 2>/dev/null | sort -t: -k2 -rn | head",
                "shows the cgroup that refuses",
            ),
            (
                "sysctl kernel.pid_max kernel.threads-max",
                "the limits of the whole system",
            ),
        ],
        Cause::Keys => &[(
            "cat /proc/key-users; sysctl kernel.keys.maxkeys kernel.keys.root_maxkeys",
            "keys of each user against the limits; raise the one that is used up",
        )],
        Cause::SysvSemaphores => &[(
            "ipcs -s -u; sysctl kernel.sem",
            "sets in use against SEMMNI, the fourth number; remove orphans with ipcrm -s",
        )],
        Cause::SysvShm => &[(
            "ipcs -m -u; sysctl kernel.shmmni kernel.shmall",
            "segments and pages in use against the limits; remove orphans with ipcrm -m",
        )],
        Cause::EpollWatches => &[(
            "sysctl -w fs.epoll.max_user_watches=3000000",
            "more descriptors in epoll for each user",
        )],
        Cause::RuntimeLocks => &[
            (
                "podman container prune; podman volume prune",
                "each container, pod and volume holds a lock",
            ),
            (
                "grep num_locks /usr/share/containers/containers.conf /etc/containers/containers.conf",
                "raise it, then run podman system renumber with all containers stopped",
            ),
        ],
        Cause::IpPool => &[(
            "ls /var/lib/cni/networks/* | head; crictl pods -q | wc -l",
            "more reservations than pods are leaked ones: remove their files; else enlarge the node's pod CIDR",
        )],
    }
}
