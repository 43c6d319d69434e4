//! What a look at the node says of what a log says.
#![allow(clippy::unwrap_used, reason = "a test ends when its data is wrong")]

mod support;

use nospace_core::cause::Cause;
use nospace_core::explain::Verdict;
use nospace_core::limits::LIMITS;
use nospace_core::model::{CollectorRun, Provenance, UserKey, Vantage};
use nospace_core::report::{
    Blame, Budget, Culprit, Finding, Forecast, InotifyLimits, LogContext, Node, NotSeen, Pod,
    Remedy, RemedyContext, Report, Resource, Rule, Severity, Speaker, Subject, Unattributed, User,
};

use support::explain;

/// A collector that has seen everything.
fn ran(name: &str) -> CollectorRun {
    CollectorRun {
        name: name.to_owned(),
        provenance: Provenance::Exact,
        ..CollectorRun::default()
    }
}

fn node() -> Report {
    Report {
        schema_version: 1,
        taken_at: String::new(),
        node: Node::default(),
        vantage: Vantage::initial(),
        collectors: LIMITS
            .iter()
            .filter_map(|limit| limit.collector)
            .map(ran)
            .collect(),
        limits: Some(InotifyLimits::default()),
        users: Vec::new(),
        processes: Vec::new(),
        pods: Vec::new(),
        containers: Vec::new(),
        resources: Vec::new(),
        guards: None,
        forecast: Forecast::default(),
        findings: Vec::new(),
        unseen: NotSeen::unjudged(),
        not_covered: Vec::new(),
        user_names: nospace_core::model::UserNames::default(),
        remedy_context: RemedyContext::default(),
        log_context: LogContext::default(),
    }
}

fn with_user(instances: u64, watches: u64) -> Report {
    let budget = |used| Budget {
        used,
        limit: Some(100),
        provenance: Provenance::Exact,
    };
    let mut report = node();
    report.users.push(User {
        uid: 0,
        user_namespace: 4_026_531_837,
        instances: budget(instances),
        watches: budget(watches),
        unattributed: Unattributed::default(),
        draws_on: None,
    });
    report
}

fn with_disks(disks: &[(Cause, &str, u64)]) -> Report {
    let mount = |(cause, place, used): &(Cause, &str, u64)| {
        (*cause, Subject::Mount((*place).to_owned()), *used)
    };
    with_resources(disks.iter().map(mount))
}

fn with_process(comm: &str) -> Report {
    let process = Subject::Process {
        comm: comm.to_owned(),
        pid: 7,
        unit: None,
    };
    with_resources([(Cause::ProcessFiles, process, 100)])
}

fn with_resources(resources: impl IntoIterator<Item = (Cause, Subject, u64)>) -> Report {
    let mut report = node();
    for (cause, subject, used) in resources {
        report.resources.push(Resource {
            cause,
            subject,
            used,
            limit: 100,
            unit: "blocks".to_owned(),
            provenance: Provenance::Exact,
            note: None,
        });
    }
    report
}

const WATCHES: &str =
    "Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup: no space left on device\n";

#[test]
fn used_up_now_confirms() {
    let said = explain(WATCHES, Some(&with_user(3, 99)));
    assert_eq!(said.causes[0].node, Verdict::Confirms);
    assert_eq!(said.causes[0].decided, Some(Cause::InotifyWatches));
    assert_eq!(said.findings[0].severity, Severity::Critical);
    assert!(
        said.findings[0]
            .evidence
            .contains(&"node: uid 0: 99 of 100 inotify watches (99 %)".to_owned())
    );
}

#[test]
fn room_now_is_recovery_of_what_was_certain() {
    let said = explain(WATCHES, Some(&with_user(3, 12)));
    assert_eq!(said.causes[0].node, Verdict::Recovered);
    assert_eq!(said.severity(), Some(Severity::Warning));
}

