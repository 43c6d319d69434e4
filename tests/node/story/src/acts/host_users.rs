//! `hostUsers: false`: whose budget a pod in a user namespace uses, by the kernel's own refusals, and what nospace says of it.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::model::{INITIAL_USER_NAMESPACE, Pair, Runtime, UserKey};
use nospace_core::plan::Version;
use nospace_core::report::{Pod, StartVerdict, Subject};

use super::{limits::Limit, pods};
use crate::Stage;
use crate::granted::{MOST_WATCHES, granted_to};
use crate::node::{runtime, runtime_version, wait};
use crate::nospace::{Look, foresees};

/// The pod at rest, and what it holds: two watchers.
const APART: &str = "apart";
const WATCHERS: [u64; 2] = [5, 7];
/// The first containerd in which the pod's own uid creates the namespace.
const OWN_UID: Version = Version::new(2, 3);
/// What the other does: an instance every 0.1 s, four watches in each.
const LEAK: [&str; 2] = ["4", "0.1"];
/// The first that Kubernetes wants for them: containerd's files are in a tmpfs here, as some of each pod's are.
const KERNEL: Version = Version::new(6, 3);
/// Left to each user while the kernel is asked what it has used.
const ROOM: u64 = 20;

/// A pod at rest, then one that takes all it gets.
pub fn charged(stage: &mut Stage) -> anyhow::Result<()> {
    if runtime() != Runtime::Containerd {
        println!("  only containerd's user namespaces are known: not played");
        return Ok(());
    }
    let version: Version = runtime_version()?.parse()?;
    if version.major < 2 {
        println!("  containerd before 2.0 has no user namespaces for this kubelet: not played");
        return Ok(());
    }
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    if kernel.trim().parse::<Version>()? < KERNEL {
        println!(
            "  a tmpfs of Linux before {KERNEL} cannot be mounted with other uids: not played"
        );
        return Ok(());
    }
    let own = version >= OWN_UID;
    at_rest(stage, own)?;
    greedy(stage, own)
}

/// The kernel's count of root and of the pod's uid beside nospace's.
fn at_rest(stage: &mut Stage, own: bool) -> anyhow::Result<()> {
    let watchers = WATCHERS.map(|watches| format!("'{watches}'"));
    stage
        .node
        .apply(&pods::apart(&stage.node, APART, &watchers))?;
    stage.node.wait_ready(APART)?;
    let base = base_uid(&WATCHERS[0].to_string())?;
    let kernel = [0, base].map(|uid| used_by(stage, uid));
    let look = stage.nospace.check()?;
    let creator = if own { base } else { 0 };
    let pod = pod(&look, APART)?;
    let holds = held_by_watchers(pod);
    let expected = Pair::of(WATCHERS.len() as u64, WATCHERS.iter().sum());
    let draws = draws_on(&look, pod)?;
    stage.table.row(
        "a pod with hostUsers: false",
        &format!("Ready; its root is uid {base}"),
        &format!("{} of its user namespace draw on uid {draws}", both(holds)),
        holds == expected && draws == creator,
    );
    for (uid, kernel) in [0, base].into_iter().zip(kernel) {
        let kernel = kernel?;
        let told = used(&look, uid);
        let who = if uid == 0 {
            "uid 0"
        } else {
            "the pod's own uid"
        };
        stage.table.row(
            &format!("what the kernel has charged to {who} meanwhile"),
            &both(kernel),
            &both(told),
            kernel == told && (uid == 0 || (kernel == expected) == own),
        );
    }
    Ok(())
}

/// Another takes instances until the kernel refuses: who is out of them, and does the kubelet start?
fn greedy(stage: &mut Stage, own: bool) -> anyhow::Result<()> {
    let name = "greedy";
    let leak = LEAK.map(|argument| format!("'{argument}'")).join(", ");
    stage.node.apply(&pods::apart(&stage.node, name, &[leak]))?;
    wait(90, "the pod's first refusal", || {
        // Before the container runs there is no log.
        let log = stage.node.kubectl(&["logs", name]).unwrap_or_default();
        Ok(log.contains("too many open files"))
    })?;
    let base = base_uid(LEAK[1])?;
    let left = granted_to(0, 1)?.instances;
    let look = stage.nospace.check()?;
    let finding = look.critical(Cause::InotifyInstances)?;
    let blamed = finding.blame.culprits();
    let blamed = blamed.iter().any(|c| c.to_string().contains(name));
    let full = UserKey::initial(if own { base } else { 0 });
    let start = look.forecast()?.verdict;
    // The one at rest draws on the same budget, or has its own; its namespace's limit is not what refuses.
    let refused = finding.victims.iter().any(|victim| victim.contains(APART));
    let of_namespaces = findings_of_namespaces(&look);
    stage.table.row(
        "another takes all instances that it gets",
        &format!("uid 0 gets {}", if left > 0 { "more" } else { "none" }),
        &format!(
            "exit {}; {}; the first pod {}; findings of user namespaces: {of_namespaces}; kubelet start {start:?}",
            look.code,
            finding.title,
            if refused { "is a victim" } else { "is none of its victims" }
        ),
        blamed
            && refused != own
            && of_namespaces == 0
            && finding.subject == Subject::User(full)
            && (left > 0) == own
            && foresees(start, own),
    );
    restarted(stage, start)?;
    stage.node.delete(name)?;
    stage.node.delete(APART)
}

