//! Processes in the cgroups of guests: their owners, and that no remedy edits a unit of the host for them. nospace in a pod, which sees all of the
//! node's cgroups from a cgroup namespace of its own.

use std::process::Command;

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::Owner;
use nospace_holder::{Holder, scratch};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::cgroup::Cgroup;
use crate::script;
use crate::support::{NOSPACE, check, report};

/// A unit inside, which many hosts have as well.
const INNER: &str = "system.slice/nginx.service";

/// One guest of each kind whose cgroup can have any name, with a process that has run out of files.
pub fn guests(options: &str) -> anyhow::Result<()> {
    for (name, runtime) in [
        ("lxc.payload.{}", "lxc"),
        ("systemd-nspawn@{}.service", "machined"),
        ("machine-qemu\\x2d1\\x2d{}.scope", "libvirt"),
        ("{}", "unknown"),
    ] {
        let Some(guest) = Cgroup::named(name)? else {
            return Ok(());
        };
        let inside = guest.below(INNER)?;
        let mut holder = Holder::start(&["--watches=3", "--descriptors=1000"])?;
        inside.add(holder.pid())?;
        let report = report(&mut check(options));
        let pid = holder.pid();
        holder.end();
        let report = report?;
        let process = report.processes.iter().find(|process| process.pid == pid);
        let owner = &process.context("the process is not in the report")?.owner;
        let Owner::Container {
            runtime: found,
            id: known_as,
            inner_unit,
            ..
        } = owner
        else {
            anyhow::bail!("{owner:?}")
        };
        ensure!(serde_json::to_value(found)? == runtime, "{owner:?}");
        ensure!(*known_as == guest.unique(), "{owner:?}");
        ensure!(inner_unit.as_deref() == Some("nginx.service"), "{owner:?}");
        let about = |subject: &str| subject.contains(&format!("(pid {pid}"));
        let mut findings = report.findings.iter();
        let full = findings
            .find(|f| f.cause == Cause::ProcessFiles && about(&f.subject.to_string()))
            .context("it is not found that the process has run out of files")?;
        let of_host = |command: &str| command.contains("systemctl") || command.contains("/etc/");
        ensure!(
            !full.remedies.iter().any(|r| of_host(&r.command)),
            "{full:#?}"
        );
    }
    Ok(())
}

/// A pod of a containerd that was started with `--state`: what its shim works in says where that is.
pub fn own_state(options: &str) -> anyhow::Result<()> {
    let Some(cgroup) = Cgroup::named("{}")? else {
        return Ok(());
    };
    let state = scratch()?;
    let tasks = state.path().join("io.containerd.runtime.v2.task/k8s.io");
    let bundle = tasks.join("web");
    std::fs::create_dir_all(&bundle)?;
    let secret = format!("secret-of-{}", cgroup.unique());
    let config = serde_json::json!({
        "process": {"env": [secret]},
        "linux": {"cgroupsPath": format!("/{}/pod", cgroup.unique())},
        "annotations": {"io.kubernetes.cri.sandbox-name": "web-0", "io.kubernetes.cri.sandbox-namespace": "shop"},
    });
    std::fs::write(bundle.join("config.json"), config.to_string())?;
    // One that never answers, and one that is a device.
    for (name, kind) in [
        ("pipe", FileType::Fifo),
        ("device", FileType::CharacterDevice),
    ] {
        std::fs::create_dir(tasks.join(name))?;
        let place = tasks.join(name).join("config.json");
        mknodat(CWD, &place, kind, Mode::RUSR, makedev(1, 3))?;
    }
    let archive = state.path().join("node.tar.zst");
    let inside = cgroup.below("pod")?;
    let pod_of = |uid: &str, inside: &Cgroup| {
        let cwd = format!("--cwd={}", bundle.display());
        let mut shim = Holder::start(&[&cwd, "--comm=containerd-shim", "--watches=1", uid])?;
        inside.add(shim.pid())?;
        let report = report(&mut check(options));
        let pid = shim.pid();
        let recorded = Command::new(NOSPACE).arg("record").arg(&archive).output();
        shim.end();
        let recorded = recorded?;
        ensure!(
            recorded.status.success(),
            "{}",
            String::from_utf8_lossy(&recorded.stderr)
        );
        let process = report?.processes.into_iter().find(|one| one.pid == pid);
        let owner = process.context("the process is not in the report")?.owner;
        Ok::<_, anyhow::Error>(match owner {
            Owner::Pod {
                namespace, name, ..
            } => Some((namespace, name)),
            _ => None,
        })
    };
    let root = pod_of("--uid=0", &inside)?;
    ensure!(
        root == Some(("shop".to_owned(), "web-0".to_owned())),
        "{root:?}"
    );
    let recorded = zstd::decode_all(std::fs::File::open(&archive)?)?;
    let recorded = String::from_utf8_lossy(&recorded);
    let has = |text: &str| recorded.contains(text);
    ensure!(
        has("io.kubernetes.cri.sandbox-name"),
        "the container is not in the recording"
    );
    ensure!(!has(&secret), "its environment is in the recording");
    // Anybody may have a process of that name, and write what he wants into a file.
    let other = pod_of("--uid=61234", &inside)?;
    ensure!(other.is_none(), "{other:?}");
    let pod = "kubepods/pod5721c88f-ca83-4ee4-ab1f-0b553119c397/15e0b305bb522d06e0896842b8ebf8d17b535f0207c1895510e63b6c5b48e70e";
    let in_pod = pod_of("--uid=0", &cgroup.below(pod)?)?;
    ensure!(in_pod != root, "a pod may call itself what it wants");
    Ok(())
}

/// In a container with a cgroup namespace of its own (each of a pod has one with version 2) and the node's file systems below another directory, as
/// the agent and `cluster --via debug` have it: the node's cgroups are seen in full.
pub fn pod(options: &str) -> anyhow::Result<()> {
    let own = Cgroup::in_each();
    if own.is_empty() {
        return Ok(());
    }
    let on_node = report(&mut check(options))?;
    let files = own.iter().map(|one| one.path().join("cgroup.procs"));
    let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
    let script = r#"
        for procs in $own; do echo $$ >"$procs"; done
        exec unshare --cgroup --mount sh -euc '
            mount -t tmpfs host /mnt
            mkdir /mnt/host
            mount --rbind / /mnt/host
            grep -qE " /\.\.[/.]* .* - cgroup" /proc/self/mountinfo
            exec /proc/self/fd/8 --procfs=/mnt/host/proc --sysfs=/mnt/host/sys --rootfs=/mnt/host check -o json $options
        '
    "#;
    let mut in_pod = script::private(script, options);
    let in_pod = report(in_pod.env("own", files.join(" ")))?;
    for report in [&on_node, &in_pod] {
        let run = report.collectors.iter().find(|one| one.name == "cgroups");
        let run = run.context("no collector of cgroups")?;
        ensure!(!run.partial && run.gaps.is_empty(), "{run:?}");
    }
    ensure!(in_pod.node.cgroup_version == on_node.node.cgroup_version);
    Ok(())
}
