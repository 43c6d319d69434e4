//! `nospace trace` against a program that counts its own refusals, in a user namespace with limits of its own.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

mod others;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod support;
mod tracing;

use std::env;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail, ensure};
use nospace::trace::TracedCall;
use nospace_core::cause::Cause;
use nospace_core::model::INITIAL_USER_NAMESPACE;
use nospace_holder::Holder;
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use support::{NOSPACE, test};
use tracing::{Said, Tracing};

/// uids of the holders outside of their namespaces: tests run at the same time.
const CAUSES: u32 = 790_000;
const PRESSED: u32 = 791_000;
const SUMMED: u32 = 792_000;
const UNREAD: u32 = 793_000;
const OTHERS: u32 = 794_000;
const PACED: u32 = 796_000;
/// Refusals of one kind.
const FEW: u64 = 40;
/// As fast as the holder can.
const MANY: u64 = 50_000;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    let why_not = Tracing::start(&["--duration", "0.1"]).and_then(Tracing::end);
    if let Err(error) = why_not
        && env::var_os("NOSPACE_NEEDS_EBPF").is_none()
    {
        eprintln!("skipped: {error:#}");
        return ExitCode::SUCCESS;
    }
    let mut tests = vec![
        test("each cause", each_cause),
        test("pressure", pressure),
        test("pressure at 100,000 a second", paced),
        test("a summary for people", summary_for_people),
        test("users by name", users_by_name),
        test("command lines", command_lines),
        test("SIGTERM ends it", sigterm),
        test("nobody reads", nobody_reads),
        test("no eBPF", no_ebpf),
        test("no privilege", no_privilege),
    ];
    for (uid, refused) in (OTHERS..).step_by(100).zip(others::ALL) {
        let name = refused.name();
        tests.push(test(&name, move || refused.check(uid)));
    }
    support::run(tests)
}

fn holder(root: u32) -> anyhow::Result<Holder> {
    let namespace = format!("--user-namespace={root}");
    Holder::start(&[
        &namespace,
        "--instances=1",
        "--watches=5",
        "--comm=vic\x1btim",
    ])
}

/// Tells the holder to press; how many of its calls were refused with `errno`.
fn pressed(holder: &mut Holder, order: &str, number: u64, errno: Errno) -> anyhow::Result<u64> {
    let tried = holder.tell(&format!("{order} {number}"))?;
    ensure!(
        tried.errno == Some(errno.raw_os_error()),
        "{order}: {tried:?}"
    );
    Ok(number - tried.done)
}

fn each_cause() -> anyhow::Result<()> {
    let mut holder = holder(CAUSES)?;
    let pid = holder.pid().to_string();
    let tracing = Tracing::start(&["-o", "json", "--failed", "--pid", &pid])?;
    holder.tell("limit watches 5")?;
    let watches = pressed(&mut holder, "press", FEW, Errno::NOSPC)?;
    holder.tell("limit instances 1")?;
    let instances = pressed(&mut holder, "press-open", FEW, Errno::MFILE)?;
    holder.tell("limit instances 100")?;
    no_more_files(&holder)?;
    let files = pressed(&mut holder, "press-open", FEW, Errno::MFILE)?;
    let said = tracing.end()?;

    ensure!((watches, instances, files) == (FEW, FEW, FEW));
    let summary = said.summary()?;
    ensure!(summary.lost == 0 && summary.last, "{summary:?}");
    ensure!(said.calls.len() as u64 == 3 * FEW, "{}", said.calls.len());
    ensure!(
        (summary.calls, summary.refused) == (3 * FEW, 3 * FEW),
        "{summary:?}"
    );
    let of = |cause| said.calls.iter().filter(|c| c.cause == Some(cause)).count() as u64;
    ensure!(of(Cause::InotifyWatches) == watches);
    ensure!(of(Cause::InotifyInstances) == instances);
    ensure!(of(Cause::ProcessFiles) == files);
    names_the_victim(&holder, &said)
}

