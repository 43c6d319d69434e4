//! What pods and the system get, with a guard and without.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nospace_bpf::guard::{AtLine, Both, Hook, Mode, Resource, SelfTest};
use rustix::mount::{MountFlags, mount};

use crate::bench::{Bench, INSTANCES, RESERVE, WATCHES, set_limits};
use crate::common::{Case, Outcome, same};
use crate::{attaches, cost};

/// Cases in which the hook matters.
pub const EACH_HOOK: [Case<Bench>; 6] = [
    ("enforce", enforce),
    ("a change of a watch", change),
    ("shadow", shadow),
    ("other calls", other_calls),
    ("self-tests", self_tests),
    ("cost", cost::of_calls),
];

/// The rest.
pub const ONCE: [Case<Bench>; 10] = [
    ("without", without),
    ("off and on", off_and_on),
    ("killed", killed),
    ("a changed limit", changed_limit),
    ("half the limit", half),
    ("exempt", exempt),
    ("an inode with many marks", marks),
    ("user namespaces", namespaces),
    ("cgroup v1", v1),
    ("attach and detach", attaches::many),
];

/// At the line, in watches and in instances.
const LINE: (u64, u64) = (WATCHES - RESERVE.watches, INSTANCES - RESERVE.instances);

fn without(bench: &mut Bench) -> Outcome<String> {
    set_limits(WATCHES, INSTANCES)?;
    let mut system = bench.process("system.slice")?;
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    system.must("add 500", "0 ENOSPC")?;
    pod.until("make 300", "EMFILE")?;
    system.must("make 300", "0 EMFILE")?;
    same("used", bench.used()?, (WATCHES, INSTANCES))?;
    Ok("the pod took all, and the system got nothing".to_owned())
}

fn enforce(bench: &mut Bench) -> Outcome<String> {
    let mut guard = bench.guard()?;
    let mut system = bench.process("system.slice")?;
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    pod.until("make 300", "EMFILE")?;
    same("used by pods", bench.used()?, LINE)?;
    system.until("add 500", "ENOSPC")?;
    system.until("make 300", "EMFILE")?;
    same("used by all", bench.used()?, (WATCHES, INSTANCES))?;
    same("refused watches", guard.counts().refused.watches, 1)?;
    same("refused instances", guard.counts().refused.instances, 1)?;
    same("would refuse", guard.counts().would_refuse, Both::default())?;
    let id = bench.id("kubepods/burstable/a")?;
    same(
        "of the pod",
        guard.counts_by_pod().get(&id),
        Some(&guard.counts()),
    )?;
    let mut reports = Vec::new();
    guard.reported(|report| reports.push(report))?;
    let report = |resource, used, limit| AtLine {
        resource,
        refused: true,
        pid: pod.pid(),
        comm: b"exe".to_vec(),
        pod: id,
        used,
        limit,
    };
    // Where the instance is part of what is read.
    let at_once = guard
        .hooks()
        .instances
        .is_some_and(Hook::runs_for_every_file);
    let instances = LINE.1 + u64::from(at_once);
    let expected = [
        report(Resource::Watches, LINE.0, WATCHES),
        report(Resource::Instances, instances, INSTANCES),
    ];
    same("reported", reports.as_slice(), &expected)?;
    Ok("the pod stopped at the line, and the system went on to the limit".to_owned())
}

fn change(bench: &mut Bench) -> Outcome<String> {
    let guard = bench.guard()?;
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    pod.must("change", "ok")?;
    pod.must("remove", "ok")?;
    pod.must("add 2", "1 ENOSPC")?;
    same("refused", guard.counts().refused.watches, 2)?;
    Ok("of a refused pod a watch can be changed, and replaced".to_owned())
}

fn shadow(bench: &mut Bench) -> Outcome<String> {
    let mut guard = bench.guard()?;
    guard.set_mode(Mode::Shadow);
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    pod.until("make 300", "EMFILE")?;
    same("used", bench.used()?, (WATCHES, INSTANCES))?;
    let counts = guard.counts();
    same("refused", counts.refused, Both::default())?;
    // The last one is the kernel's refusal; of instances it comes before the programs that run for files.
    let last = !guard
        .hooks()
        .instances
        .is_some_and(Hook::runs_for_every_file);
    let would = Both {
        watches: RESERVE.watches + 1,
        instances: RESERVE.instances + u64::from(last),
    };
    same("would refuse", counts.would_refuse, would)?;
    let mut reports = Vec::new();
    guard.reported(|report| reports.push(report.refused))?;
    same("reported as refused", reports.contains(&true), false)?;
    same("reports", reports.len() >= 2, true)?;
    Ok(format!("would have refused {would:?}"))
}