/// The pod takes what the kubelet gives back, if that is the same budget.
fn restarted(stage: &mut Stage, forecast: StartVerdict) -> anyhow::Result<()> {
    stage.node.control("stop", "kubelet")?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    let starts = stage.node.kubelet_starts()?;
    stage.table.row(
        "the kubelet is restarted beside that",
        if starts { "it starts" } else { "it exits" },
        &format!("forecast: {forecast:?}"),
        foresees(forecast, starts),
    );
    if !starts {
        // It deletes the pod.
        let limit = Limit::of("max_user_instances")?;
        limit.set(stage.nospace.check()?.root()?.0 + 4096)?;
        ensure!(stage.node.kubelet_starts()?, "the kubelet with room");
    }
    Ok(())
}

/// What the kernel has charged to a uid of the initial user namespace: what it refuses tells.
fn used_by(stage: &Stage, uid: u32) -> anyhow::Result<Pair<u64>> {
    let (instances, watches) = stage.nospace.check()?.root()?;
    let limits = Pair::of(instances + ROOM, watches + ROOM);
    ensure!(limits.watches < MOST_WATCHES, "{} watches", limits.watches);
    let set = [
        ("max_user_instances", limits.instances),
        ("max_user_watches", limits.watches),
    ];
    let set = set.map(|(name, value)| {
        let limit = Limit::of(name)?;
        limit.set(value)?;
        anyhow::Ok(limit)
    });
    let granted = granted_to(uid, limits.instances + 1);
    drop(set);
    let granted = granted?;
    Ok(Pair::of(
        limits.instances - granted.instances,
        limits.watches - granted.watches,
    ))
}

/// The uid in the initial namespace that is root of the user namespace of the watcher with this argument.
fn base_uid(argument: &str) -> anyhow::Result<u32> {
    let ours = std::fs::read_link("/proc/self/ns/user")?;
    for entry in std::fs::read_dir("/proc")? {
        let process: PathBuf = entry?.path();
        let command = std::fs::read_to_string(process.join("cmdline")).unwrap_or_default();
        let mut words = command.split('\0');
        let is_watcher = words.next() == Some("/bin/watcher") && words.any(|w| w == argument);
        let theirs = std::fs::read_link(process.join("ns/user"));
        if is_watcher && theirs.is_ok_and(|theirs| theirs != ours) {
            return Ok(std::fs::metadata(&process)?.uid());
        }
    }
    anyhow::bail!("no watcher in a user namespace of its own")
}

fn pod<'a>(look: &'a Look, name: &str) -> anyhow::Result<&'a Pod> {
    let mut pods = look.report.pods.iter();
    pods.find(|pod| pod.name == name)
        .with_context(|| format!("{name} is not among the pods"))
}

/// That a user of a child namespace is short.
fn findings_of_namespaces(look: &Look) -> usize {
    let findings = look.report.findings.iter();
    findings
        .filter(|f| matches!(f.subject, Subject::User(user) if !user.is_initial()))
        .count()
}

/// What its containers hold; its shim, which cgroup v2 has hold more for them, is root's.
fn held_by_watchers(pod: &Pod) -> Pair<u64> {
    let containers = pod.containers.iter();
    let ours = containers.filter(|container| container.name.starts_with("watcher"));
    ours.fold(Pair::default(), |sum, container| {
        sum.plus(Pair::of(container.instances, container.watches))
    })
}

/// Whom the pod's user namespace draws on.
fn draws_on(look: &Look, pod: &Pod) -> anyhow::Result<u32> {
    let own = |id: u64| pod.charged.iter().any(|user| user.user_namespace == id);
    let mut users = look.report.users.iter();
    let user = users.find(|user| !user.is_initial() && own(user.user_namespace));
    let above = user.and_then(|user| user.draws_on);
    Ok(above
        .context("the pod is charged to no user namespace")?
        .uid)
}

/// What nospace says of a uid of the initial namespace; nothing where it says nothing.
fn used(look: &Look, uid: u32) -> Pair<u64> {
    let mut users = look.report.users.iter();
    let user = users.find(|u| u.uid == uid && u.user_namespace == INITIAL_USER_NAMESPACE);
    user.map_or_else(Pair::default, |user| {
        Pair::of(user.instances.used, user.watches.used)
    })
}

fn both(pair: Pair<u64>) -> String {
    format!("{} instances, {} watches", pair.instances, pair.watches)
}
