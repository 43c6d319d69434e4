//! Reports made by hand, each of a node that somebody was called for.

use nospace_core::cause::Cause;
use nospace_core::evidence;
use nospace_core::model::{
    CgroupVersion, CollectorRun, Guard, GuardMode, Guards, INITIAL_USER_NAMESPACE, Pair,
    Provenance, Runtime, UserNames, Vantage,
};
use nospace_core::report::{
    Blame, Budget, ContainerRef, ContainerUse, Culprit, Finding, Forecast, InotifyLimits,
    KubeletStart, LogContext, Node, NotSeen, Owner, Pod, PodContainer, PodPart, ProcessUse, Remedy,
    RemedyContext, Report, Resource, Rule, SCHEMA_VERSION, Severity, StartVerdict, Subject,
    Unattributed, User, UserRef,
};

const ROOT: UserRef = UserRef {
    uid: 0,
    user_namespace: INITIAL_USER_NAMESPACE,
};

/// Every sample, by the name of its golden files.
pub fn all() -> Vec<(&'static str, Report)> {
    let mut all = vec![
        ("healthy", healthy()),
        ("watches", watches_exhausted()),
        ("instances", instances_exhausted()),
        ("child-namespace", child_namespace()),
        ("unavailable", unavailable()),
        ("hostile", hostile()),
        ("guarded", guarded()),
    ];
    for (_, report) in &mut all {
        evidence::judge_node(report);
    }
    all
}

/// Thirty pods on cgroup v2, nothing near a limit.
pub fn healthy() -> Report {
    let pods: Vec<Pod> = (0..30).map(|n| pod(&format!("web-{n}"), 1, 2)).collect();
    Report {
        users: vec![
            user(0, exact(71, 1024), exact(612, 524_288)),
            user(101, exact(1, 1024), exact(4, 524_288)),
            user(1000, exact(3, 1024), exact(31, 524_288)),
        ],
        processes: vec![
            process(1, "systemd", 5, 89, Owner::Host),
            process(812, "kubelet", 6, 134, unit("kubelet.service")),
            process(640, "containerd", 2, 2, unit("containerd.service")),
            process(
                2044,
                "containerd-shim",
                2,
                4,
                of_pod("web-0", PodPart::Shim),
            ),
            process(2061, "pause", 1, 1, of_pod("web-0", PodPart::Sandbox)),
        ],
        pods,
        resources: resources(),
        remedy_context: RemedyContext::default(),
        log_context: LogContext::default(),
        forecast: starts(),
        ..bare(1024, 524_288)
    }
}

/// Pods have used up what a guard lets them; another one is of a nospace that this one cannot read.
pub fn guarded() -> Report {
    let mut report = watches_exhausted();
    report.users[0].watches = exact(900, 1000);
    report.limits = bare(128, 1000).limits;
    let guard = |pid, mode, tested| Guard {
        pid,
        mode,
        reserve: Pair::of(Some(20), Some(100)),
        tested_seconds_ago: tested,
        exempt_namespaces: vec!["kube-system".into(), "monitoring".into()],
        exempt_cgroups: vec![],
        more_exempt: false,
    };
    report.guards = Some(Guards {
        running: vec![
            guard(41, GuardMode::Enforce, Some(12)),
            guard(42, GuardMode::Shadow, Some(400)),
        ],
        unreadable: vec!["a guard of another version of nospace runs, and this one cannot read what it keeps (layout 2): run the guard's own nospace".into()],
    });
    if let Some(start) = &mut report.forecast.kubelet_start {
        start.verdict = StartVerdict::Starts;
        start.watches_needed = 60;
        start.watches_free = 296;
        (start.watches_kept, start.instances_kept) = (100, 20);
    }
    report.findings = vec![Finding {
        rule: Rule::GuardReserve,
        ..finding(
            Cause::InotifyWatches,
            Severity::Critical,
            "Pods get no more inotify watches: uid 0 has used 900, and a guard (pid 41) keeps the last 100 of 1,000 for the node",
        )
    }];
    report
}

