//! The rules about everything else.

use crate::model::{
    CgroupVersion, Cgroups, DescendantLimit, Epoll, EpollUser, Filesystem, FilesystemUsage,
    Hierarchy, KeyUser, Keys, MountNamespace, Mounts, NamespaceCount, Namespaces, Provenance,
    Setting, Snapshot, SysvIpc,
};
use crate::report::{Resource, Severity, Status, Subject};
use crate::testing::{Node, captions, commands, files, node};

/// A file system of 1,000 blocks of 4 KiB and 1,000 inodes.
fn filesystem(mountpoint: &str, free: u64, available: u64, inodes_free: u64) -> Filesystem {
    Filesystem {
        mountpoint: mountpoint.to_owned(),
        device: "8:1".to_owned(),
        fstype: "ext4".to_owned(),
        serves: vec!["/var/lib/containerd".to_owned()],
        usage: Some(FilesystemUsage {
            block_size: 4_096,
            blocks: 1_000,
            blocks_free: free,
            blocks_available: available,
            inodes: 1_000,
            inodes_free,
        }),
        unavailable: None,
    }
}

fn with_filesystem(filesystem: Filesystem) -> Node {
    node().with(|s| s.filesystems = Some(vec![filesystem]))
}

fn resource(node: &Node, unit: &str) -> Resource {
    let resources = node.report().resources;
    resources.into_iter().find(|r| r.unit == unit).unwrap()
}

#[test]
fn roots_reserve_is_counted_separately() {
    let node = with_filesystem(filesystem("/", 100, 50, 900)).equipped();
    let bytes = resource(&node, "bytes");
    assert_eq!((bytes.used, bytes.limit), (900 * 4_096, 950 * 4_096));
    assert_eq!(
        bytes.note.as_deref(),
        Some("200 KiB more are reserved for root")
    );
    assert_eq!(bytes.provenance, Provenance::Exact);
    let finding = node.finding("disk-blocks");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(finding.title, "/ has 200 KiB left of 3.7 MiB (94 % used)");
    assert_eq!(finding.victims, ["writes below /var/lib/containerd"]);
    assert!(commands(&finding).contains(&"crictl rmi --prune"));
}

#[test]
fn a_disk_full_but_for_roots_reserve_is_full() {
    let node = with_filesystem(filesystem("/", 50, 0, 900));
    assert_eq!(resource(&node, "bytes").percent(), 100);
    assert_eq!(node.report().status(), Status::Critical);
}

#[test]
fn inodes_run_out_by_themselves() {
    let finding = with_filesystem(filesystem("/var", 900, 900, 10)).finding("disk-inodes");
    assert_eq!(finding.severity, Severity::Critical);
    for part in ["/var", "990 of 1,000 inodes", "99 %", "at the limit"] {
        assert!(finding.title.contains(part), "{}", finding.title);
    }
    assert_eq!(
        commands(&finding),
        ["du -x --inodes -d 3 /var | sort -n | tail -20"]
    );
}

#[test]
fn file_systems_without_a_number_of_inodes_are_never_out_of_them() {
    let mut btrfs = filesystem("/", 900, 900, 0);
    btrfs.usage.as_mut().unwrap().inodes = 0;
    let node = with_filesystem(btrfs);
    assert_eq!(node.report().resources.len(), 1);
    assert_eq!(node.rules(), Vec::<String>::new());
}

#[test]
fn an_image_is_full_and_well() {
    let mut snap = filesystem("/snap/core", 0, 0, 0);
    snap.fstype = "squashfs".to_owned();
    assert_eq!(with_filesystem(snap).rules(), Vec::<String>::new());
}

#[test]
fn shared_memory_has_a_cause_of_its_own() {
    let node = with_filesystem(filesystem("/dev/shm", 20, 20, 900));
    let finding = node.finding("dev-shm");
    assert_eq!(finding.cause.code(), "dev-shm");
    assert_eq!(
        commands(&finding)[0],
        "mount -o remount,size=8388608 /dev/shm"
    );
    let small = node.with(|s| s.node.memory_bytes = Some(4 << 20));
    assert_eq!(
        commands(&small.finding("dev-shm")),
        ["ls -lS /dev/shm | head"]
    );
}

#[test]
fn a_mount_point_with_a_space_is_one_word() {
    let finding = with_filesystem(filesystem("/mnt/a b", 10, 10, 0)).finding("disk-inodes");
    assert!(commands(&finding)[0].contains("'/mnt/a b'"));
}

fn memory_hierarchy(directories: u64, kernel_count: Option<u64>, dying: Option<u64>) -> Node {
    let hierarchy = Hierarchy {
        mountpoint: "/sys/fs/cgroup/memory".to_owned(),
        controllers: vec!["memory".to_owned()],
        directories,
        kernel_count,
        dying,
        ..Hierarchy::default()
    };
    node().with(|s| {
        s.cgroups = Some(Cgroups {
            version: CgroupVersion::V1,
            hierarchies: vec![hierarchy],
            descendant_limits: Vec::new(),
            of_kubelet: Vec::new(),
        });
    })
}