#[test]
fn nobody_asked_is_unknown() {
    for report in [None, Some(&node())] {
        let said = explain(WATCHES, report);
        assert_eq!(said.causes[0].node, Verdict::Unknown);
        assert_eq!(said.severity(), Some(Severity::Critical));
        assert!(!said.findings[0].remedies.is_empty());
    }
}

#[test]
fn the_node_decides_between_candidates() {
    let line = "Insufficient watch descriptors available. Reverting to -n.\n";
    let decided = |report: &Report| {
        let said = explain(line, Some(report));
        (said.causes[0].node, said.causes[0].decided)
    };
    assert_eq!(
        decided(&with_user(100, 3)),
        (Verdict::Confirms, Some(Cause::InotifyInstances))
    );
    assert_eq!(
        decided(&with_user(3, 100)),
        (Verdict::Contradicts, Some(Cause::InotifyWatches))
    );
    // The third candidate, process-files, is a process's own: another one's is no evidence.
    let mut report = with_user(3, 3);
    assert_eq!(decided(&report), (Verdict::Recovered, None));
    report.resources = with_process("nginx").resources;
    assert_eq!(decided(&report), (Verdict::Recovered, None));
    report.resources = with_process("journalctl").resources;
    assert_eq!(
        decided(&report),
        (Verdict::Contradicts, Some(Cause::ProcessFiles))
    );
}

#[test]
fn the_name_of_a_product_is_no_process() {
    let line = "2026-11-28T14:02:11.113+0000 E NETWORK  [initandlisten] Out of file descriptors. Waiting one second before trying to accept more connections.\n";
    let says = |report: &Report| {
        let said = explain(line, Some(report));
        assert_eq!(said.causes[0].programs, ["MongoDB"]);
        (said.causes[0].node, said.causes[0].node_says.join("; "))
    };
    let mut idle = with_user(3, 3);
    idle.resources = with_process("shop").resources;
    idle.resources[0].used = 7;
    for report in [&with_user(3, 3), &idle] {
        let (verdict, words) = says(report);
        assert_eq!(verdict, Verdict::Recovered);
        assert_eq!(
            words,
            "no process that was seen is near its limit of descriptors"
        );
    }
    // It may be this one, whatever it is called.
    let mut report = with_user(3, 3);
    report.resources = with_process("shop").resources;
    let (verdict, words) = says(&report);
    assert_eq!(verdict, Verdict::Unknown);
    assert!(words.contains("shop"), "{words}");
}

#[test]
fn a_bare_errno_is_contradicted_by_room_everywhere() {
    let line = "E0301 08:11:40.381174    1180 syncer.go:44] \"sync failed\" err=\"no space left on device\"\n";
    let mut report = with_user(3, 3);
    report.resources =
        with_disks(&[(Cause::DiskBlocks, "/", 10), (Cause::DiskInodes, "/", 10)]).resources;
    assert_eq!(
        explain(line, Some(&report)).causes[0].node,
        Verdict::Contradicts
    );
}

#[test]
fn another_full_disk_is_not_the_one_of_the_line() {
    let mut report = with_disks(&[
        (Cause::DiskBlocks, "/data", 10),
        (Cause::DiskInodes, "/data", 100),
        (Cause::DiskBlocks, "/data2", 100),
    ]);
    report.findings.push(Finding {
        cause: Cause::DiskBlocks,
        rule: Rule::Exhaustion(Cause::DiskBlocks),
        severity: Severity::Critical,
        title: "/data2 has 0 B left of 2 MiB (100 % used)".to_owned(),
        evidence: Vec::new(),
        blame: Blame::Unknown,
        subject: Subject::Mount("/data2".to_owned()),
        victims: Vec::new(),
        remedies: Vec::new(),
    });
    let said = explain("write /data/x: no space left on device\n", Some(&report));
    assert_eq!(said.causes[0].decided, Some(Cause::DiskInodes));
}

