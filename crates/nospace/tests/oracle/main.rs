//! The kernel as oracle: the limit is set to what nospace says is used, plus N; exactly N more
//! must succeed. Each holder lives in a user namespace with limits of its own, so nothing of the
//! host's is touched.

#[path = "../support/mod.rs"]
mod support;

use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, ensure};
use nospace_core::model::{INITIAL_USER_NAMESPACE, Provenance};
use nospace_core::report::{ProcessUse, Report, User, UserRef};
use nospace_holder::{Holder, Tried, scratch};
use rustix::io::Errno;
use support::{NOSPACE, check, report};

/// More instances than the holder has are tried; so many may succeed.
const INSTANCES: u64 = 3;
/// Likewise watches.
const WATCHES: u64 = 5;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    support::run(vec![
        ("plain", || oracle(700_000, &["--watches=7"], 1)),
        ("forked", || {
            oracle(
                710_000,
                &["--share=forked", "--instances=2", "--watches=7"],
                3,
            )
        }),
        ("duplicated", || {
            oracle(
                720_000,
                &["--share=duplicated", "--instances=2", "--watches=7"],
                1,
            )
        }),
        ("threads", || {
            oracle(730_000, &["--share=threads", "--watches=7"], 1)
        }),
        ("passed", || {
            let passed = [
                "--share=passed",
                "--instances=3",
                "--watches=7",
                "--empty=1",
            ];
            oracle(740_000, &passed, 2)
        }),
        ("many", || {
            oracle(750_000, &["--instances=40", "--watches=300"], 1)
        }),
        ("empty", || {
            oracle(760_000, &["--instances=1", "--empty=5"], 1)
        }),
        ("another uid", || {
            oracle(770_000, &["--uid=33", "--watches=7"], 1)
        }),
    ])
}

/// Everything that must hold for one holder.
fn oracle(root: u32, arguments: &[&str], processes: usize) -> anyhow::Result<()> {
    let namespace = format!("--user-namespace={root}");
    let arguments = [&[namespace.as_str()], arguments].concat();
    let mut holder = Holder::start(&arguments)?;
    ensure!(holder.ready.pids.len() == processes);
    let used = (holder.ready.instances, holder.ready.watches);
    for way in ways()? {
        agrees(&holder, &report(&mut check(&way))?, used)?;
    }
    agrees(&holder, &recorded()?, used)?;

    let granted = |done, errno: Errno| Tried {
        done,
        errno: Some(errno.raw_os_error()),
    };
    holder.tell(&format!("limit watches {}", used.1 + WATCHES))?;
    let more = holder.tell(&format!("add {}", WATCHES + 10))?;
    ensure!(more == granted(WATCHES, Errno::NOSPC), "watches: {more:?}");
    holder.tell(&format!("limit instances {}", used.0 + INSTANCES))?;
    let more = holder.tell(&format!("open {}", INSTANCES + 10))?;
    ensure!(
        more == granted(INSTANCES, Errno::MFILE),
        "instances: {more:?}"
    );

    let used = (used.0 + INSTANCES, used.1 + WATCHES);
    for way in ways()? {
        agrees(&holder, &report(&mut check(&way))?, used)?;
    }
    agrees(&holder, &recorded()?, used)
}

/// By the best source there is, and by /proc alone.
fn ways() -> anyhow::Result<Vec<Vec<&'static str>>> {
    let help = Command::new(NOSPACE).arg("--help").output()?.stdout;
    let choice = String::from_utf8_lossy(&help).contains("--no-ebpf");
    Ok(if choice {
        vec![vec![], vec!["--no-ebpf"]]
    } else {
        vec![vec![]]
    })
}

/// What `check` says of what `record` has saved.
fn recorded() -> anyhow::Result<Report> {
    let directory = scratch()?;
    let archive = directory.path().join("node.tar.zst");
    let archive = archive.to_str().context("a path that is not UTF-8")?;
    let saved = Command::new(NOSPACE)
        .args(["record", "-o", archive])
        .output()?;
    ensure!(
        saved.status.success(),
        "{}",
        String::from_utf8_lossy(&saved.stderr)
    );
    report(&mut check(&["--from", archive]))
}

/// The report says what the kernel will be asked to confirm.
fn agrees(holder: &Holder, report: &Report, used: (u64, u64)) -> anyhow::Result<()> {
    let user = user(holder, report)?;
    let said = (user.instances.used, user.watches.used);
    ensure!(said == used, "nospace says {said:?}, used are {used:?}");
    let creator = UserRef {
        uid: 0,
        user_namespace: INITIAL_USER_NAMESPACE,
    };
    ensure!(user.draws_on == Some(creator), "{:?}", user.draws_on);
    let collector = report
        .collectors
        .iter()
        .find(|one| one.name == "inotify")
        .context("no inotify collector")?;
    let source = match collector.source.as_str() {
        "procfs" => Provenance::Estimated,
        _ => Provenance::Exact,
    };
    for provenance in [user.instances.provenance, user.watches.provenance] {
        ensure!(provenance == source, "{provenance:?} by {collector:?}");
    }
    shared(holder, report)
}

fn user<'r>(holder: &Holder, report: &'r Report) -> anyhow::Result<&'r User> {
    let namespace = std::fs::metadata(format!("/proc/{}/ns/user", holder.pid()))?.ino();
    let users: Vec<_> = report
        .users
        .iter()
        .filter(|user| user.user_namespace == namespace)
        .collect();
    ensure!(users.len() == 1, "users of the namespace: {users:?}");
    let owner = std::fs::metadata(format!("/proc/{}", holder.pid()))?.uid();
    ensure!(users[0].uid == owner, "{:?}", users[0]);
    Ok(users[0])
}

/// Each process that holds is listed; what several hold is said to be shared.
fn shared(holder: &Holder, report: &Report) -> anyhow::Result<()> {
    let of = |pid: &u32| report.processes.iter().find(|one| one.pid == *pid);
    let pids = &holder.ready.pids;
    let found: Vec<&ProcessUse> = pids.iter().filter_map(of).collect();
    ensure!(found.len() == pids.len(), "{pids:?} hold, but: {found:?}");
    let all: u64 = found
        .iter()
        .map(|one| one.instances - one.shared_instances)
        .sum();
    let shared: Vec<u64> = found.iter().map(|one| one.shared_instances).collect();
    let most = shared.iter().max().copied().unwrap_or_default();
    let total = user(holder, report)?.instances.used;
    ensure!(all + most == total, "{found:?}");
    Ok(())
}
