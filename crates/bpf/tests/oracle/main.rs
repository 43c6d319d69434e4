//! The kernel as oracle: what [`AccountingReader`] says is used, plus N, is set as the limit; exactly N more must succeed.
//!
//! Needs root. Each case runs in a user namespace of its own with limits of its own, so nothing of the host changes. A
//! plain program rather than a libtest one, so that it also runs as the only program of a virtual machine.
//!
//! With `--pause` it stops at each case, when all is there and before a limit is tried: it prints
//! `at NAME INSTANCES WATCHES`, which is what the kernel has on its books for the holder's user namespace, and waits for
//! a line. `cargo xtask exactness` then asks other programs what they count.

#![allow(clippy::print_stdout, reason = "a test program of its own")]

#[path = "../common/mod.rs"]
mod common;
mod holder;

use std::env;
use std::process::ExitCode;

use nospace_bpf::accounting::AccountingReader;
use nospace_bpf::accounting::{Accounting, Instance, UserCounters, UserKey};

use common::{Files, Holder, KUID, Outcome, same};

/// The initial user namespace (include/uapi/linux/nsfs.h), whose root made the holder's.
const INITIAL_NAMESPACE: u64 = 4_026_531_837;
/// The holder itself has one instance without watches, for trying limits.
const PROBE: (u64, u64) = (1, 0);