#[test]
fn the_path_leads_to_its_file_system() {
    let line = "write /var/lib/kubelet/pods/x: no space left on device\n";
    let decided = |resources: &[(Cause, &str, u64)]| {
        let said = explain(line, Some(&with_disks(resources)));
        (said.causes[0].node, said.causes[0].decided)
    };
    assert_eq!(
        decided(&[
            (Cause::DiskBlocks, "/", 100),
            (Cause::DiskBlocks, "/var/lib/kubelet", 10),
            (Cause::DiskInodes, "/var/lib/kubelet", 100),
            (Cause::DiskInodes, "/var/lib/kube", 100),
        ]),
        (Verdict::Confirms, Some(Cause::DiskInodes))
    );
    assert_eq!(
        decided(&[
            (Cause::DiskBlocks, "/", 100),
            (Cause::DiskBlocks, "/var/lib/kubelet", 10),
            (Cause::DiskInodes, "/var/lib/kubelet", 10),
        ]),
        (Verdict::Recovered, None)
    );
}

#[test]
fn holder_and_remedy_come_from_the_node() {
    let mut report = with_user(3, 100);
    report.findings.push(Finding {
        cause: Cause::InotifyWatches,
        rule: Rule::Exhaustion(Cause::InotifyWatches),
        severity: Severity::Critical,
        title: "uid 0 has 100 of 100 watches".to_owned(),
        evidence: Vec::new(),
        blame: Blame::only(Culprit::named("pod default/hog"), None),
        subject: Subject::uid(0),
        victims: Vec::new(),
        remedies: vec![Remedy {
            command: "sysctl -w fs.inotify.max_user_watches=200".to_owned(),
            why: "doubles it".to_owned(),
        }],
    });
    let finding = &explain(WATCHES, Some(&report)).findings[0];
    assert_eq!(
        finding.blame.culprits(),
        [Culprit::named("pod default/hog")]
    );
    assert_eq!(finding.victims, ["kubelet"]);
    assert_eq!(finding.remedies[0].why, "doubles it");
}

#[test]
fn a_pod_that_a_cgroup_names_by_uid_gets_its_name() {
    let line = "mkdir /sys/fs/cgroup/memory/kubepods/pod79fe803c-072f-11e9-90ca-525400090c71: no space left on device\n";
    let mut report = node();
    report.pods.push(Pod {
        namespace: "default".to_owned(),
        name: "web-0".to_owned(),
        uid: "79fe803c-072f-11e9-90ca-525400090c71".to_owned(),
        instances: 0,
        watches: 0,
        charged: Vec::new(),
        containers: Vec::new(),
    });
    let said = explain(line, Some(&report));
    assert_eq!(said.causes[0].pods, ["default/web-0"]);
    report.pods[0].uid.clear();
    let said = explain(line, Some(&report));
    assert_eq!(
        said.causes[0].pods,
        ["79fe803c-072f-11e9-90ca-525400090c71"]
    );
}

#[test]
fn lost_events_are_a_warning() {
    let said = explain("fsnotify: queue or buffer overflow\n", None);
    assert_eq!(said.severity(), Some(Severity::Warning));
}

#[test]
fn first_and_last_are_those_of_the_log() {
    let log = format!(
        "Nov 21 00:00:01 n kubelet[1]: {WATCHES}Nov 21 00:00:02 n x[1]: y\nNov 21 00:00:03 n kubelet[1]: {WATCHES}"
    );
    let cause = &explain(&log, None).causes[0];
    assert_eq!(cause.first.as_deref(), Some("Nov 21 00:00:01"));
    assert_eq!(cause.last.as_deref(), Some("Nov 21 00:00:03"));
    assert_eq!((cause.first_line.number, cause.last_line.number), (1, 3));
    assert_eq!(cause.lines, 2);
}

/// A process that runs as this uid of the initial user namespace.
fn speaker(comm: &str, uid: u32) -> Speaker {
    Speaker {
        pid: 7,
        comm: comm.to_owned(),
        user: UserKey::initial(uid),
        in_pods: false,
        namespace: None,
    }
}

