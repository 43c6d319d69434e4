//! Whatever was read, there is a report.

use proptest::prelude::*;
use serde_json::Value;

use crate::model::{
    BootValue, Bundle, ContainerLog, DescendantLimit, Epoll, EpollUser, Filesystem,
    FilesystemUsage, KeyUser, Keys, MountNamespace, Mounts, NamespaceCount, Namespaces, Pids,
    PidsCgroup, Setting, Snapshot, SysvIpc, UserCounters, UserKey,
};
use crate::report::Report;
use crate::testing::{Node, container_id, files, node};

/// A node of which everything was read.
fn full() -> Node {
    let child = UserKey {
        user_namespace: 4_026_532_200,
        uid: 100_000,
    };
    node()
        .process(1, "systemd")
        .cgroup("/init.scope")
        .holds(3, 10)
        .process(9, "kubelet")
        .cgroup("/system.slice/kubelet.service")
        .holds(6, 40)
        .pod(30, "promtail", "promtail-x")
        .holds(100, 0)
        .pod(31, "app", "web-0")
        .holds(9, 70)
        .process(33, "java")
        .user(UserKey::initial(1_000))
        .holds(1, 4_100)
        .docker(32, "node", "web")
        .user(child)
        .holds(2, 700)
        .child_namespace(child.user_namespace, 0)
        .instance(UserKey::initial(0), 3, &[30, 31, 1])
        .cgroups_v2(300, 20)
        .setting(Setting {
            key: "fs.inotify.max_user_watches".to_owned(),
            live: Some("8192".to_owned()),
            boot: Some(BootValue {
                value: "4096".to_owned(),
                file: "/etc/sysctl.conf".to_owned(),
                line: 3,
            }),
        })
        .with(|s| {
            let counters = |uid, instances, watches| UserCounters {
                key: UserKey::initial(uid),
                instances,
                watches,
                instances_limit: 128,
                watches_limit: 8_192,
            };
            s.inotify.as_mut().unwrap().counters =
                Some(vec![counters(0, 121, 8_000), counters(1_000, 1, 4_100)]);
            let cgroups = s.cgroups.as_mut().unwrap();
            cgroups.hierarchies[0].kernel_count = Some(65_000);
            cgroups.hierarchies[0].dying = Some(40_000);
            cgroups.descendant_limits.push(DescendantLimit {
                path: "/a".to_owned(),
                used: 9,
                limit: 10,
            });
        })
        .with(everything_else)
}

fn everything_else(s: &mut Snapshot) {
    s.processes[0].descriptors = 1_000;
    s.processes[0].descriptor_limit = Some(1_024);
    s.filesystems = Some(vec![Filesystem {
        mountpoint: "/".to_owned(),
        fstype: "ext4".to_owned(),
        serves: vec!["/var/lib/docker".to_owned()],
        usage: Some(FilesystemUsage {
            block_size: 4_096,
            blocks: 100,
            blocks_free: 10,
            blocks_available: 5,
            inodes: 100,
            inodes_free: 1,
        }),
        ..Filesystem::default()
    }]);
    s.resources = vec![files(9, 10)];
    s.pids = Some(Pids {
        threads: 9,
        pid_max: 10,
        threads_max: 100,
        cgroups: vec![PidsCgroup {
            path: "/a/b.service".to_owned(),
            current: 90,
            max: 100,
            refused: 3,
        }],
    });
    s.mounts = Some(Mounts {
        max: 10,
        namespaces: vec![MountNamespace {
            id: 1,
            mounts: 9,
            pid: 9,
        }],
    });
    s.keys = Some(Keys {
        users: vec![KeyUser {
            uid: 0,
            keys: 9,
            max_keys: 10,
            bytes: 9,
            max_bytes: 10,
        }],
    });
    s.sysv = Some(SysvIpc {
        semaphore_sets: 9,
        max_semaphore_sets: 10,
        ..SysvIpc::default()
    });
    s.epoll = Some(Epoll {
        max_user_watches: 10,
        users: vec![EpollUser { uid: 0, watches: 9 }],
    });
    s.namespaces = Some(Namespaces {
        kinds: vec![NamespaceCount {
            kind: "net".to_owned(),
            used: 9,
            limit: 10,
        }],
    });
    s.containers.container_logs.push(ContainerLog {
        pod: "web-0".to_owned(),
        namespace: "default".to_owned(),
        container: "app".to_owned(),
        id: container_id("web-0"),
    });
    s.containers.bundles.push(Bundle {
        id: container_id("web"),
        ..Bundle::default()
    });
    s.collectors[0].gaps.push("hidden".to_owned());
}

