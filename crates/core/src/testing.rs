//! Nodes for tests, made one fact at a time.

use crate::cause::Cause;
use crate::managers;
use crate::model::{
    BootValue, CgroupPath, CgroupVersion, Cgroups, CollectorRun, Descriptor, Environment, Guard,
    GuardMode, Hierarchy, Inotify, Instance, Limits, Pair, PodLog, Process, Program, Provenance,
    Setting, Snapshot, UserCounters, UserKey, UserNamespace, Vantage,
};
use crate::report::{Culprit, Finding, Report, Resource, Subject};

/// A node that is well: an old kernel's limits, nobody who holds anything.
pub fn node() -> Node {
    Node(Snapshot {
        taken_at: "2026-01-01T00:00:00Z".to_owned(),
        collectors: vec![CollectorRun {
            name: "inotify".to_owned(),
            source: "procfs".to_owned(),
            provenance: Provenance::Estimated,
            ..CollectorRun::default()
        }],
        vantage: Vantage::initial(),
        limits: Some(Limits {
            max_user_instances: 128,
            max_user_watches: 8_192,
            max_queued_events: 16_384,
            settings: Vec::new(),
        }),
        inotify: Some(Inotify::default()),
        ..Snapshot::default()
    })
}

/// A [`Snapshot`] in the making.
#[derive(Clone, Debug)]
pub struct Node(pub Snapshot);

impl Node {
    /// A process of the initial namespace's root, in no container.
    pub fn process(mut self, pid: u32, comm: &str) -> Self {
        self.0.processes.push(Process {
            pid,
            ppid: 1,
            comm: comm.to_owned(),
            start_ticks: u64::from(pid),
            user: UserKey::initial(0),
            cgroups: Vec::new(),
            descriptors: 0,
            descriptor_limit: None,
            descriptor_hard_limit: None,
            serves: None,
        });
        self
    }

    fn last(&mut self) -> &mut Process {
        self.0.processes.last_mut().unwrap()
    }

    /// Whom the last process runs as.
    pub fn user(mut self, user: UserKey) -> Self {
        self.last().user = user;
        self
    }

    /// Where the last process sits.
    pub fn cgroup(mut self, path: &str) -> Self {
        self.last().cgroups.push(CgroupPath {
            controllers: String::new(),
            path: path.to_owned(),
        });
        self
    }

    /// A process in a pod of namespace `default` that has this name and one container.
    pub fn pod(self, pid: u32, comm: &str, name: &str) -> Self {
        let uid = pod_uid(name);
        let path = format!("/kubepods/besteffort/pod{uid}/{}", container_id(name));
        let mut node = self.process(pid, comm).cgroup(&path);
        node.0.containers.pod_logs.push(PodLog {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            uid,
        });
        node
    }

    /// A process in a Docker container.
    pub fn docker(self, pid: u32, comm: &str, name: &str) -> Self {
        let path = format!("/docker/{}", container_id(name));
        self.process(pid, comm).cgroup(&path)
    }

    /// The last process makes instances with this many watches each.
    pub fn holds(mut self, instances: u32, watches: u32) -> Self {
        let (pid, user) = (self.last().pid, self.last().user);
        for _ in 0..instances {
            self = self.instance(user, watches, &[pid]);
        }
        self
    }

    /// One instance, held by these processes.
    pub fn instance(mut self, charged: UserKey, watches: u32, pids: &[u32]) -> Self {
        let inotify = self.0.inotify.as_mut().unwrap();
        let fd = u32::try_from(inotify.instances.len()).unwrap();
        inotify.instances.push(Instance {
            watches,
            charged,
            holders: pids.iter().map(|&pid| Descriptor { pid, fd }).collect(),
        });
        self
    }

    /// A user namespace that this user of the initial one created.
    pub fn child_namespace(mut self, id: u64, creator: u32) -> Self {
        let inotify = self.0.inotify.as_mut().unwrap();
        inotify.user_namespaces.push(UserNamespace {
            id,
            draws_on: Some(UserKey::initial(creator)),
        });
        self
    }

    /// `fs.inotify.max_user_instances` and `max_user_watches`.
    pub fn limits(mut self, instances: u64, watches: u64) -> Self {
        let limits = self.0.limits.as_mut().unwrap();
        (limits.max_user_instances, limits.max_user_watches) = (instances, watches);
        self
    }

    /// A sysctl.
    pub fn setting(mut self, setting: Setting) -> Self {
        self.0.limits.as_mut().unwrap().settings.push(setting);
        self
    }

