//! In a user namespace: its own limits can be read, the accounts of those above cannot.

use std::process::Command;

use anyhow::ensure;
use nospace_core::cause::Cause;
use nospace_core::explain::{Explanation, Verdict};
use nospace_core::report::{Report, Severity, StartVerdict, Status, Unseen};
use nospace_holder::Holder;
use rustix::io::Errno;

use crate::script::private;
use crate::support::{forget_disks, report};

/// Users of the initial namespace that nobody is; each creates a guest. They are charged for what happens there.
const CREATORS: [u32; 3] = [1_899_999_040, 1_899_999_041, 1_899_999_042];
/// Becomes that user, and root of a guest of its own.
const GUEST: &str = r#"
guest() {
    setpriv --reuid="$creator" --regid="$creator" --clear-groups \
        unshare --user --map-root-user --fork --pid --kill-child --mount-proc "$@"
}
"#;

fn guest(creator: u32, script: &str) -> Command {
    let mut command = private(&format!("{GUEST}{script}"), "");
    command.env("creator", creator.to_string());
    command
}

const CHECK: &str = "guest /proc/self/fd/8 check -o json";

/// Every instance is refused, and nothing in the guest shows why: its own account is empty.
pub fn creator_is_full() -> anyhow::Result<()> {
    let mut holder =
        Holder::start(&[format!("--uid={}", CREATORS[0]), "--instances=0".to_owned()])?;
    holder.tell("rlimit nofile 9000")?;
    let tried = holder.tell("exhaust instances")?;
    ensure!(
        tried.errno == Some(Errno::MFILE.raw_os_error()),
        "{tried:?}"
    );
    is_unknown(report(&mut guest(CREATORS[0], CHECK))?)?;
    let words = "Failed to allocate directory watch: Too many open files";
    let script = format!("echo '{words}' | guest /proc/self/fd/8 explain -o json -");
    let output = guest(CREATORS[0], &script).output()?;
    let said: Explanation = serde_json::from_slice(&output.stdout)?;
    ensure!(said.causes[0].node == Verdict::Unknown, "{said:?}");
    ensure!(output.status.code() == Some(2), "{:?}", output.status);
    Ok(())
}

/// From within it looks the same.
pub fn has_room() -> anyhow::Result<()> {
    is_unknown(report(&mut guest(CREATORS[1], CHECK))?)
}

fn is_unknown(mut report: Report) -> anyhow::Result<()> {
    forget_disks(&mut report);
    ensure!(report.status() == Status::Unknown, "{:?}", report.findings);
    ensure!(
        report.unseen.contains(&Unseen::Ancestors),
        "{:?}",
        report.unseen
    );
    let start = report.forecast.kubelet_start.as_ref();
    let verdict = start.map(|start| start.verdict);
    ensure!(
        verdict.is_none_or(|is| is == StartVerdict::Unknown),
        "{start:?}"
    );
    for finding in &report.findings {
        for remedy in &finding.remedies {
            ensure!(!remedy.command.contains("sysctl -w fs."), "{remedy:?}");
        }
    }
    Ok(())
}

/// The limits that hold in the guest are those of its own /proc/sys/user.
pub fn own_limit() -> anyhow::Result<()> {
    let script = r#"
        guest sh -euc '
            echo 0 >/proc/sys/user/max_inotify_instances
            exec /proc/self/fd/8 check -o json
        '
    "#;
    let empty = report(&mut guest(CREATORS[2], script))?;
    let own = empty.users.iter().find(|user| !user.is_initial());
    ensure!(
        own.is_some_and(|user| user.instances.limit == Some(0)),
        "{own:?}"
    );
    let script = r#"
        guest sh -euc '
            echo 3 >/proc/sys/user/max_inotify_instances
            tail -f /etc/passwd >/dev/null & tail -f /etc/passwd >/dev/null & tail -f /etc/passwd >/dev/null &
            while [ "$(ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c "anon_inode:inotify")" -lt 3 ]; do sleep 0.1; done
            exec /proc/self/fd/8 check -o json
        '
    "#;
    let full = report(&mut guest(CREATORS[2], script))?;
    let found = full
        .findings
        .iter()
        .find(|one| one.cause == Cause::InotifyInstances);
    ensure!(
        found.is_some_and(|one| one.severity == Severity::Critical),
        "{full:?}"
    );
    ensure!(full.status() == Status::Critical);
    Ok(())
}

/// A kubelet in a user namespace is judged by the limits of that namespace, from inside and from the host.
pub fn kubelet() -> anyhow::Result<()> {
    let mut holder = Holder::start(&[
        "--user-namespace=831000",
        "--instances=2",
        "--watches=30",
        "--comm=kubelet",
    ])?;
    let verdict = |report: &Report| {
        report
            .forecast
            .kubelet_start
            .as_ref()
            .map(|start| start.verdict)
    };
    let from_host = |options| report(&mut crate::support::check(options));
    let roomy = from_host("")?;
    let source = roomy.collectors.iter().find(|run| run.name == "inotify");
    let is_exact = source.is_some_and(|run| run.source == "ebpf");
    if is_exact {
        ensure!(
            verdict(&roomy) != Some(StartVerdict::Unknown),
            "{:?}",
            roomy.forecast
        );
    }
    // Of the limits of a child namespace /proc shows nothing.
    let by_proc = from_host("--no-ebpf")?;
    ensure!(
        verdict(&by_proc) == Some(StartVerdict::Unknown),
        "{:?}",
        by_proc.forecast
    );
    // Below what it holds and would give back.
    holder.tell("limit watches 2")?;
    if is_exact {
        let full = from_host("")?;
        ensure!(
            verdict(&full) == Some(StartVerdict::Fails),
            "{:?}",
            full.forecast
        );
    }
    Ok(())
}
