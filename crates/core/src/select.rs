//! Parts of a report: which holders are shown, and in which order.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::model::InotifyResource;
use crate::report::{Budget, Owner, Pod, ProcessUse, Report, User};

/// What is nearer to its limit for any user; instances where neither is known.
#[must_use]
pub fn nearest_limit(report: &Report) -> InotifyResource {
    let fullest = |part: fn(&User) -> &Budget| {
        let percents = report.users.iter().filter_map(|u| part(u).percent());
        percents.max()
    };
    if fullest(|u| &u.watches) > fullest(|u| &u.instances) {
        InotifyResource::Watches
    } else {
        InotifyResource::Instances
    }
}

/// Sorts processes, pods and containers by what they hold of `resource`, then of the other, the largest first; equals
/// keep their order.
pub fn sort(report: &mut Report, resource: InotifyResource) {
    let key = |instances: u64, watches: u64| {
        std::cmp::Reverse(match resource {
            InotifyResource::Instances => (instances, watches),
            InotifyResource::Watches => (watches, instances),
        })
    };
    report
        .processes
        .sort_by_key(|p| key(p.instances, p.watches));
    report
        .containers
        .sort_by_key(|c| key(c.instances, c.watches));
    report.pods.sort_by_key(|p| key(p.instances, p.watches));
    for pod in &mut report.pods {
        pod.containers.sort_by_key(|c| key(c.instances, c.watches));
    }
}

/// Which holders to keep. Values of one kind widen the selection, kinds narrow it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Process ids.
    pub pids: Vec<u32>,
    /// Pods: `name`, `namespace/name` or uid.
    pub pods: Vec<String>,
    /// Containers: name, or the first four or more characters of the id.
    pub containers: Vec<String>,
    /// Programs, by the name of their main thread.
    pub programs: Vec<String>,
}

/// Nothing on this node matches a selection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// No holder has this pid.
    #[error(
        "process {0} has no inotify instance, has exited, or cannot be inspected (run as root)"
    )]
    Pid(u32),
    /// No holder is this pod, container or program.
    #[error("no {kind} {wanted:?} with inotify instances here{}", hint(kind, .names))]
    Name {
        /// `pod`, `container` or `program`.
        kind: &'static str,
        /// What was asked for.
        wanted: String,
        /// At most three names of holders: those that are similar to what was asked for, or else any.
        names: Vec<String>,
    },
    /// Each part of the selection is there, but never in one process, pod or container.
    #[error(
        "no process, pod or container matches --pid, --program, --pod and --container together"
    )]
    Together,
}

/// Names that an error lists at most.
const MAX_NAMES: usize = 3;

fn hint(kind: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!("; {kind}s that have some: {}", names.join(", "))
}

impl Selection {
    /// Whether it keeps everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.names_processes() && self.pods.is_empty() && self.containers.is_empty()
    }

    /// Whether it names processes: a pod or container is then kept if one of them is its own.
    fn names_processes(&self) -> bool {
        !self.pids.is_empty() || !self.programs.is_empty()
    }

    /// Keeps the selected processes, pods and containers of `report`. Budgets, resources, forecast
    /// and findings are the whole node's and stay. A pod is kept whole, its sums included, when one of
    /// its containers is selected.
    ///
    /// # Errors
    ///
    /// [`SelectionError`] when a part of the selection matches no holder; `report` is unchanged.
    pub fn apply(&self, report: &mut Report) -> Result<(), SelectionError> {
        if self.is_empty() {
            return Ok(());
        }
        self.check(report)?;
        let processes: Vec<_> = filter(&report.processes, |p| self.has_process(p));
        let pods: Vec<_> = filter(&report.pods, |pod| {
            self.has_pod(pod)
                && (!self.names_processes() || processes.iter().any(|p| owned_by(p, &pod.uid)))
        });
        let containers: Vec<_> = filter(&report.containers, |c| {
            self.pods.is_empty()
                && any_or_all(&self.containers, |w| {
                    container_is(w, c.name.as_deref(), &c.id)
                })
                && (!self.names_processes() || processes.iter().any(|p| owned_by(p, &c.id)))
        });
        if processes.is_empty() && pods.is_empty() && containers.is_empty() {
            return Err(SelectionError::Together);
        }
        report.processes = processes;
        report.pods = pods;
        report.containers = containers;
        Ok(())
    }

    fn check(&self, report: &Report) -> Result<(), SelectionError> {
        if let Some(pid) = self
            .pids
            .iter()
            .find(|&&pid| report.processes.iter().all(|p| p.pid != pid))
        {
            return Err(SelectionError::Pid(*pid));
        }
        let is_running = |w: &&String| report.processes.iter().any(|p| is_program(w, &p.comm));
        if let Some(wanted) = self.programs.iter().find(|w| !is_running(w)) {
            let names = report.processes.iter().map(|p| p.comm.clone());
            return Err(no_such("program", wanted, names));
        }
        if let Some(wanted) = self
            .pods
            .iter()
            .find(|w| !report.pods.iter().any(|p| pod_is(w, p)))
        {
            let names = report
                .pods
                .iter()
                .map(|p| format!("{}/{}", p.namespace, p.name));
            return Err(no_such("pod", wanted, names));
        }
        let of_pods = report.pods.iter().flat_map(|p| &p.containers);
        let of_pods = of_pods.map(|c| (Some(c.name.as_str()), c.id.as_str()));
        let of_node = report
            .containers
            .iter()
            .map(|c| (c.name.as_deref(), c.id.as_str()));
        let all: Vec<_> = of_pods.chain(of_node).collect();
        let missing = |w: &&String| !all.iter().any(|(name, id)| container_is(w, *name, id));
        if let Some(wanted) = self.containers.iter().find(missing) {
            let names = all
                .iter()
                .map(|(name, id)| name.filter(|n| !n.is_empty()).unwrap_or(id).to_owned());
            return Err(no_such("container", wanted, names));
        }
        Ok(())
    }

    fn has_process(&self, process: &ProcessUse) -> bool {
        any_or_all(&self.programs, |w| is_program(w, &process.comm))
            && self.has(process.pid, &process.owner)
    }

    /// Whether it keeps process `pid`, which is `owner`'s; programs do not count.
    #[must_use]
    pub fn has(&self, pid: u32, owner: &Owner) -> bool {
        let (pod, container) = match owner {
            Owner::Pod {
                namespace,
                name,
                uid,
                container,
                ..
            } => (
                Some((namespace, name, uid)),
                container
                    .as_ref()
                    .map(|c| (Some(c.name.as_str()), c.id.as_str())),
            ),
            Owner::Container { id, name, .. } => (None, Some((name.as_deref(), id.as_str()))),
            Owner::Host | Owner::Unit { .. } => (None, None),
        };
        any_or_all(&self.pids, |wanted| *wanted == pid)
            && any_or_all(&self.pods, |w| {
                pod.is_some_and(|(ns, name, uid)| names_pod(w, ns, name, uid))
            })
            && any_or_all(&self.containers, |w| {
                container.is_some_and(|(name, id)| container_is(w, name, id))
            })
    }

    fn has_pod(&self, pod: &Pod) -> bool {
        any_or_all(&self.pods, |w| pod_is(w, pod))
            && any_or_all(&self.containers, |w| {
                pod.containers
                    .iter()
                    .any(|c| container_is(w, Some(&c.name), &c.id))
            })
    }
}