fn off_and_on(bench: &mut Bench) -> Outcome<String> {
    let mut guard = bench.guard()?;
    let mut pod = bench.pod()?;
    guard.set_mode(Mode::Off);
    pod.until("add 2000", "ENOSPC")?;
    same("used while off", bench.used()?.0, WATCHES)?;
    guard.set_mode(Mode::Enforce);
    drop(pod);
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    pod.until("make 300", "EMFILE")?;
    same("used while on", bench.used()?, LINE)?;
    drop(guard);
    // The guard's own instance is gone, too.
    pod.until("make 300", "EMFILE")?;
    pod.until("add 2000", "ENOSPC")?;
    same("used after the end", bench.used()?, (WATCHES, INSTANCES))?;
    Ok("at once, and without loading anything".to_owned())
}

fn killed(bench: &mut Bench) -> Outcome<String> {
    set_limits(WATCHES, INSTANCES)?;
    let mut holder = Command::new("/proc/self/exe")
        .args(["hold", "guard"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let stdout = holder.stdout.take().ok_or("no stdout")?;
    BufReader::new(stdout).read_line(&mut line)?;
    same("the guard", line.trim(), "held")?;
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    same("used", bench.used()?.0, LINE.0)?;
    holder.kill()?;
    holder.wait()?;
    // The kernel may free a link behind the process.
    let start = Instant::now();
    while bench.used()?.0 < WATCHES && start.elapsed() < Duration::from_secs(20) {
        pod.until("add 2000", "ENOSPC")?;
    }
    same("used after SIGKILL", bench.used()?.0, WATCHES)?;
    Ok("SIGKILL ends it".to_owned())
}

fn changed_limit(bench: &mut Bench) -> Outcome<String> {
    let _guard = bench.guard()?;
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    set_limits(2 * WATCHES, INSTANCES)?;
    pod.until("add 2000", "ENOSPC")?;
    same("used", bench.used()?.0, 2 * WATCHES - RESERVE.watches)?;
    set_limits(WATCHES, INSTANCES)?;
    pod.must("add 1", "0 ENOSPC")?;
    Ok("seen at once".to_owned())
}

fn half(bench: &mut Bench) -> Outcome<String> {
    let mut guard = bench.guard()?;
    guard.set_reserve(Both {
        watches: u64::MAX,
        instances: INSTANCES - 1,
    });
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    pod.until("make 300", "EMFILE")?;
    same("used", bench.used()?, (WATCHES / 2, INSTANCES / 2))?;
    Ok("never more than that is kept".to_owned())
}

fn exempt(bench: &mut Bench) -> Outcome<String> {
    let mut guard = bench.guard()?;
    guard.set_policies(&bench.policies(["kubepods/burstable/b"])?)?;
    let mut other = bench.process("kubepods/burstable/b/1")?;
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    same("used by the pod", bench.used()?.0, LINE.0)?;
    other.until("add 2000", "ENOSPC")?;
    same("used by the exempt pod", bench.used()?.0, WATCHES)?;
    drop(other);
    guard.set_policies(&bench.policies([])?)?;
    let mut other = bench.process("kubepods/burstable/b/1")?;
    other.must("add 1", "0 ENOSPC")?;
    let mut guaranteed = bench.process("kubepods/c")?;
    guaranteed.must("add 1", "0 ENOSPC")?;
    let id = bench.id("kubepods/c")?;
    same("counted", guard.counts_by_pod().contains_key(&id), true)?;
    Ok("by the policy of the nearest ancestor".to_owned())
}

fn other_calls(bench: &mut Bench) -> Outcome<String> {
    let guard = bench.guard()?;
    let mut pod = bench.pod()?;
    let is_compat = pod.ask("takes-32-bit")? == "yes";
    pod.until("add 2000", "ENOSPC")?;
    if is_compat {
        pod.must("add-32", "ENOSPC")?;
        same("refused", guard.counts().refused.watches, 2)?;
    }
    pod.until("make 300", "EMFILE")?;
    pod.must("make-old", "EMFILE")?;
    let mut refused = 2;
    if is_compat {
        pod.must("make-32", "EMFILE")?;
        refused += 1;
    }
    same(
        "refused instances",
        guard.counts().refused.instances,
        refused,
    )?;
    same("used", bench.used()?, LINE)?;
    Ok(format!("inotify_init, 32-bit calls: {is_compat}"))
}

/// The programs look through the marks of an inode to find out whether it is already watched. The kernel sorts them by the address of the
/// group, so that those of the pod's instances are anywhere among them.
fn marks(bench: &mut Bench) -> Outcome<String> {
    const OTHERS: u64 = 700;
    let guard = bench.guard()?;
    set_limits(WATCHES, 1000)?;
    let mut pod = bench.pod()?;
    pod.must("make 20", "20 ok")?;
    pod.must("watch-in-each", "ok")?;
    let mut system = bench.process("system.slice")?;
    system.must(&format!("make {OTHERS}"), &format!("{OTHERS} ok"))?;
    system.must("watch-in-each", "ok")?;
    pod.until("add 2000", "ENOSPC")?;
    same("used", bench.used()?.0, LINE.0)?;
    pod.must("watch-in-each", "ok")?;
    same("refused", guard.counts().refused.watches, 1)?;
    Ok(format!("watches among {OTHERS} of others can be changed"))
}

/// What counts is who created the namespace.
fn namespaces(bench: &mut Bench) -> Outcome<String> {
    let guard = bench.guard()?;
    let mut by_root = bench.pod()?;
    by_root.must("namespace-of 0", "ok")?;
    by_root.must("open", "ok")?;
    let mut by_other = bench.pod()?;
    by_other.must("namespace-of 100000", "ok")?;
    by_other.must("open", "ok")?;
    let mut filler = bench.pod()?;
    filler.until("add 2000", "ENOSPC")?;
    filler.until("make 300", "EMFILE")?;
    same("used by root", bench.used()?, LINE)?;
    by_root.must("add 1", "0 ENOSPC")?;
    by_root.must("make 1", "0 EMFILE")?;
    by_other.must("add 50", "50 ok")?;
    by_other.must("make 5", "5 ok")?;
    same("used by root", bench.used()?, LINE)?;
    let refused = Both {
        watches: 2,
        instances: 2,
    };
    same("refused", guard.counts().refused, refused)?;
    Ok("of root: refused; of another user: not charged to root, not refused".to_owned())
}

fn self_tests(bench: &mut Bench) -> Outcome<String> {
    let mut guard = bench.guard()?;
    let mut pod = bench.pod()?;
    for _ in 0..20 {
        same(
            "self-test",
            guard.self_test(&mut bench.accounting)?,
            SelfTest::Passed,
        )?;
    }
    pod.until("add 2000", "ENOSPC")?;
    pod.until("make 300", "EMFILE")?;
    same(
        "at the line",
        guard.self_test(&mut bench.accounting)?,
        SelfTest::Passed,
    )?;
    same(
        "refused",
        guard.counts().refused,
        Both {
            watches: 1,
            instances: 1,
        },
    )?;
    Ok("passed, and nobody else was refused".to_owned())
}

fn v1(bench: &mut Bench) -> Outcome<String> {
    let root = Path::new("/tmp/memory");
    fs::create_dir_all(root)?;
    let mounted = match root.join("cgroup.procs").exists() {
        true => Ok(()),
        false => mount("cgroup", root, "cgroup", MountFlags::empty(), c"memory"),
    };
    if let Err(error) = mounted {
        return Ok(format!(
            "skipped: this kernel mounts no memory controller of v1: {error}"
        ));
    }
    let v2 = std::mem::replace(&mut bench.cgroups, root.to_owned());
    let outcome = on_v1(bench);
    bench.cgroups = v2;
    outcome
}

fn on_v1(bench: &mut Bench) -> Outcome<String> {
    fs::create_dir_all(bench.cgroups.join("kubepods/burstable/a/1"))?;
    let mut guard = bench.guard()?;
    guard.use_cgroup_v1(true);
    let mut pod = bench.pod()?;
    pod.until("add 2000", "ENOSPC")?;
    same("used", bench.used()?.0, LINE.0)?;
    guard.use_cgroup_v1(false);
    pod.until("add 2000", "ENOSPC")?;
    same("used without", bench.used()?.0, WATCHES)?;
    Ok("by the memory controller's hierarchy".to_owned())
}