/// `tail` follows a file as root, by inotify.
fn users_by_name() -> anyhow::Result<()> {
    let unknown = match Tracing::start(&["--uid", "rot"]) {
        Ok(_) => bail!("a user that does not exist"),
        Err(why) => why.to_string(),
    };
    if unknown.contains("no names here") {
        eprintln!("skipped: {unknown}");
        return Ok(());
    }
    ensure!(unknown.contains("--uid: "), "{unknown}");
    ensure!(
        unknown.contains("no user \"rot\" (similar: root)"),
        "{unknown}"
    );
    for (user, is_seen) in [("root", true), ("nobody", false)] {
        let tracing = Tracing::start(&["-o", "json", "--program", "tail", "--uid", user])?;
        Command::new("timeout")
            .args(["0.5", "tail", "-f", "/etc/passwd"])
            .stdout(Stdio::null())
            .status()?;
        let said = tracing.end()?;
        ensure!(said.calls.is_empty() != is_seen, "{user}: {}", said.text);
        for call in &said.calls {
            ensure!(call.user_name.as_deref() == Some("root"), "{call:?}");
            let count = call.count.as_ref();
            let name = count.and_then(|count| count.user_name.as_deref());
            ensure!(count.is_none() || name == Some("root"), "{call:?}");
        }
        let rows = &said.summary()?.rows;
        ensure!(
            rows.iter()
                .all(|row| row.user_name.as_deref() == Some("root"))
        );
        ensure!(rows.is_empty() != is_seen);
    }
    Ok(())
}

/// Leaves the holder no free descriptor.
fn no_more_files(holder: &Holder) -> anyhow::Result<()> {
    let open = std::fs::read_dir(format!("/proc/{}/fd", holder.pid()))?.count() as u64;
    let pid = i32::try_from(holder.pid()).ok().and_then(Pid::from_raw);
    let limit = Rlimit {
        current: Some(open.min(3)),
        maximum: Some(1024),
    };
    prlimit(pid, Resource::Nofile, limit)?;
    Ok(())
}

/// Only on request.
fn command_lines() -> anyhow::Result<()> {
    let words = ["tail", "-f", "/etc/hostname"];
    for asked in [&[][..], &["--cmdline"]] {
        let tracing = Tracing::start(&[&["-o", "json", "--program", "tail"], asked].concat())?;
        Command::new("timeout")
            .arg("0.5")
            .args(words)
            .stdout(Stdio::null())
            .status()?;
        let said = tracing.end()?;
        let of = |call: &&TracedCall| call.path.as_deref() == Some(words[2]);
        let call = said.calls.iter().find(of).context("tail watches no file")?;
        let expected = (!asked.is_empty()).then(|| words.map(str::to_owned).to_vec());
        ensure!(call.cmdline == expected, "{call:?}");
    }
    Ok(())
}

fn names_the_victim(holder: &Holder, said: &Said) -> anyhow::Result<()> {
    let namespace = std::fs::metadata(format!("/proc/{}/ns/user", holder.pid()))?.ino();
    ensure!(namespace != INITIAL_USER_NAMESPACE);
    for call in &said.calls {
        ensure!((call.pid, call.uid) == (holder.pid(), CAUSES), "{call:?}");
        ensure!(
            call.comm == "vic\x1btim" && call.owner.is_some(),
            "{call:?}"
        );
        let count = call.count.as_ref().context("no count")?;
        ensure!(
            (count.uid, count.user_namespace) == (Some(CAUSES), Some(namespace)),
            "{count:?}"
        );
        let expected = match call.cause {
            Some(Cause::InotifyWatches) => (5, 5),
            Some(Cause::InotifyInstances) => (1, 1),
            _ => (1, 100),
        };
        ensure!((count.used, count.limit) == expected, "{call:?}");
        if call.cause == Some(Cause::InotifyWatches) {
            ensure!(call.words == ["delete_self"], "{call:?}");
            ensure!(
                call.path.as_ref().is_some_and(|p| p.contains("nospace-")),
                "{call:?}"
            );
        } else {
            ensure!(call.words == ["cloexec"], "{call:?}");
        }
    }
    let limits = said
        .calls
        .iter()
        .filter(|c| c.cause == Some(Cause::ProcessFiles));
    ensure!(
        limits
            .filter_map(|c| c.descriptor_limit)
            .all(|limit| limit == 3)
    );
    Ok(())
}