/// uid 1234 has used everything up, uid 0 hardly anything.
fn with_another_users_use() -> Report {
    let mut report = with_user(3, 3);
    let mut other = report.users[0].clone();
    other.uid = 1_234;
    (other.instances.used, other.watches.used) = (100, 100);
    report.users.insert(0, other);
    report.log_context.speakers = vec![speaker("kubelet", 0), speaker("node", 1_234)];
    report
}

#[test]
fn the_budget_of_the_program_that_wrote_the_line_is_asked() {
    let mut report = with_another_users_use();
    report.findings.push(Finding {
        cause: Cause::InotifyWatches,
        rule: Rule::Exhaustion(Cause::InotifyWatches),
        severity: Severity::Critical,
        title: "uid 1234 has used 100 of 100".to_owned(),
        evidence: Vec::new(),
        blame: Blame::only(Culprit::named("node (pid 7)"), None),
        subject: Subject::uid(1_234),
        victims: Vec::new(),
        remedies: Vec::new(),
    });
    let said = explain(WATCHES, Some(&report));
    assert_eq!(said.causes[0].node, Verdict::Recovered);
    assert_eq!(said.findings[0].blame, Blame::Unknown);
    let words = said.causes[0].node_says.join(" ");
    assert!(
        words.contains("uid 0") && !words.contains("1234"),
        "{words}"
    );
    // Of the other user it is still so.
    report.log_context.speakers = vec![speaker("kubelet", 1_234)];
    let said = explain(WATCHES, Some(&report));
    assert_eq!(said.causes[0].node, Verdict::Confirms);
    assert_eq!(said.findings[0].blame.culprits().len(), 1);
}

#[test]
fn where_the_speaker_is_not_known_nothing_is() {
    let log = "tail: inotify cannot be used, reverting to polling: Too many open files\n";
    let report = with_another_users_use();
    let said = explain(log, Some(&report));
    assert_eq!(
        said.causes[0].node,
        Verdict::Unknown,
        "{:?}",
        said.causes[0]
    );
    assert_eq!(said.findings[0].blame, Blame::Unknown);
    // Any of them has room.
    let mut roomy = report.clone();
    (roomy.users[0].instances.used, roomy.users[0].watches.used) = (3, 3);
    assert_eq!(
        explain(log, Some(&roomy)).causes[0].node,
        Verdict::Recovered
    );
    // Two of that name, as two users.
    let mut two = report;
    two.log_context.speakers = vec![speaker("tail", 0), speaker("tail", 1_234)];
    assert_eq!(explain(log, Some(&two)).causes[0].node, Verdict::Unknown);
    two.log_context.speakers.remove(0);
    assert_eq!(explain(log, Some(&two)).causes[0].node, Verdict::Confirms);
}