/// Name, charged (instances, watches), of those behind a visible descriptor, all descriptors that lead to an
/// instance (the holder's own instance included, which forks and unshared tables duplicate).
type Case = (&'static str, (u64, u64), (u64, u64), usize);

const CASES: [Case; 12] = [
    ("plain", (1, 7), (1, 7), 2),
    ("forked", (1, 7), (1, 7), 4),
    ("duplicated", (1, 7), (1, 7), 3),
    ("threads", (1, 7), (1, 7), 2),
    ("unshared-thread", (1, 7), (1, 7), 3),
    ("in-flight", (1, 7), (0, 0), 1),
    ("io-uring", (1, 7), (0, 0), 1),
    ("setuid", (1, 7), (1, 7), 4),
    ("nested", (1, 7), (1, 7), 3),
    ("many", (30, 9000), (30, 9000), 31),
    ("worn", (1, 200), (1, 200), 2),
    ("empty", (2, 0), (2, 0), 3),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [mode, case, files] = &arguments[..]
        && mode == "holder"
    {
        return holder::run(case, files);
    }
    let pause = arguments.iter().any(|word| word == "--pause");
    let mut reader = match common::loaded(AccountingReader::load()) {
        Ok(reader) => reader,
        Err(code) => return code,
    };
    let failed = CASES
        .iter()
        .filter(|case| !report(&mut reader, case, pause))
        .count();
    let own = own_namespaces(&mut reader);
    if let Err(e) = &own {
        println!("namespaces ... FAILED: {e}");
    }
    println!("{} cases, {failed} failed", CASES.len());
    if failed == 0 && own.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The namespaces of this process are in the account, as /proc shows them.
fn own_namespaces(reader: &mut AccountingReader) -> Outcome<()> {
    let inode = |kind: &str| -> Outcome<u64> {
        let Ok(link) = std::fs::read_link(format!("/proc/self/ns/{kind}")) else {
            // A kernel without this kind.
            return Ok(0);
        };
        let link = link.display().to_string();
        let inode = link.split(['[', ']']).nth(1).and_then(|n| n.parse().ok());
        inode.ok_or_else(|| format!("{link} names no namespace").into())
    };
    let mnt = inode("mnt")?;
    let accounting = reader.read()?;
    let mut all = accounting.namespaces.iter();
    let found = all.find(|one| one.mnt == mnt && one.pid != 0);
    let found = found.ok_or("the mount namespace of this process is not in the account")?;
    let visible = std::fs::read_to_string("/proc/self/mountinfo")?
        .lines()
        .count() as u64;
    if !(visible..=visible + 8).contains(&found.mounts) {
        return Err(format!("{} mounts, mountinfo has {visible}", found.mounts).into());
    }
    let in_them = format!("/proc/{}/ns/mnt", found.tid);
    if std::fs::read_link(&in_them)? != std::fs::read_link("/proc/self/ns/mnt")? {
        return Err(format!("{in_them} is another namespace").into());
    }
    for (kind, _) in found.others {
        let own = inode(kind)?;
        let mut all = accounting.namespaces.iter().flat_map(|one| one.others);
        if !all.any(|one| one == (kind, own)) {
            return Err(format!("{kind}:[{own}] is not in the account").into());
        }
    }
    Ok(())
}

fn report(reader: &mut AccountingReader, case: &Case, pause: bool) -> bool {
    let outcome = run(reader, case, pause);
    match &outcome {
        Ok(seen) => println!("{} ... ok ({seen})", case.0),
        Err(e) => println!("{} ... FAILED: {e}", case.0),
    }
    outcome.is_ok()
}

fn run(
    reader: &mut AccountingReader,
    &(name, charged, visible, descriptors): &Case,
    pause: bool,
) -> Outcome<String> {
    let files = Files::new()?;
    let mut holder = Holder::start(name, files.path())?;
    let key = UserKey {
        user_namespace: holder.user_namespace()?,
        uid: KUID,
    };
    let accounting = reader.read()?;
    let user = find(&accounting, key)?;

    let used = (user.instances.used, user.watches.used);
    same("charged", used, (charged.0 + PROBE.0, charged.1 + PROBE.1))?;
    same(
        "unattributed",
        accounting.unattributed(key),
        Some((charged.0 - visible.0, charged.1 - visible.1)),
    )?;
    same(
        "draws on",
        user.draws_on.map(|k| (k.uid, k.user_namespace)),
        Some((0, INITIAL_NAMESPACE)),
    )?;
    let seen: Vec<&Instance> = behind(&accounting, key).collect();
    same("visible instances", seen.len() as u64, visible.0 + PROBE.0)?;
    same(
        "visible watches",
        seen.iter().map(|i| i.watches).sum(),
        visible.1,
    )?;
    same(
        "descriptors",
        seen.iter().map(|i| i.holders.len()).sum(),
        descriptors,
    )?;
    check_place(name, &seen, &accounting, key)?;
    if pause {
        wait_at(name, &accounting, key.user_namespace)?;
    }

    let granted = holder.ask(&format!("instances {}", used.0 + 3))?;
    same(
        "instances granted after the limit was set to used + 3",
        granted.as_str(),
        "3",
    )?;
    let granted = holder.ask(&format!("watches {}", used.1 + 5))?;
    same(
        "watches granted after the limit was set to used + 5",
        granted.as_str(),
        "5",
    )?;

    let accounting = reader.read()?;
    let user = find(&accounting, key)?;
    same(
        "limits",
        (user.instances.own_limit, user.watches.own_limit),
        (used.0 + 3, used.1 + 5),
    )?;
    same(
        "room",
        (user.instances.room.min(3), user.watches.room),
        (3.min(user.instances.room), 0),
    )?;
    Ok(format!("{} instances, {} watches", used.0, used.1))
}

fn wait_at(name: &str, accounting: &Accounting, namespace: u64) -> Outcome<()> {
    let of_it = |user: &&UserCounters| user.key.user_namespace == namespace;
    let users: Vec<_> = accounting.users.iter().filter(of_it).collect();
    let instances: u64 = users.iter().map(|user| user.instances.used).sum();
    let watches: u64 = users.iter().map(|user| user.watches.used).sum();
    println!("at {name} {instances} {watches}");
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// What only one case shows.
fn check_place(
    name: &str,
    seen: &[&Instance],
    accounting: &Accounting,
    key: UserKey,
) -> Outcome<()> {
    let holders = || seen.iter().flat_map(|i| &i.holders);
    match name {
        "unshared-thread" => same(
            "descriptors in the thread's table",
            holders().filter(|h| h.pid != h.tid).count(),
            2,
        ),
        "setuid" => {
            let other = UserKey {
                uid: KUID + 1000,
                ..key
            };
            let user = find(accounting, other)?;
            same(
                "the other uid",
                (user.instances.used, user.watches.used),
                (1, 3),
            )
        }
        "nested" => {
            let inner = accounting
                .users
                .iter()
                .find(|u| u.draws_on == Some(key))
                .ok_or("no inner user")?;
            same("inner", (inner.instances.used, inner.watches.used), (1, 7))
        }
        _ => Ok(()),
    }
}

fn find(accounting: &Accounting, key: UserKey) -> Outcome<&UserCounters> {
    accounting
        .users
        .iter()
        .find(|u| u.key == key)
        .ok_or_else(|| format!("{key:?} is not in the accounting").into())
}

/// The instances charged to `key`, or to an account that draws on it.
fn behind(accounting: &Accounting, key: UserKey) -> impl Iterator<Item = &Instance> {
    let parent = move |k: UserKey| find(accounting, k).ok()?.draws_on;
    accounting
        .instances
        .iter()
        .filter(move |i| i.charged == Some(key) || i.charged.and_then(parent) == Some(key))
}
