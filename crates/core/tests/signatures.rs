//! The table of signatures: every example, every look-alike, and lines that only mention the words.
#![allow(clippy::unwrap_used, reason = "a test ends when its data is wrong")]

use std::collections::HashSet;
use std::sync::LazyLock;

use nospace_core::cause::Cause;
use nospace_core::explain::Classifier;
use nospace_core::inference::{Verdict, rules};
use nospace_core::normalise::NormalForm;
use nospace_core::signatures::{Confidence, Pattern, Table, TableError};

fn classifier() -> &'static Classifier {
    static ONCE: LazyLock<Classifier> =
        LazyLock::new(|| Classifier::new(Table::builtin().unwrap()).unwrap());
    &ONCE
}

/// Checks that each line means its cause, and tells of all that do not.
fn means(expected: &[(&str, Cause)]) {
    let classifier = classifier();
    let wrong: Vec<String> = expected
        .iter()
        .filter_map(|(line, cause)| {
            let found = classifier.classify(line.as_bytes()).map(|m| m.cause);
            (found != Some(*cause)).then(|| format!("{found:?}, not {cause}: {line}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_entry_is_sound() {
    let table = Table::builtin().unwrap();
    let mut ids = HashSet::new();
    for signature in table.signatures() {
        assert!(ids.insert(&signature.id), "{} twice", signature.id);
        assert!(signature.source.starts_with("https://"), "{}", signature.id);
        assert!(!signature.program.is_empty(), "{}", signature.id);
        if let Err(why) = Pattern::new(signature) {
            panic!("{}: {why}", signature.id);
        }
    }
}

#[test]
fn every_example_means_its_cause() {
    let table = Table::builtin().unwrap();
    let examples: Vec<(&str, Cause)> = table
        .signatures()
        .iter()
        .map(|s| (s.example.as_str(), s.cause))
        .collect();
    means(&examples);
}

#[test]
fn every_pattern_matches_its_example_itself() {
    let table = Table::builtin().unwrap();
    for signature in table.signatures() {
        let line = NormalForm::of(signature.example.as_bytes());
        let pattern = Pattern::new(signature).unwrap();
        assert!(
            pattern.find(signature, line.text()).is_some(),
            "{}",
            signature.id
        );
    }
}

#[test]
fn no_look_alike_has_the_cause_that_it_looks_like() {
    let classifier = classifier();
    let mut wrong = Vec::new();
    for signature in classifier.table().signatures() {
        for line in &signature.not {
            let pattern = Pattern::new(signature).unwrap();
            if pattern
                .find(signature, NormalForm::of(line.as_bytes()).text())
                .is_some()
            {
                wrong.push(format!("{}: {line}", signature.id));
            }
            let found = classifier.classify(line.as_bytes());
            if found
                .is_some_and(|m| m.cause == signature.cause && m.confidence > Confidence::Possible)
            {
                wrong.push(format!("{} by another entry: {line}", signature.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_cause_that_a_log_can_name_has_a_signature_or_a_rule() {
    let table = Table::builtin().unwrap();
    let mut named: HashSet<Cause> = table.signatures().iter().map(|s| s.cause).collect();
    named.extend(rules().iter().filter_map(|rule| match rule.cause {
        Verdict::Cause(cause) => Some(cause),
        Verdict::None(_) => None,
    }));
    for cause in Cause::ALL {
        // Blocks or inodes: only the node can tell.
        if !matches!(cause, Cause::DiskBlocks | Cause::DiskInodes) {
            assert!(named.contains(cause), "{cause}");
        }
    }
}

/// The lines that nospace was begun for, in full.
#[test]
fn seed_lines() {
    use Cause::{CgroupLimit, InotifyInstances, InotifyWatches, MountLimit};
    means(&[
        (
            r#"W1121 00:12:31.440286    2921 raw.go:146] Failed to watch directory "/sys/fs/cgroup/blkio/kubepods.slice/kubepods-besteffort.slice": inotify_add_watch /sys/fs/cgroup/blkio/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice: no space left on device"#,
            InotifyWatches,
        ),
        (
            r#"E1121 00:12:31.440286    2921 kubelet.go:1336] "Failed to start cAdvisor" err="inotify_add_watch /sys/fs/cgroup/cpuset: no space left on device""#,
            InotifyWatches,
        ),
        (
            r#"Error while processing event ("/sys/fs/cgroup/pids/system.slice/phpsessionclean.service": 0x40000100 == IN_CREATE|IN_ISDIR): inotify_add_watch /sys/fs/cgroup/pids/system.slice/phpsessionclean.service: no space left on device"#,
            InotifyWatches,
        ),
        (
            r#"raw.go:140] Failed to watch directory "/sys/fs/cgroup/memory/system.slice": inotify_add_watch /sys/fs/cgroup/memory/system.slice: no space left on device"#,
            InotifyWatches,
        ),
        (
            "failed to create fsnotify watcher: too many open files",
            InotifyInstances,
        ),
        (
            "Insufficient watch descriptors available. Reverting to -n.",
            InotifyInstances,
        ),
        (
            r#"container create failed: container_linux.go:349: starting container process caused "process_linux.go:449: container init caused \"rootfs_linux.go:58: mounting \\\"/sys\\\" to rootfs \\\"/var/lib/containers/storage/overlay/a12a/merged\\\" at \\\"/var/lib/containers/storage/overlay/a12a/merged/sys\\\" caused \\\"no space left on device\\\"\"""#,
            MountLimit,
        ),
        (
            "mkdir /sys/fs/cgroup/memory/kubepods/burstable/pod79fe803c-072f-11e9-90ca-525400090c71: no space left on device",
            CgroupLimit,
        ),
    ]);
}

/// The least that each cause's line says, row by row.
#[test]
fn the_shortest_line_of_each_kind() {
    use Cause::*;
    means(&[
        (
            "inotify_add_watch /x/y: no space left on device",
            InotifyWatches,
        ),
        (
            "Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup/x: no space left on device",
            InotifyWatches,
        ),
        (
            r#"failed to watch file "/var/log/x.log": no space left on device"#,
            InotifyWatches,
        ),
        (
            "ENOSPC: System limit for number of file watchers reached",
            InotifyWatches,
        ),
        ("tail: inotify resources exhausted", InotifyWatches),
        (
            "Failed to watch /x; upper limit on inotify watches reached!",
            InotifyWatches,
        ),
        (
            "failed to create fsnotify watcher: too many open files",
            InotifyInstances,
        ),
        ("inotify_init: too many open files", InotifyInstances),
        ("inotify_init1: Too many open files", InotifyInstances),
        (
            "failed to create cni conf monitor: failed to create fsnotify watcher: too many open files",
            InotifyInstances,
        ),
        (r#"error="failed to create inotify fd""#, InotifyInstances),
        ("failed to create inotify fd", InotifyInstances),
        (
            "The configured user limit (128) on the number of inotify instances has been reached",
            InotifyInstances,
        ),
        (
            "Failed to allocate directory watch: Too many open files",
            InotifyInstances,
        ),
        (
            "tail: inotify cannot be used, reverting to polling: Too many open files",
            InotifyInstances,
        ),
        (
            "mkdir /sys/fs/cgroup/memory/kubepods/x: no space left on device",
            CgroupLimit,
        ),
        (
            "mkdir /sys/fs/cgroup/memory/kubepods/x: cannot allocate memory",
            CgroupKmem,
        ),
        (
            "write /sys/fs/cgroup/cpuset/kubepods/x/cgroup.procs: no space left on device",
            CpusetEmpty,
        ),
        (
            r#"mounting "/sys" to rootfs "/run/x" at "/sys" caused "no space left on device""#,
            MountLimit,
        ),
        (
            r#"error mounting "proc" to rootfs at "/proc": mount proc:/proc (via /proc/self/fd/6), flags: 0xe: no space left on device"#,
            MountLimit,
        ),
        (
            "error creating overlay mount to /var/lib/docker/overlay2/x/merged: no space left on device",
            MountLimit,
        ),
        ("unshare: no space left on device", NamespaceLimit),
        (
            "unshare: unshare failed: No space left on device",
            NamespaceLimit,
        ),
        ("clone: no space left on device", NamespaceLimit),
        (
            "fork/exec /proc/self/exe: no space left on device",
            NamespaceLimit,
        ),
        ("write /var/lib/x: no space left on device", DiskSpace),
        ("mkdir /var/lib/x: no space left on device", DiskSpace),
        (
            "write /run/containerd/x: no space left on device",
            DiskSpace,
        ),
        ("write /dev/shm/x: no space left on device", DevShm),
        (
            "accept tcp 0.0.0.0:80: accept4: too many open files",
            ProcessFiles,
        ),
        ("accept: too many open files", ProcessFiles),
        ("open /etc/hosts: too many open files", ProcessFiles),
        ("accept4: too many open files in system", SystemFiles),
        ("VFS: file-max limit 65536 reached", SystemFiles),
        (
            "fork/exec /usr/bin/runc: resource temporarily unavailable",
            Pids,
        ),
        (
            "cgroup: fork rejected by pids controller in /kubepods/x",
            Pids,
        ),
        ("create session key: disk quota exceeded", Keys),
        (
            "could not create semaphores: No space left on device",
            SysvSemaphores,
        ),
        ("semget failed: No space left on device", SysvSemaphores),
        ("shmget: no space left on device", SysvShm),
        (
            r#"could not resize shared memory segment "/PostgreSQL.1" to 8388608 bytes: No space left on device"#,
            DevShm,
        ),
        ("epoll_ctl: no space left on device", EpollWatches),
        (
            "error allocating lock for new container: no space left on device",
            RuntimeLocks,
        ),
        (
            "error allocating lock for new pod: no space left on device",
            RuntimeLocks,
        ),
        (
            "no IP addresses available in range set: 10.1.0.1-10.1.0.254",
            IpPool,
        ),
        ("failed to allocate a serviceIP: range is full", IpPool),
        ("Event queue overflow", EventQueue),
        ("watcher got IN_Q_OVERFLOW", EventQueue),
    ]);
}

#[test]
fn the_verb_and_the_path_decide() {
    use Cause::*;
    means(&[
        (
            "mkdir /sys/fs/cgroup/x/y: no space left on device",
            CgroupLimit,
        ),
        ("mkdir /var/lib/x/y: no space left on device", DiskSpace),
        ("mkdir /dev/shm/y: no space left on device", DevShm),
        (
            "write /sys/fs/cgroup/cpuset/x/tasks: no space left on device",
            CpusetEmpty,
        ),
        (
            "write /var/lib/cgroup.notes: no space left on device",
            DiskSpace,
        ),
        ("open /etc/resolv.conf: too many open files", ProcessFiles),
        (
            "open /etc/resolv.conf: too many open files in system",
            SystemFiles,
        ),
        (
            "fork/exec /proc/self/exe: no space left on device",
            NamespaceLimit,
        ),
        (
            "fork/exec /proc/self/exe: resource temporarily unavailable",
            Pids,
        ),
        (
            "fork/exec /proc/self/exe: too many open files",
            ProcessFiles,
        ),
        (
            "Error: ENOSPC: no space left on device, watch '/x'",
            InotifyWatches,
        ),
        ("Error: ENOSPC: no space left on device, write", DiskSpace),
        (
            "Error: EMFILE: too many open files, watch '/x'",
            InotifyInstances,
        ),
        (
            "Error: EMFILE: too many open files, open '/x'",
            ProcessFiles,
        ),
    ]);
}

#[test]
fn both_causes_are_candidates_where_the_text_allows_both() {
    let classifier = classifier();
    let candidates = |line: &str| classifier.classify(line.as_bytes()).unwrap().candidates;
    assert_eq!(
        candidates("Insufficient watch descriptors available. Reverting to -n."),
        [
            Cause::InotifyInstances,
            Cause::InotifyWatches,
            Cause::ProcessFiles
        ]
    );
    assert_eq!(
        candidates("failed to create fsnotify watcher: too many open files"),
        [Cause::InotifyInstances, Cause::ProcessFiles]
    );
    assert_eq!(
        candidates("accept4: too many open files"),
        [Cause::ProcessFiles]
    );
}

/// Lines that mention the words, and refusals of other kinds.
#[test]
fn mere_mentions_mean_nothing() {
    let classifier = classifier();
    let wrong: Vec<String> = [
        "no space left on device",
        "too many open files",
        "Troubleshooting: no space left on device",
        "INFO blog post published: 'No space left on device' and how to fix it",
        r#"I0301 08:11:40.381174 1180 search.go:44] "Query" q="no space left on device kubelet""#,
        r#"{"level":"info","msg":"user searched","q":"too many open files"}"#,
        "see inotify(7) and inotify_add_watch(2) for the limit",
        "grep -c 'no space left on device' /var/log/syslog",
        r#"COMMAND=/usr/bin/grep "no space left on device" /var/log/syslog"#,
        "created by k8s.io/kubernetes/vendor/k8s.io/utils/inotify.NewWatcher",
        "fs.inotify.max_user_watches = 524288",
        "inotify_add_watch /sys/fs/cgroup/memory/x: no such file or directory",
        "read tcp 10.0.0.1:443: resource temporarily unavailable",
        "fork/exec /usr/bin/runc: cannot allocate memory",
        "range is full of numbers",
        "we handle Too many open files gracefully by retrying",
        "# When you see EMFILE: too many open files, raise ulimit -n",
        "the error 'no space left on device' was discussed at length in the meeting",
        "docs/errors.md: inotify_add_watch: what it is, and why",
        "level=info msg=\"rule loaded\" expr=\"count_over_time({app=\\\"x\\\"} |= \\\"too many open files\\\" [5m])\"",
    ]
    .iter()
    .filter_map(|line| {
        let found = classifier.classify(line.as_bytes())?;
        Some(format!("{}, {:?}: {line}", found.cause, found.reasons))
    })
    .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn of_two_that_match_the_surer_wins_then_the_later_then_the_earlier_entry() {
    let classifier = classifier();
    let id = |line: &str| {
        let found = classifier.classify(line.as_bytes()).unwrap();
        let index = found.signature.unwrap();
        classifier.table().signatures()[index].id.clone()
    };
    assert_eq!(
        id("E0301 sync failed: write /var/lib/x: no space left on device"),
        "disk-call-on-path"
    );
    // Two certain ones: the innermost of wrapped errors stands at the end.
    assert_eq!(
        id(
            "inotify_add_watch /x: no space left on device; then: write /var/lib/x: no space left on device"
        ),
        "disk-call-on-path"
    );
    assert_eq!(
        id(
            "write /var/lib/x: no space left on device; then: inotify_add_watch /x: no space left on device"
        ),
        "inotify-add-watch"
    );
    // Two certain ones that end alike: the order of the table.
    assert_eq!(
        id("Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup/x: no space left on device"),
        "kubelet-cadvisor-start-watches"
    );
}

/// From 1.10 on fsnotify says which call failed, and its callers add what they added before: the program's own entry goes on speaking.
#[test]
fn words_of_fsnotify_do_not_hide_who_speaks() {
    let program = |line: &str| {
        let found = classifier().classify(line.as_bytes()).unwrap();
        let entry = &classifier().table().signatures()[found.signature.unwrap()];
        (entry.program.clone(), entry.cause)
    };
    let refused = "couldn't initialize inotify: too many open files";
    // containerd 2.4.2, started on a full node.
    let containerd = format!(
        "time=\"2026-11-30T13:26:50.837314555Z\" level=warning msg=\"failed to load plugin\" error=\"failed to create CRI service: failed to create cni conf monitor for default: failed to create fsnotify watcher: {refused}\" id=io.containerd.grpc.v1.cri type=io.containerd.grpc.v1"
    );
    for (line, by) in [
        (containerd, "containerd"),
        (format!("unable to create inotify: {refused}"), "kubelet"),
        (
            format!("failed to create fsnotify watcher: {refused}"),
            "Go fsnotify",
        ),
        (
            format!("main.go:41: cannot watch: {refused}"),
            "Go fsnotify",
        ),
        (
            "Couldn't initialize inotify: Too many open files".to_owned(),
            "inotify-tools",
        ),
    ] {
        let expected = (by.to_owned(), Cause::InotifyInstances);
        assert_eq!(program(&line), expected, "{line}");
    }
}

const OWN: &str = r#"
[[signature]]
id = "acme-watch"
program = "acme"
cause = "inotify-watches"
literal = "acme: out of watches"
pattern = 'acme: out of watches on %path%'
example = "acme: out of watches on /srv/acme"
source = "https://example.org/acme"
"#;

fn with_user(text: &str) -> Result<Table, TableError> {
    Table::with_user(&[("mine.toml".to_owned(), text.to_owned())])
}

#[test]
fn users_add_their_own() {
    let classifier = Classifier::new(with_user(OWN).unwrap()).unwrap();
    let found = classifier
        .classify(b"2026-11-21 acme: out of watches on /data")
        .unwrap();
    assert_eq!(found.cause, Cause::InotifyWatches);
    assert_eq!(found.object.name.as_deref(), Some("/data"));
}

#[test]
fn errors_name_file_entry_and_reason() {
    for (from, to, parts) in [
        (
            "inotify-watches",
            "inotify-wishes",
            ["mine.toml", "\"acme-watch\"", "inotify-wishes"],
        ),
        (
            "'acme: out of watches on %path%'",
            "'acme: (out'",
            ["mine.toml", "\"acme-watch\" (line 2)", "regular expression"],
        ),
        (
            "example = \"acme: out",
            "example = \"acme: in",
            [
                "mine.toml",
                "\"acme-watch\"",
                "does not match its own example",
            ],
        ),
        (
            "literal = \"acme: out of watches\"",
            "literal = \"acme: lacks watches\"",
            ["mine.toml", "\"acme-watch\" (line 2)", "literal"],
        ),
        (
            "program",
            "programme",
            ["mine.toml", "\"acme-watch\"", "programme"],
        ),
        (
            "source =",
            "# source =",
            ["mine.toml", "\"acme-watch\"", "source"],
        ),
        (
            "literal = \"acme: out of watches\"",
            "literal = \"acme\"",
            ["mine.toml", "\"acme-watch\"", "6 characters"],
        ),
        (
            "id = \"acme-watch\"",
            "",
            ["mine.toml", "number 1 (line 2)", "id"],
        ),
        (
            "[[signature]]",
            "[[signature",
            ["mine.toml", "line 2", "[[signature"],
        ),
    ] {
        let message = with_user(&OWN.replace(from, to)).unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
    let twice = with_user(&format!("{OWN}{OWN}")).unwrap_err().to_string();
    assert!(twice.contains("\"acme-watch\" (line 11)"), "{twice}");
}