#[test]
fn memory_cgroups_run_out() {
    let finding = memory_hierarchy(300, Some(65_000), None).finding("cgroup-limit");
    assert_eq!(finding.severity, Severity::Critical);
    assert_eq!(
        finding.title,
        "65,000 of 65,535 memory cgroups are in use (99 %)"
    );
    assert!(
        finding.evidence[1].starts_with("300 directories below /sys/fs/cgroup/memory; 64,700 more")
    );
}

#[test]
fn a_leak_is_seen_before_the_end_and_lingering_is_no_leak() {
    assert_eq!(
        memory_hierarchy(3, Some(45), None).rules(),
        Vec::<String>::new()
    );
    assert_eq!(
        memory_hierarchy(300, Some(2_200), None).rules(),
        Vec::<String>::new()
    );
    let finding = memory_hierarchy(300, Some(3_000), None).finding("cgroup-leak");
    assert_eq!(finding.severity, Severity::Info);
    let finding = memory_hierarchy(300, Some(20_300), None).finding("cgroup-leak");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(
        finding
            .title
            .starts_with("20,000 removed cgroups still count")
    );
    let finding = memory_hierarchy(300, None, Some(12_000)).finding("cgroup-leak");
    assert_eq!(finding.severity, Severity::Warning);
}

#[test]
fn a_walk_that_stopped_proves_no_leak() {
    let node = memory_hierarchy(300, Some(20_000), None).with(|s| {
        s.cgroups.as_mut().unwrap().hierarchies[0].truncated = true;
    });
    assert_eq!(node.rules(), Vec::<String>::new());
}

#[test]
fn a_limit_of_descendants() {
    let node = memory_hierarchy(3, Some(45), None).with(|s| {
        let cgroups = s.cgroups.as_mut().unwrap();
        cgroups.hierarchies.push(Hierarchy {
            mountpoint: "/sys/fs/cgroup".to_owned(),
            unified: true,
            ..Hierarchy::default()
        });
        cgroups.descendant_limits.push(DescendantLimit {
            path: "/user.slice".to_owned(),
            used: 97,
            limit: 100,
        });
    });
    let finding = node.finding("cgroup-descendants");
    assert_eq!(
        commands(&finding),
        ["echo 256 > /sys/fs/cgroup/user.slice/cgroup.max.descendants"]
    );
}

#[test]
fn a_process_near_its_files() {
    let node = |used, limit, hard| {
        node()
            .process(9, "nginx")
            .cgroup("/system.slice/nginx.service")
            .with(|s| {
                s.processes[0].descriptors = used;
                s.processes[0].descriptor_limit = Some(limit);
                s.processes[0].descriptor_hard_limit = hard;
            })
    };
    let finding = node(1_020, 1_024, Some(524_288)).finding("process-files");
    for part in ["nginx (pid 9, nginx.service)", "1,020", "1,024", "99 %"] {
        assert!(finding.title.contains(part), "{}", finding.title);
    }
    assert_eq!(commands(&finding)[0], "prlimit --pid 9 --nofile=4096:");
    assert!(commands(&finding)[1].contains("/etc/systemd/system/nginx.service.d/90-nofile.conf"));
    assert!(commands(&finding)[1].contains("LimitNOFILE=4096:524288\\n"));
    // A sandbox that locked itself in.
    assert_eq!(node(10, 1, Some(1)).rules(), Vec::<String>::new());
    // The kernel takes no soft limit above the hard one, and no hard one above fs.nr_open.
    let finding = node(1_020, 1_024, Some(1_024)).finding("process-files");
    assert_eq!(commands(&finding)[0], "prlimit --pid 9 --nofile=4096:4096");
    let full = node(1 << 20, 1 << 20, Some(1 << 20)).finding("process-files");
    assert!(
        commands(&full)[0].starts_with("ls -l "),
        "{:?}",
        full.remedies
    );
    let unknown = node(1_020, 1_024, None).finding("process-files");
    assert!(
        commands(&unknown)[0].starts_with("ls -l "),
        "{:?}",
        unknown.remedies
    );
}

#[test]
fn the_files_of_the_system() {
    let node = node().with(|s| s.resources = vec![files(96_000, 100_000)]);
    let finding = node.finding("system-files");
    assert_eq!(finding.severity, Severity::Critical);
    assert_eq!(commands(&finding)[1], "sysctl -w fs.file-max=262144");
}