/// A log shipper took all watches of uid 0; the kubelet would be the victim.
pub fn watches_exhausted() -> Report {
    let shipper = "fluent-bit-x7k2p";
    Report {
        users: vec![
            user(0, exact(58, 128), exact(8190, 8192)),
            user(1000, exact(1, 128), exact(12, 8192)),
        ],
        processes: vec![
            process(5120, "fluent-bit", 1, 7340, of_pod(shipper, PodPart::Container)),
            process(812, "kubelet", 5, 196, unit("kubelet.service")),
            process(1, "systemd", 5, 89, Owner::Host),
        ],
        pods: vec![pod(shipper, 1, 7340), pod("web-0", 1, 2), pod("web-1", 1, 2)],
        resources: resources(),
        remedy_context: RemedyContext::default(),
        log_context: LogContext::default(),
        forecast: Forecast {
            kubelet_start: Some(KubeletStart {
                verdict: StartVerdict::Fails,
                account: ROOT,
                unseen: Vec::new(),
                starting: false,
                watches_needed: 900,
                watches_free: 198,
                instances_needed: 6,
                instances_free: 75,
                watches_kept: 0,
                instances_kept: 0,
                kubelet_pid: Some(812),
                watches_given_back: 196,
                instances_given_back: 5,
                basis: "180 cgroup directories in each of 5 hierarchies (cgroup v1)".into(),
                provenance: Provenance::Exact,
            }),
        },
        findings: vec![
            Finding {
                cause: Cause::InotifyWatches,
                rule: Rule::Exhaustion(Cause::InotifyWatches),
                severity: Severity::Critical,
                title: "uid 0 has used 8,190 of 8,192 inotify watches (99 %)".into(),
                evidence: vec![
                    "8,190 watches of uid 0, exact".into(),
                    "fs.inotify.max_user_watches is 8192, the default of kernels before 5.11".into(),
                ],
                blame: Blame::only(
                    Culprit::with_amount("pod default/fluent-bit-x7k2p", "7,340 watches (89 %)"),
                    None,
                ),
                subject: Subject::None,
                victims: vec![
                    "kubelet (pid 812) at its next start".into(),
                    "every other process of uid 0: inotify_add_watch fails with ENOSPC, \"no space left on device\"".into(),
                ],
                remedies: vec![
                    Remedy {
                        command: "sysctl -w fs.inotify.max_user_watches=524288".into(),
                        why: "Raises what each user may hold; unused watches cost no memory. Gone at the next boot unless \
                              written to /etc/sysctl.d/."
                            .into(),
                    },
                    Remedy {
                        command: "kubectl -n default delete pod fluent-bit-x7k2p".into(),
                        why: "Gives back 7,340 watches at once.".into(),
                    },
                ],
            },
            finding(Cause::InotifyWatches, Severity::Critical, "the kubelet would not start now: it needs 900 watches and finds 198"),
            finding(Cause::InotifyWatches, Severity::Warning, "one holder has more than half of the watches of uid 0"),
        ],
        node: Node { cgroup_version: CgroupVersion::V1, ..node("n1") },
        ..bare(128, 8192)
    }
}