/// As fast as the holder can.
fn pressure() -> anyhow::Result<()> {
    reported_or_lost(PRESSED, &format!("press {MANY}"))
}

/// At a speed that a node may see.
fn paced() -> anyhow::Result<()> {
    reported_or_lost(PACED, &format!("pace {MANY} 100000"))
}

/// Every refusal is reported, or counted as lost.
fn reported_or_lost(uid: u32, order: &str) -> anyhow::Result<()> {
    let mut holder = holder(uid)?;
    let pid = holder.pid().to_string();
    let tracing = Tracing::start(&["-o", "json", "--failed", "--pid", &pid])?;
    holder.tell("limit watches 5")?;
    let refused = MANY - holder.tell(order)?.done;
    let said = tracing.end()?;
    let summary = said.summary()?;
    ensure!(refused == MANY);
    ensure!(summary.refused + summary.lost == refused, "{summary:?}");
    ensure!(said.calls.len() as u64 == summary.calls);
    ensure!(summary.calls > 0, "{summary:?}");
    eprintln!("{order}: {refused} refusals, {} lost", summary.lost);
    Ok(())
}

fn summary_for_people() -> anyhow::Result<()> {
    let mut holder = holder(SUMMED)?;
    let uid = SUMMED.to_string();
    let tracing = Tracing::start(&["--summary", "--uid", &uid])?;
    holder.tell("limit watches 5")?;
    let refused = pressed(&mut holder, "press", FEW, Errno::NOSPC)?;
    let done = holder.tell("open 3")?.done;
    let said = tracing.end()?;
    let all = format!("{} calls, {refused} failed (all hit", refused + done);
    for part in [
        all.as_str(),
        "no events lost",
        "had 5/5 watches",
        r"vic\x1btim",
    ] {
        ensure!(said.text.contains(part), "{part}: {}", said.text);
    }
    ensure!(!said.text.contains('\x1b'), "raw: {}", said.text);
    Ok(())
}

fn sigterm() -> anyhow::Result<()> {
    let said = Tracing::start(&["-o", "json"])?.end()?;
    ensure!(said.code == Some(0) && said.summary()?.last, "{said:?}");
    Ok(())
}

/// `nospace trace | head -1` ends when head does.
fn nobody_reads() -> anyhow::Result<()> {
    let mut holder = holder(UNREAD)?;
    let mut tracing = Tracing::unread(&["-o", "json", "--uid", &UNREAD.to_string()])?;
    holder.tell("open 3")?;
    ensure!(tracing.wait()?.success());
    Ok(())
}

fn no_ebpf() -> anyhow::Result<()> {
    let said = refused_to_trace(Command::new(NOSPACE).args(["trace", "--no-ebpf"]))?;
    ensure!(
        said.contains("--no-ebpf") && said.contains("strace"),
        "{said}"
    );
    Ok(())
}

/// What is missing, what to do, and what is left.
fn no_privilege() -> anyhow::Result<()> {
    let none = ["--bounding-set=-all", "--inh-caps=-all", NOSPACE, "trace"];
    let said = refused_to_trace(Command::new("setpriv").args(none))?;
    for part in ["needs CAP_BPF and CAP_PERFMON", "run as root", "strace"] {
        ensure!(said.contains(part), "{part}: {said}");
    }
    ensure!(!said.contains("/proc is counted"), "{said}");
    Ok(())
}

fn refused_to_trace(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(1), "{}: {said}", output.status);
    Ok(said)
}