    /// A hierarchy of cgroup v1 for each list of controllers.
    pub fn cgroups_v1(mut self, controllers: &[&str], directories: u64) -> Self {
        let hierarchy = |list: &&str| Hierarchy {
            mountpoint: format!("/sys/fs/cgroup/{list}"),
            controllers: list.split(',').map(str::to_owned).collect(),
            directories,
            ..Hierarchy::default()
        };
        self.0.cgroups = Some(Cgroups {
            version: CgroupVersion::V1,
            hierarchies: controllers.iter().map(hierarchy).collect(),
            descendant_limits: Vec::new(),
            of_kubelet: Vec::new(),
        });
        self
    }

    /// The one hierarchy of cgroup v2.
    pub fn cgroups_v2(mut self, directories: u64, mounts: u64) -> Self {
        self.0.cgroups = Some(Cgroups {
            version: CgroupVersion::V2,
            hierarchies: vec![Hierarchy {
                mountpoint: "/sys/fs/cgroup".to_owned(),
                unified: true,
                controllers: vec!["memory".to_owned(), "pids".to_owned()],
                directories,
                mount_unit_directories: mounts,
                ..Hierarchy::default()
            }],
            descendant_limits: Vec::new(),
            of_kubelet: Vec::new(),
        });
        self
    }

    /// With every program and service that a remedy may name.
    pub fn equipped(self) -> Self {
        self.with(|s| s.environment = Some(equipment()))
    }

    /// Anything else.
    pub fn with(mut self, change: impl FnOnce(&mut Snapshot)) -> Self {
        change(&mut self.0);
        self
    }

    /// The kernel's own count of root, and a guard that keeps this many watches.
    pub fn guarded(self, used: u64, mode: GuardMode, kept: u64) -> Self {
        self.with(|s| {
            s.collectors[0].provenance = Provenance::Exact;
            s.inotify.as_mut().unwrap().counters = Some(vec![UserCounters {
                key: UserKey::initial(0),
                instances: 1,
                watches: used,
                instances_limit: 128,
                watches_limit: 1000,
            }]);
            s.limits.as_mut().unwrap().max_user_watches = 1000;
            s.guards.get_or_insert_default().running.push(Guard {
                pid: 41,
                mode,
                reserve: Pair::of(None, Some(kept)),
                tested_seconds_ago: Some(5),
                exempt_namespaces: vec!["kube-system".to_owned()],
                exempt_cgroups: Vec::new(),
                more_exempt: false,
            });
        })
    }

    /// What nospace makes of it.
    pub fn report(&self) -> Report {
        crate::conclude(&self.0)
    }

    /// What one rule says of it.
    pub fn findings(&self, rule: &str) -> Vec<Finding> {
        let findings = self.report().findings.into_iter();
        findings.filter(|f| f.rule.name() == rule).collect()
    }

    /// The one thing that a rule says of it.
    pub fn finding(&self, rule: &str) -> Finding {
        let mut findings = self.findings(rule);
        assert_eq!(findings.len(), 1, "{rule}: {findings:#?}");
        findings.remove(0)
    }

    /// The rules that say anything.
    pub fn rules(&self) -> Vec<String> {
        self.report()
            .findings
            .into_iter()
            .map(|f| f.rule.to_string())
            .collect()
    }
}

/// Everything that a remedy may name.
pub fn equipment() -> Environment {
    Environment {
        os: vec!["debian".to_owned()],
        programs: Program::ALL.into(),
        services: managers::services()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        host_local: true,
        sysctls_read_only: false,
    }
}

/// The uid of the pod of this name.
pub fn pod_uid(name: &str) -> String {
    format!(
        "00000000-0000-4000-8000-{:012x}",
        hash(name) & 0xffff_ffff_ffff
    )
}

/// The id of the container of this name.
pub fn container_id(name: &str) -> String {
    format!("{:016x}", hash(name)).repeat(4)
}

fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Open files of the system, as their collector reads them.
pub fn files(used: u64, limit: u64) -> Resource {
    let subject = Subject::sysctl("fs.file-max");
    Resource::exact(Cause::SystemFiles, subject, used, limit, "files")
}

/// Culprits as they are printed.
pub fn captions(culprits: &[Culprit]) -> Vec<String> {
    culprits.iter().map(Culprit::to_string).collect()
}

/// Commands of a finding's remedies.
pub fn commands(finding: &Finding) -> Vec<&str> {
    finding
        .remedies
        .iter()
        .map(|remedy| remedy.command.as_str())
        .collect()
}

/// A sysctl with the value that a file sets at boot: value, file, line.
pub fn setting(key: &str, live: &str, boot: Option<(&str, &str, u32)>) -> Setting {
    Setting {
        key: key.to_owned(),
        live: Some(live.to_owned()),
        boot: boot.map(|(value, file, line)| BootValue {
            value: value.to_owned(),
            file: file.to_owned(),
            line,
        }),
    }
}
