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
use support::{NOSPACE, WAYS, check, report, test};

/// More instances than the holder has are tried; this many may succeed.
const INSTANCES: u64 = 3;
/// Likewise watches.
const WATCHES: u64 = 5;

/// Name, what the holder is asked for, processes that hold it.
type Case = (&'static str, &'static [&'static str], usize);

const CASES: [Case; 8] = [
    ("plain", &["--watches=7"], 1),
    (
        "forked",
        &["--share=forked", "--instances=2", "--watches=7"],
        3,
    ),
    (
        "duplicated",
        &["--share=duplicated", "--instances=2", "--watches=7"],
        1,
    ),
    ("threads", &["--share=threads", "--watches=7"], 1),
    (
        "passed",
        &[
            "--share=passed",
            "--instances=3",
            "--watches=7",
            "--empty=1",
        ],
        2,
    ),
    ("many", &["--instances=40", "--watches=300"], 1),
    ("empty", &["--instances=1", "--empty=5"], 1),
    ("another uid", &["--uid=33", "--watches=7"], 1),
];

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    let tests = CASES.iter().enumerate().map(|(number, case)| {
        // Each has 65,536 uids of its own.
        let root = 0x1000_0000 + (number as u32) * 0x1_0000;
        test(case.0, move || oracle(root, case))
    });
    support::run(tests.collect())
}

/// Everything that must hold for one holder.
fn oracle(root: u32, &(_, arguments, processes): &Case) -> anyhow::Result<()> {
    let namespace = format!("--user-namespace={root}");
    let arguments = [&[namespace.as_str()], arguments].concat();
    let mut holder = Holder::start(&arguments)?;
    ensure!(holder.ready.pids.len() == processes);
    let used = (holder.ready.instances, holder.ready.watches);
    all_agree(&holder, used)?;

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
    all_agree(&holder, used)
}

/// By every source, live and from a record.
fn all_agree(holder: &Holder, used: (u64, u64)) -> anyhow::Result<()> {
    for way in WAYS {
        agrees(holder, &report(&mut check(way))?, used)?;
        agrees(holder, &recorded(way)?, used)?;
    }
    Ok(())
}

/// What `check` says of what `record` has saved.
fn recorded(way: &str) -> anyhow::Result<Report> {
    let directory = scratch()?;
    let archive = directory.path().join("node.tar.zst");
    let archive = archive.to_str().context("a path that is not UTF-8")?;
    let saved = Command::new(NOSPACE)
        .args(["record", archive])
        .args(way.split_whitespace())
        .output()?;
    ensure!(
        saved.status.success(),
        "{}",
        String::from_utf8_lossy(&saved.stderr)
    );
    report(&mut check(&format!("--from {archive}")))
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