#[test]
fn a_log_of_another_node_proves_nothing_here() {
    let mut report = with_user(3, 99);
    report.node.name = "node2.example.org".to_owned();
    report.taken_at = "2026-11-28T12:00:00Z".to_owned();
    report.log_context.has_kubelet = Some(true);
    report.log_context.booted_at = Some(1_795_221_477);
    let verdict = |report: &Report, line: &str| {
        let said = explain(&line.replace("WATCHES", WATCHES.trim_end()), Some(report));
        let words = said.causes[0].node_says.join(" ");
        (said.causes[0].node, words)
    };
    let unknown = |report: &Report, line: &str, why: &str| {
        let (node, words) = verdict(report, line);
        assert_eq!(node, Verdict::Unknown, "{line}: {words}");
        assert!(words.contains(why), "{line}: {words}");
    };
    for line in [
        "Nov 28 00:37:57 node2 kubelet[3089]: WATCHES\n",
        "Nov 28 00:37:57 node2.example.org kubelet[3089]: WATCHES\n",
        "E1128 00:37:57.177528    3089 kubelet.go:1335] WATCHES node=\"node2\"\n",
        "2026-11-21T00:37:58Z stderr F WATCHES\n",
        "WATCHES\n",
    ] {
        assert_eq!(verdict(&report, line).0, Verdict::Confirms, "{line}");
    }
    for line in [
        "Nov 28 00:37:57 node01 kubelet[3089]: WATCHES\n",
        "2026-11-28T00:37:57+0000 node01 kubelet[3089]: WATCHES\n",
        "E1128 00:37:57.177528    3089 kubelet.go:1335] WATCHES node=\"node01\"\n",
    ] {
        unknown(&report, line, "of node01");
    }
    let nameless = Report {
        node: Node {
            name: "unknown".to_owned(),
            ..report.node.clone()
        },
        ..report.clone()
    };
    let line = "Nov 28 00:37:57 node01 kubelet[3089]: WATCHES\n";
    assert_eq!(verdict(&nameless, line).0, Verdict::Confirms);
    for line in [
        "Nov 19 00:37:57 node2 kubelet[3089]: WATCHES\n",
        "Dec 24 00:37:57 node2 kubelet[3089]: WATCHES\n",
        "E1119 00:37:57.177528    3089 kubelet.go:1335] WATCHES\n",
        "2026-11-21T00:20:00Z stderr F WATCHES\n",
    ] {
        unknown(&report, line, "before this node booted");
    }
    report.log_context.booted_at = None;
    unknown(
        &report,
        "2021-10-28T11:35:44Z stderr F WATCHES\n",
        "another year",
    );
    report.log_context.has_kubelet = Some(false);
    unknown(&report, "WATCHES\n", "kubelet");
}

#[test]
fn a_namespace_or_cgroup_is_judged_only_where_the_line_names_it() {
    let mount = |pid| {
        let subject = Subject::MountNamespace { id: 9, pid };
        (Cause::MountLimit, subject, 100)
    };
    let line = |program: &str| {
        format!(
            "Nov 28 00:37:57 n {program}[1]: mount: /mnt: mount(2) system call failed: No space left on device.\n"
        )
    };
    let verdict = |report: &Report, line: &str| {
        let said = explain(line, Some(report));
        let cause = said
            .causes
            .iter()
            .find(|c| c.candidates.contains(&Cause::MountLimit));
        cause.expect("a cause").node
    };
    let report = with_resources([mount(30)]);
    assert_eq!(verdict(&report, &line("mount")), Verdict::Unknown);
    let cgroup = |path: &str| {
        let subject = Subject::Cgroup {
            limit: "pids.max",
            path: path.to_owned(),
        };
        (Cause::Pids, subject, 100)
    };
    let log =
        "[ 12.000001] cgroup: fork rejected by pids controller in /system.slice/cron.service\n";
    let pids = |path| explain(log, Some(&with_resources([cgroup(path)]))).causes[0].node;
    assert_eq!(pids("/system.slice/cron.service"), Verdict::Confirms);
    assert_eq!(pids("/system.slice"), Verdict::Confirms);
    assert_eq!(pids("/system.slice/ssh.service"), Verdict::Unknown);
}

/// .NET prints the setting that it read: it may have been raised since.
#[test]
fn a_limit_that_the_program_printed_is_compared_with_the_node() {
    let line = "System.IO.IOException: The configured user limit (128) on the number of inotify instances has been reached, or the per-process limit on the number of open file descriptors has been reached.";
    let says = |now| {
        let mut report = with_user(1, 1);
        report.limits = Some(InotifyLimits {
            max_user_instances: now,
            ..InotifyLimits::default()
        });
        explain(line, Some(&report)).causes.remove(0)
    };
    let raised = says(8192);
    assert_eq!(raised.limit, Some(128));
    let words = "fs.inotify.max_user_instances was 128 where the program ran and is 8,192 here now";
    assert_eq!(raised.node_says.last().map(String::as_str), Some(words));
    assert!(
        !says(128)
            .node_says
            .iter()
            .any(|said| said.contains("was 128"))
    );
}