/// 128 instances, most in one shim; the figures are estimates.
pub fn instances_exhausted() -> Report {
    let mut leaking = pod("web-0", 112, 3);
    leaking.containers.push(PodContainer {
        name: String::new(),
        id: String::new(),
        part: PodPart::Shim,
        instances: 7,
        watches: 14,
    });
    Report {
        collectors: vec![CollectorRun {
            source: "procfs".into(),
            provenance: Provenance::Estimated,
            gaps: vec!["inotify instances without a visible descriptor are not counted; eBPF would see them (needs CAP_BPF and CAP_PERFMON)".into()],
            ..collector("inotify", 41.5)
        }],
        users: vec![user(0, estimated(126, 128), estimated(3391, 192_536))],
        processes: vec![
            ProcessUse {
                empty_instances: 110,
                ..process(4711, "node", 111, 2, of_pod("web-0", PodPart::Container))
            },
            process(4650, "containerd-shim", 7, 14, of_pod("web-0", PodPart::Shim)),
            ProcessUse {
                shared_instances: 1,
                shared_watches: 4,
                ..process(900, "udevd", 1, 4, unit("systemd-udevd.service"))
            },
            process(33, "dockerd", 1, 2, docker("registry")),
        ],
        pods: vec![leaking, pod("web-1", 1, 2)],
        containers: vec![ContainerUse {
            runtime: Runtime::Docker,
            id: "4f66ad9c0e5d4f66ad9c0e5d".into(),
            name: Some("registry".into()),
            instances: 1,
            watches: 2,
        }],
        resources: [resources(), vec![full_disk()]].concat(),
        findings: vec![Finding {
            evidence: vec!["~126 of 128 instances of uid 0, estimated".into()],
            blame: Blame::only(Culprit::named("default/web-0 (112)"), None),
            subject: Subject::None,
            victims: vec!["every process of uid 0 that makes an inotify instance: EMFILE, \"too many open files\"".into()],
            remedies: vec![Remedy {
                command: "sysctl -w fs.inotify.max_user_instances=8192".into(),
                why: "Raises what each user may hold.".into(),
            }],
            ..finding(Cause::InotifyInstances, Severity::Critical, "uid 0 has used ~126 of 128 inotify instances (98 %)")
        }, finding(Cause::DiskInodes, Severity::Warning, "/var/lib/containerd has used 88 % of its inodes"),
           finding(Cause::InotifyInstances, Severity::Info, "node (pid 4711) holds 110 instances that watch nothing: a leak")],
        remedy_context: RemedyContext::default(),
        log_context: LogContext::default(),
        forecast: Forecast { kubelet_start: Some(KubeletStart { verdict: StartVerdict::Barely, ..start() }) },
        ..bare(128, 192_536)
    }
}

/// A rootless user near the limit of its own namespace, which the host's sysctl does not show.
pub fn child_namespace() -> Report {
    let mut rootless = user(100_000, exact(120, 128), exact(900, 65_536));
    rootless.user_namespace = 4_026_532_201;
    rootless.draws_on = Some(UserRef { uid: 1000, ..ROOT });
    rootless.unattributed = Unattributed {
        instances: Some(3),
        watches: Some(17),
    };
    Report {
        users: vec![
            rootless,
            user(1000, exact(124, 1024), exact(931, 524_288)),
            user(0, exact(30, 1024), exact(200, 524_288)),
        ],
        processes: vec![process(7000, "java", 117, 883, podman())],
        containers: vec![ContainerUse {
            runtime: Runtime::Podman,
            id: "9d2f0c1be7aa9d2f0c1be7aa".into(),
            name: None,
            instances: 117,
            watches: 883,
        }],
        findings: vec![Finding {
            blame: Blame::only(
                Culprit::with_amount("container 9d2f0c1be7aa (podman)", "117 instances"),
                None,
            ),
            subject: Subject::None,
            ..finding(
                Cause::InotifyInstances,
                Severity::Warning,
                "uid 100000 has used 120 of 128 inotify instances of its user namespace (93 %)",
            )
        }],
        ..bare(1024, 524_288)
    }
}

/// Nobody, in a container without the host's /proc.
pub fn unavailable() -> Report {
    Report {
        collectors: vec![
            CollectorRun {
                provenance: Provenance::Unavailable,
                error: Some("/host/proc: permission denied; run as root, or with CAP_SYS_PTRACE".into()),
                ..collector("inotify", 0.3)
            },
            CollectorRun {
                provenance: Provenance::Estimated,
                gaps: vec!["213 processes of other users may not be looked into (needs root or CAP_SYS_PTRACE)".into()],
                ..collector("files", 2.0)
            },
        ],
        limits: None,
        users: vec![User {
            instances: Budget { used: 4, limit: None, provenance: Provenance::Estimated },
            watches: Budget::default(),
            unattributed: Unattributed::default(),
            ..user(65_534, exact(0, 1), exact(0, 1))
        }],
        resources: vec![Resource { provenance: Provenance::Unavailable, ..full_disk() }],
        node: Node { name: "n1".into(), kernel: "5.10.0".into(), cgroup_version: CgroupVersion::Unknown },
        ..bare(128, 8192)
    }
}