#[test]
fn mounts_of_a_namespace() {
    let node = node().process(7, "systemd").with(|s| {
        s.mounts = Some(Mounts {
            max: 100_000,
            namespaces: vec![MountNamespace {
                id: 4_026_531_841,
                mounts: 99_000,
                pid: 7,
            }],
        });
    });
    let finding = node.finding("mounts");
    assert_eq!(commands(&finding)[1], "sysctl -w fs.mount-max=262144");
    assert_eq!(captions(finding.blame.culprits()), ["systemd (pid 7)"]);
}

#[test]
fn keys_of_root_have_a_knob_of_their_own() {
    let with = |uid| {
        node().with(|s| {
            let user = KeyUser {
                uid,
                keys: 199,
                max_keys: 200,
                bytes: 1,
                max_bytes: 20_000,
            };
            s.keys = Some(Keys { users: vec![user] });
        })
    };
    assert_eq!(
        commands(&with(0).finding("keys"))[1],
        "sysctl -w kernel.keys.root_maxkeys=512"
    );
    assert_eq!(
        commands(&with(5).finding("keys"))[1],
        "sysctl -w kernel.keys.maxkeys=512"
    );
}

#[test]
fn semaphores_keep_the_other_numbers() {
    let node = node()
        .setting(Setting {
            key: "kernel.sem".to_owned(),
            live: Some("250\t32000\t32\t128".to_owned()),
            boot: None,
        })
        .with(|s| {
            s.sysv = Some(SysvIpc {
                semaphore_sets: 128,
                max_semaphore_sets: 128,
                max_semaphores: 32_000,
                max_segments: 4_096,
                max_segment_pages: 1 << 40,
                ..SysvIpc::default()
            });
        });
    let finding = node.finding("sysv-semaphores");
    assert_eq!(
        commands(&finding)[1],
        "sysctl -w 'kernel.sem=250 32000 32 256'"
    );
}

#[test]
fn epoll_and_namespaces_are_estimates() {
    let node = node().with(|s| {
        s.epoll = Some(Epoll {
            max_user_watches: 100,
            users: vec![EpollUser {
                uid: 7,
                watches: 90,
            }],
        });
        s.namespaces = Some(Namespaces {
            kinds: vec![NamespaceCount {
                kind: "net".to_owned(),
                used: 100,
                limit: 100,
            }],
        });
    });
    let epoll = node.finding("epoll");
    assert_eq!(epoll.severity, Severity::Warning);
    assert!(epoll.evidence[0].contains("estimated"));
    let namespaces = node.finding("namespaces");
    assert_eq!(namespaces.severity, Severity::Critical);
    assert_eq!(
        commands(&namespaces)[1],
        "sysctl -w user.max_net_namespaces=256"
    );
}

#[test]
fn what_is_forbidden_is_not_full() {
    let node = node().with(|s| {
        s.namespaces = Some(Namespaces {
            kinds: vec![NamespaceCount {
                kind: "user".to_owned(),
                used: 0,
                limit: 0,
            }],
        });
    });
    assert_eq!(node.rules(), Vec::<String>::new());
}

#[test]
fn resources_come_by_cause_the_fullest_first() {
    let mut snapshot = Snapshot::default();
    let mut root = filesystem("/", 500, 500, 500);
    root.device = "8:2".to_owned();
    snapshot.filesystems = Some(vec![root, filesystem("/var", 10, 10, 10)]);
    let resources = crate::conclude(&snapshot).resources;
    let names: Vec<_> = resources
        .iter()
        .map(|r| (r.unit.as_str(), r.subject.to_string()))
        .collect();
    assert_eq!(
        names,
        [
            ("bytes", "/var".to_owned()),
            ("bytes", "/".to_owned()),
            ("inodes", "/var".to_owned()),
            ("inodes", "/".to_owned())
        ]
    );
}

#[test]
fn many_processes_of_one_program_are_one_finding() {
    let workers = |number: u32| {
        let mut node = node().process(3, "sshd");
        for pid in 10..10 + number {
            node = node.process(pid, "worker").with(|s| {
                let process = s.processes.last_mut().unwrap();
                (process.descriptors, process.descriptor_limit) = (1_000, Some(1_024));
            });
        }
        node.findings("process-files")
    };
    assert_eq!(workers(2).len(), 2);
    let [finding] = &workers(9)[..] else {
        panic!("{:#?}", workers(9))
    };
    assert_eq!(finding.subject, Subject::Program("worker".to_owned()));
    assert!(
        finding.title.starts_with("9 processes"),
        "{}",
        finding.title
    );
    assert_eq!(finding.victims.len(), 9);
    for pid in 10..19 {
        let pid = format!("pid {pid}");
        assert!(finding.evidence.iter().any(|line| line.contains(&pid)));
    }
}

#[test]
fn a_limit_of_0_without_use_is_not_full() {
    assert_eq!(crate::model::percent(0, 0), Some(0));
    assert_eq!(crate::model::percent(1, 0), Some(100));
}