#[test]
fn a_full_node_keeps_every_rule_busy() {
    let mut rules = full().rules();
    rules.sort();
    rules.dedup();
    let expected = [
        "blind",
        "cgroup-descendants",
        "cgroup-limit",
        "child-limits",
        "disk-blocks",
        "disk-inodes",
        "dominant-holder",
        "epoll",
        "inotify-instances",
        "inotify-watches",
        "keys",
        "kubelet-start",
        "leaked-instances",
        "mounts",
        "namespaces",
        "pids",
        "process-files",
        "shared-budget",
        "sysctl-drift",
        "system-files",
        "sysv-semaphores",
    ];
    assert_eq!(rules, expected);
}

#[test]
fn nothing_read_is_a_report_too() {
    let report = crate::conclude(&Snapshot::default());
    assert_eq!(report.status(), crate::report::Status::Unknown);
    assert!(report.findings.is_empty() && report.users.is_empty());
}

/// A stream of choices, the same for the same seed (splitmix64).
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.next() % all.len() as u64).unwrap()]
    }
}

/// Spoils one value in eight: other numbers, other names, entries doubled or gone.
fn spoil(key: &str, value: &mut Value, choices: &mut Choices) {
    const NAMES: [&str; 7] = [
        "",
        "/",
        "../..",
        "\u{fc}\u{1b}[31m\n",
        "' ; rm",
        "kubelet",
        "kubepods",
    ];
    const SMALL: [u64; 6] = [0, 1, 2, 99, 65_535, u32::MAX as u64];
    const LARGE: [u64; 4] = [0, 1, 1 << 40, u64::MAX];
    let hit = choices.next().is_multiple_of(8);
    match value {
        Value::Number(n) if hit && n.is_u64() => {
            let word = ["pid", "ppid", "uid", "fd", "watches", "line", "descriptors"];
            let small = word.contains(&key) || choices.next().is_multiple_of(2);
            *value = choices.of(if small { &SMALL } else { &LARGE }).into();
        }
        Value::String(_)
            if hit && !["version", "runtime", "provenance", "cause"].contains(&key) =>
        {
            *value = choices.of(&NAMES).into();
        }
        Value::Bool(b) if hit => *b = !*b,
        Value::Array(items) => {
            match items.first().cloned() {
                Some(first) if hit && choices.next().is_multiple_of(2) => items.push(first),
                _ if hit => items.clear(),
                _ => {}
            }
            let all = items.iter_mut();
            all.for_each(|item| spoil(key, item, choices));
        }
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(key, field)| spoil(key, field, choices)),
        _ => {}
    }
}

/// A full node with much of it spoiled, and some parts not read.
fn spoiled(seed: u64) -> Option<Snapshot> {
    const PARTS: [&str; 6] = [
        "limits",
        "inotify",
        "cgroups",
        "filesystems",
        "pids",
        "mounts",
    ];
    let mut choices = Choices(seed);
    let mut value = serde_json::to_value(full().0).unwrap();
    spoil("", &mut value, &mut choices);
    for part in PARTS {
        if choices.next().is_multiple_of(8) {
            value[part] = Value::Null;
        }
    }
    serde_json::from_value(value).ok()
}

#[test]
fn spoiled_snapshots_are_mostly_still_snapshots() {
    let read = (0..100).filter(|seed| spoiled(*seed).is_some()).count();
    assert!(read > 90, "{read} of 100");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn conclude_never_panics_and_its_report_survives_json(seed: u64) {
        if let Some(snapshot) = spoiled(seed) {
            let report = crate::conclude(&snapshot);
            for finding in &report.findings {
                prop_assert!(!finding.title.is_empty() && !finding.rule.name().is_empty());
                prop_assert!(finding.remedies.iter().all(|r| !r.command.is_empty() && !r.why.is_empty()));
            }
            prop_assert!(report.findings.is_sorted_by_key(|f| std::cmp::Reverse(f.severity)));
            let text = serde_json::to_string(&report).unwrap();
            let back: Report = serde_json::from_str(&text).unwrap();
            // Captions are read back as captions.
            prop_assert_eq!(serde_json::to_string(&back).unwrap(), text);
        }
    }
}