/// Names that try to steer the terminal, lie about the line, or break the table.
pub fn hostile() -> Report {
    hostile_with("\x1b[2J\x1b]0;owned\x07web\n0\u{202e}gnp.\u{200b}")
}

/// A report with `evil` in every place where a node may put a name.
pub fn hostile_with(evil: &str) -> Report {
    let long = "a".repeat(300);
    let mut report = instances_exhausted();
    report.node.name = format!("n1{evil}");
    report.node.kernel = "6.1\x1b[31m".into();
    report.pods = vec![pod(evil, 3, 3), pod(&long, 2, 2), pod("网页服务器", 1, 1)];
    report.processes = vec![
        process(1, "\x1b[31mkub\r", 3, 3, of_pod(evil, PodPart::Container)),
        process(u32::MAX, "a\u{2066}b", 9_999_999, 9_999_999, unit(&long)),
    ];
    report.containers[0].name = Some(evil.into());
    report.resources = vec![Resource {
        subject: Subject::Mount(format!("/mnt/{evil}")),
        note: Some(format!("{long}\n\x1b[1A")),
        ..full_disk()
    }];
    report.collectors[0].gaps = vec![format!("{evil}: {long}")];
    report.findings = vec![Finding {
        title: format!("pod {evil} is evil"),
        evidence: vec![evil.into()],
        blame: Blame::only(Culprit::named(long.as_str()), None),
        subject: Subject::None,
        victims: vec![evil.into()],
        remedies: vec![Remedy {
            command: format!("kill 1 # {evil}"),
            why: evil.into(),
        }],
        ..finding(Cause::InotifyInstances, Severity::Critical, "")
    }];
    report
}

/// What the document of a report lists where nothing was missing.
fn all_seen() -> NotSeen {
    serde_json::from_str("[]").unwrap()
}

fn bare(instances: u64, watches: u64) -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        taken_at: "2026-01-01T00:00:00Z".into(),
        vantage: Vantage::initial(),
        node: node("n1"),
        collectors: vec![collector("inotify", 1.2), collector("limits", 0.4)],
        limits: Some(InotifyLimits {
            max_user_instances: instances,
            max_user_watches: watches,
            max_queued_events: 16_384,
        }),
        users: vec![],
        processes: vec![],
        pods: vec![],
        containers: vec![],
        resources: vec![],
        guards: None,
        unseen: all_seen(),
        not_covered: Vec::new(),
        user_names: UserNames::default(),
        remedy_context: RemedyContext::default(),
        log_context: LogContext::default(),
        forecast: Forecast::default(),
        findings: vec![],
    }
}

fn node(name: &str) -> Node {
    Node {
        name: name.into(),
        kernel: "6.18.0".into(),
        cgroup_version: CgroupVersion::V2,
    }
}

fn collector(name: &str, duration_ms: f64) -> CollectorRun {
    CollectorRun {
        name: name.into(),
        source: "ebpf".into(),
        provenance: Provenance::Exact,
        duration_ms,
        ..CollectorRun::default()
    }
}

fn exact(used: u64, limit: u64) -> Budget {
    Budget {
        used,
        limit: Some(limit),
        provenance: Provenance::Exact,
    }
}

fn estimated(used: u64, limit: u64) -> Budget {
    Budget {
        provenance: Provenance::Estimated,
        ..exact(used, limit)
    }
}

fn user(uid: u32, instances: Budget, watches: Budget) -> User {
    User {
        uid,
        user_namespace: INITIAL_USER_NAMESPACE,
        instances,
        watches,
        unattributed: Unattributed {
            instances: Some(0),
            watches: Some(0),
        },
        draws_on: None,
    }
}

