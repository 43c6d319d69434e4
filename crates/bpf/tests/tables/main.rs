//! The accounting's walk of file tables: large and sparse ones, more records than its memory holds, and tables that change under it.
//!
//! Needs root. A plain program, as the oracle is. The instances belong to users that nobody else is, at most 100 to each.

#![allow(clippy::print_stdout, reason = "a test program of its own")]

#[path = "../common/mod.rs"]
mod common;
mod holders;

use std::collections::BTreeMap;
use std::process::ExitCode;

use nospace_bpf::accounting::{Accounting, AccountingReader, UserKey};

use common::{Case, Files, Outcome, same, sys};
use holders::{FIRST_USER, STABLE, TRANSIENT_WATCHES};

const INITIAL_NAMESPACE: u64 = 4_026_531_837;

struct Bench {
    reader: AccountingReader,
    files: Files,
}

impl Bench {
    fn new() -> Outcome<Self> {
        Ok(Self {
            reader: AccountingReader::load()?,
            files: Files::new()?,
        })
    }
}

const CASES: [Case<Bench>; 5] = [
    ("many instances in a process", many_instances),
    ("many descriptors in a process", many_descriptors),
    ("many processes", many_processes),
    ("long chains of users", long_chains),
    ("tables that change", changing),
];

fn main() -> ExitCode {
    match common::loaded(Bench::new()) {
        Ok(mut bench) => common::run(&CASES, &mut bench),
        Err(code) => code,
    }
}

/// A process that ends with this.
struct Child(u32);

impl Drop for Child {
    fn drop(&mut self) {
        sys::end(self.0);
    }
}

/// Watches by descriptor of what a process holds; each must be charged to a user of this test.
fn held(accounting: &Accounting, pid: u32) -> Outcome<BTreeMap<u32, (u64, u64)>> {
    let mut held = BTreeMap::new();
    for instance in &accounting.instances {
        for holder in instance.holders.iter().filter(|holder| holder.pid == pid) {
            let known =
                |key: UserKey| key.user_namespace == INITIAL_NAMESPACE && key.uid >= FIRST_USER;
            if !instance.charged.is_some_and(known) {
                return Err(format!("{holder:?} is charged to {:?}", instance.charged).into());
            }
            held.insert(holder.fd, (instance.identity, instance.watches));
        }
    }
    Ok(held)
}

fn descriptors(accounting: &Accounting, pid: u32) -> Option<u32> {
    let process = accounting.processes.iter().find(|one| one.pid == pid);
    process.map(|one| one.descriptors)
}

/// As /proc shows them.
fn open_files(pid: u32) -> Outcome<u32> {
    let all = std::fs::read_dir(format!("/proc/{pid}/fd"))?;
    Ok(u32::try_from(all.count())?)
}

/// What fdinfo says: the number of watches of each instance by descriptor.
fn watches_in_fdinfo(pid: u32, fd: u32) -> Outcome<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}"))?;
    Ok(text
        .lines()
        .filter(|line| line.starts_with("inotify"))
        .count() as u64)
}

/// The account of a process that nothing changes is what /proc shows of it.
fn same_as_proc(accounting: &Accounting, pid: u32, instances: usize) -> Outcome<()> {
    let held = held(accounting, pid)?;
    same("instances", held.len(), instances)?;
    for (&fd, &(_, watches)) in &held {
        same("watches", watches, watches_in_fdinfo(pid, fd)?)?;
    }
    let identities: std::collections::BTreeSet<u64> = held.values().map(|one| one.0).collect();
    same("identities", identities.len(), instances)?;
    same(
        "descriptors",
        descriptors(accounting, pid),
        Some(open_files(pid)?),
    )
}

fn many_instances(bench: &mut Bench) -> Outcome<String> {
    let child = Child(sys::fork(|| holders::instances(bench.files.path(), 2_000))?);
    for _ in 0..3 {
        same_as_proc(&bench.reader.read()?, child.0, 2_000)?;
    }
    Ok("2000 instances".to_owned())
}

fn many_descriptors(bench: &mut Bench) -> Outcome<String> {
    let child = Child(sys::fork(|| holders::descriptors(bench.files.path()))?);
    for _ in 0..3 {
        same_as_proc(&bench.reader.read()?, child.0, holders::AMONG_MANY)?;
    }
    Ok(format!("{} descriptors", open_files(child.0)?))
}

/// Their records are more than the memory of the program holds, those of processes without an instance alone as well.
fn many_processes(bench: &mut Bench) -> Outcome<String> {
    let mut idle = Vec::new();
    for _ in 0..1_700 {
        idle.push(Child(sys::fork(|| Ok(()))?));
    }
    let mut holders = Vec::new();
    for n in 0..300 {
        holders.push(Child(sys::fork(|| holders::four(bench.files.path(), n))?));
    }
    let accounting = bench.reader.read()?;
    for child in &holders {
        same_as_proc(&accounting, child.0, 4)?;
    }
    for child in &idle {
        same_as_proc(&accounting, child.0, 0)?;
    }
    Ok(format!("{} processes", holders.len() + idle.len()))
}

fn long_chains(bench: &mut Bench) -> Outcome<String> {
    let child = Child(sys::fork(|| holders::alternating(bench.files.path()))?);
    for _ in 0..3 {
        let accounting = bench.reader.read()?;
        let mut all = accounting.instances.iter();
        let holders = all.by_ref().flat_map(|one| &one.holders);
        let ours = holders.filter(|one| one.pid == child.0 && one.fd >= 100);
        same(
            "descriptors of instances",
            ours.count(),
            holders::ALTERNATING as usize,
        )?;
        same(
            "descriptors",
            descriptors(&accounting, child.0),
            Some(open_files(child.0)?),
        )?;
    }
    Ok(format!("{} descriptors of instances", holders::ALTERNATING))
}

/// Whatever happens beside them, instances that stay are in every account, exactly, and nothing is in it that there never was.
fn changing(bench: &mut Bench) -> Outcome<String> {
    let child = Child(sys::fork(|| holders::changing(bench.files.path()))?);
    let stable = held(&bench.reader.read()?, child.0)?;
    let (mut transient, looks) = (0, 1_000);
    for _ in 0..looks {
        let accounting = bench.reader.read()?;
        let now = held(&accounting, child.0)?;
        for fd in STABLE {
            let (before, after) = (stable.get(&fd), now.get(&fd));
            same("a stable instance", after, before)?;
            let watches = after.map(|one| one.1);
            same("its watches", watches, Some(u64::from(fd - STABLE.start)))?;
        }
        let others = now.iter().filter(|(fd, _)| !STABLE.contains(fd));
        for (fd, (identity, watches)) in others {
            let copy = now
                .range(STABLE)
                .any(|(_, one)| one == &(*identity, *watches));
            if !copy && *watches > u64::from(TRANSIENT_WATCHES) {
                return Err(format!("descriptor {fd} has {watches} watches").into());
            }
            transient += 1;
        }
    }
    Ok(format!(
        "{looks} looks, {transient} passing descriptors seen"
    ))
}