fn filter<T: Clone>(all: &[T], keep: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|one| keep(one)).cloned().collect()
}

fn any_or_all<T>(wanted: &[T], is: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is)
}

fn owned_by(process: &ProcessUse, key: &str) -> bool {
    match &process.owner {
        Owner::Pod { uid, .. } => uid == key,
        Owner::Container { id, .. } => id == key,
        Owner::Host | Owner::Unit { .. } => false,
    }
}

fn pod_is(wanted: &str, pod: &Pod) -> bool {
    names_pod(wanted, &pod.namespace, &pod.name, &pod.uid)
}

fn names_pod(wanted: &str, namespace: &str, name: &str, uid: &str) -> bool {
    !wanted.is_empty()
        && (wanted == name || wanted == uid || wanted.split_once('/') == Some((namespace, name)))
}

fn container_is(wanted: &str, name: Option<&str>, id: &str) -> bool {
    !wanted.is_empty() && (name == Some(wanted) || (wanted.len() >= 4 && id.starts_with(wanted)))
}

/// The kernel keeps this many bytes of a program's name (`TASK_COMM_LEN`, without the NUL).
const COMM_BYTES: usize = 15;

/// Whether a process with the name `comm` runs the program `wanted`, of which the kernel keeps only the beginning.
#[must_use]
pub fn is_program(wanted: &str, comm: &str) -> bool {
    comm == wanted || (comm.len() >= COMM_BYTES && wanted.starts_with(comm))
}

fn no_such(
    kind: &'static str,
    wanted: &str,
    names: impl Iterator<Item = String>,
) -> SelectionError {
    let names: BTreeSet<String> = names.collect();
    let mut hints = similar(wanted, &names);
    if hints.is_empty() {
        hints.extend(names.into_iter().take(MAX_NAMES));
    }
    SelectionError::Name {
        kind,
        wanted: wanted.to_owned(),
        names: hints,
    }
}

/// Letters that a mistyped name may differ in.
const MAX_TYPOS: usize = 2;

/// At most three of `names`: those that contain `wanted` or its last part, in upper or lower case, or else those that it may be a misspelling of.
#[must_use]
pub fn similar(wanted: &str, names: &BTreeSet<String>) -> Vec<String> {
    let part = wanted.rsplit('/').next().unwrap_or(wanted).to_lowercase();
    let first = |is: &dyn Fn(&str) -> bool| -> Vec<String> {
        let found = names.iter().filter(|name| is(&name.to_lowercase()));
        found.take(MAX_NAMES).cloned().collect()
    };
    let containing = first(&|name| name.contains(&part));
    if !containing.is_empty() || part.chars().count() <= MAX_TYPOS {
        return containing;
    }
    first(&|name| strsim::osa_distance(name, &part) <= MAX_TYPOS)
}
