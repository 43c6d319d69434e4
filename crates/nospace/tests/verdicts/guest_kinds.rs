//! Guests of each kind, as processes in real cgroups and user namespaces: what the host says of one that has used up its own
//! watches, and what nospace says inside of it. The managers themselves are not run.

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::{Owner, Report, Severity, Unseen};
use nospace_holder::Holder;

use crate::cgroup::Cgroup;
use crate::script::private;
use crate::support::{check, report};

/// Watches that the guest may have.
const LIMIT: u64 = 40;

struct Kind {
    /// Cgroup of its process; NAME stands for a name that no other test has, ID for a container's.
    cgroup: &'static str,
    runtime: &'static str,
    /// The user who is root inside.
    root: u32,
}

const fn kind(cgroup: &'static str, runtime: &'static str, root: u32) -> Kind {
    Kind {
        cgroup,
        runtime,
        root,
    }
}

const KINDS: [Kind; 7] = [
    // LXC, Incus and LXD without privileges.
    kind(
        "lxc.payload.NAME/system.slice/nginx.service",
        "lxc",
        880_000,
    ),
    // systemd-nspawn -U, by its unit and by machinectl.
    kind(
        "machine.slice/systemd-nspawn@NAME.service/payload/system.slice/nginx.service",
        "machined",
        885_000,
    ),
    kind(
        "machine.slice/machine-NAME.scope/payload/system.slice/nginx.service",
        "machined",
        890_000,
    ),
    // Podman and Docker of an ordinary user.
    kind(
        "user.slice/user-64990.slice/user@64990.service/user.slice/libpod-ID.scope/container",
        "podman",
        900_000,
    ),
    kind(
        "user.slice/user-64990.slice/user@64990.service/user.slice/docker-ID.scope",
        "docker",
        910_000,
    ),
    // sysbox: a system container of Docker with a user namespace and a systemd of its own.
    kind("system.slice/docker-ID.scope/init.scope", "docker", 920_000),
    // A node of kind, with a kubelet's unit inside.
    kind("docker/ID/kubelet.slice/kubelet.service", "docker", 930_000),
];

pub fn each() -> anyhow::Result<()> {
    for kind in KINDS {
        guest(&kind).context(kind.cgroup)?;
    }
    Ok(())
}

fn guest(kind: &Kind) -> anyhow::Result<()> {
    let name = format!("nospace-{}-{}", std::process::id(), kind.root);
    let id = format!("{:032x}{:032x}", std::process::id(), kind.root);
    let path = kind.cgroup.replace("NAME", &name).replace("ID", &id);
    let Some(cgroup) = Cgroup::at(&path)? else {
        return Ok(());
    };
    let mut holder = Holder::start(&[
        &format!("--user-namespace={}", kind.root),
        "--pid-namespace",
        "--instances=1",
        "--watches=10",
    ])?;
    // The holder waits for the first process of the guest, which holds all.
    let of_holder = format!("/proc/{0}/task/{0}/children", holder.pid());
    let first = std::fs::read_to_string(of_holder)?;
    let first: u32 = first.trim().parse().context("not one process")?;
    cgroup.add(first)?;
    may_not_be_well(&inside(first)?)?;
    holder.tell(&format!("limit watches {LIMIT}"))?;
    let filled = holder.tell("exhaust watches")?;
    ensure!(filled.errno.is_some(), "{filled:?}");

    let host = report(&mut check(""))?;
    let known_as = if kind.cgroup.contains("NAME") {
        name
    } else {
        id
    };
    is_known(kind, &known_as, &host, first)?;
    let full = inside(first)?;
    may_not_be_well(&full)?;
    let finding = full
        .findings
        .iter()
        .find(|f| f.cause == Cause::InotifyWatches);
    ensure!(
        finding.is_some_and(|f| f.severity == Severity::Critical),
        "{full:?}"
    );
    harms_no_host(&full)
}

/// What nospace says in the guest of this process: in its user, pid and mount namespaces.
fn inside(first: u32) -> anyhow::Result<Report> {
    let enter = format!(
        "nsenter --target {first} --user --pid --mount --setuid 0 --setgid 0 /proc/self/fd/8 check -o json"
    );
    report(&mut private(&enter, ""))
}

/// The accounts above are out of sight.
fn may_not_be_well(report: &Report) -> anyhow::Result<()> {
    ensure!(!report.status().is_well(), "{:?}", report.vantage);
    ensure!(
        report.unseen.contains(&Unseen::Ancestors),
        "{:?}",
        report.unseen
    );
    let words: Vec<String> = report
        .unseen
        .iter()
        .filter_map(|one| one.remedy().map(str::to_owned))
        .collect();
    ensure!(
        words.iter().any(|word| word.contains("on the host")),
        "{words:?}"
    );
    Ok(())
}

/// The host knows the guest, the account that refuses, and with eBPF its limit.
fn is_known(kind: &Kind, known_as: &str, report: &Report, pid: u32) -> anyhow::Result<()> {
    let process = report.processes.iter().find(|process| process.pid == pid);
    let process = process.context("the process is not in the report")?;
    let Owner::Container { runtime, id, .. } = &process.owner else {
        anyhow::bail!("{:?}", process.owner)
    };
    ensure!(
        serde_json::to_value(runtime)? == kind.runtime,
        "{:?}",
        process.owner
    );
    ensure!(id == known_as, "{:?}", process.owner);
    let user = report.users.iter().find(|user| {
        user.user_namespace == process.charged.user_namespace && user.uid == process.charged.uid
    });
    let user = user.context("the account is not in the report")?;
    ensure!(!user.is_initial() && user.watches.used == LIMIT, "{user:?}");
    harms_no_host(report)?;
    let is_exact = report
        .collectors
        .iter()
        .any(|run| run.name == "inotify" && run.source == "ebpf");
    if !is_exact {
        return Ok(());
    }
    ensure!(user.watches.limit == Some(LIMIT), "{user:?}");
    let of_user = |subject: &str| subject.contains(&process.charged.user_namespace.to_string());
    let finding = report
        .findings
        .iter()
        .find(|f| f.cause == Cause::InotifyWatches && of_user(&f.subject.to_string()));
    let finding = finding.context("it is not found that the guest has run out of watches")?;
    let raises = |command: &str| {
        command.contains(&format!("nsenter -t {pid} -U")) && command.contains("max_inotify_watches")
    };
    ensure!(
        finding
            .remedies
            .iter()
            .any(|remedy| raises(&remedy.command)),
        "{finding:#?}"
    );
    Ok(())
}

/// No unit of the host is restarted or edited for what runs in a guest.
fn harms_no_host(report: &Report) -> anyhow::Result<()> {
    let findings = report
        .findings
        .iter()
        .filter(|f| f.cause == Cause::InotifyWatches);
    for remedy in findings.flat_map(|finding| &finding.remedies) {
        let of_unit = [
            "nginx.service",
            "kubelet.service",
            "user@1000",
            "libpod-",
            "init.scope",
        ];
        ensure!(
            !of_unit.iter().any(|unit| remedy.command.contains(unit)),
            "{remedy:?}"
        );
    }
    Ok(())
}