fn process(pid: u32, comm: &str, instances: u64, watches: u64, owner: Owner) -> ProcessUse {
    ProcessUse {
        pid,
        comm: comm.into(),
        instances,
        watches,
        shared_instances: 0,
        shared_watches: 0,
        empty_instances: 0,
        charged: ROOT,
        owner,
        cmdline: None,
    }
}

fn unit(name: &str) -> Owner {
    Owner::Unit { name: name.into() }
}

fn docker(name: &str) -> Owner {
    Owner::Container {
        runtime: Runtime::Docker,
        id: "4f66ad9c0e5d4f66ad9c0e5d".into(),
        name: Some(name.into()),
        inner_unit: None,
    }
}

fn podman() -> Owner {
    Owner::Container {
        runtime: Runtime::Podman,
        id: "9d2f0c1be7aa9d2f0c1be7aa".into(),
        name: None,
        inner_unit: None,
    }
}

fn of_pod(name: &str, part: PodPart) -> Owner {
    let container = (part == PodPart::Container).then(|| ContainerRef {
        name: "app".into(),
        id: "c0ffee".repeat(10),
    });
    Owner::Pod {
        namespace: "default".into(),
        name: name.into(),
        uid: format!("uid-of-{name}"),
        container,
        part,
    }
}

fn pod(name: &str, instances: u64, watches: u64) -> Pod {
    let app = PodContainer {
        name: "app".into(),
        id: "c0ffee".repeat(10),
        part: PodPart::Container,
        instances,
        watches,
    };
    Pod {
        namespace: "default".into(),
        name: name.into(),
        uid: format!("uid-of-{name}"),
        instances,
        watches,
        charged: vec![ROOT],
        containers: vec![app],
    }
}

fn resources() -> Vec<Resource> {
    let resource = |cause, subject: &str, used, limit, unit: &str| Resource {
        cause,
        subject: Subject::Caption(subject.to_owned()),
        used,
        limit,
        unit: unit.into(),
        provenance: Provenance::Exact,
        note: None,
    };
    vec![
        resource(Cause::DiskBlocks, "/", 41 << 30, 100 << 30, "bytes"),
        resource(Cause::DiskInodes, "/", 1_200_000, 6_500_000, "inodes"),
        resource(Cause::SystemFiles, "node", 12_480, 9_223_372, "files"),
        resource(Cause::Pids, "node", 911, 4_194_304, "threads"),
        resource(Cause::CgroupLimit, "memory", 214, 65_535, "cgroups"),
    ]
}

fn full_disk() -> Resource {
    Resource {
        cause: Cause::DiskInodes,
        subject: Subject::Mount("/var/lib/containerd".to_owned()),
        used: 880_000,
        limit: 1_000_000,
        unit: "inodes".into(),
        provenance: Provenance::Exact,
        note: Some("shared with /var/lib/kubelet".into()),
    }
}

fn start() -> KubeletStart {
    KubeletStart {
        verdict: StartVerdict::Starts,
        account: ROOT,
        unseen: Vec::new(),
        starting: false,
        watches_needed: 134,
        watches_free: 192_000,
        instances_needed: 6,
        instances_free: 7,
        watches_kept: 0,
        instances_kept: 0,
        kubelet_pid: None,
        watches_given_back: 0,
        instances_given_back: 0,
        basis: "134 cgroup directories (cgroup v2)".into(),
        provenance: Provenance::Estimated,
    }
}

fn starts() -> Forecast {
    Forecast {
        kubelet_start: Some(KubeletStart {
            provenance: Provenance::Exact,
            instances_free: 959,
            watches_free: 523_810,
            ..start()
        }),
    }
}

fn finding(cause: Cause, severity: Severity, title: &str) -> Finding {
    Finding {
        cause,
        rule: Rule::Exhaustion(cause),
        severity,
        title: title.into(),
        evidence: vec![],
        blame: Blame::Unknown,
        subject: Subject::None,
        victims: vec![],
        remedies: vec![],
    }
}
