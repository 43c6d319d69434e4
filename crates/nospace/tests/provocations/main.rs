//! Refusals of 26 kinds, provoked for real, and what `check`, `trace --any-call` and `explain` say of each. `rows` is the table; the test
//! prints it with the answers.
//!
//! Everything happens in namespaces or under limits of the holder's own. No sysctl of the host changes.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

#[path = "../limits/cgroup.rs"]
#[allow(dead_code, reason = "a place may have a cgroup; none here has")]
mod cgroup;
#[path = "../support/exhaust.rs"]
#[allow(
    dead_code,
    reason = "a place may be that of `nospace exhaust`; none here is"
)]
mod exhaust;
#[path = "../limits/place.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod place;
mod rows;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod support;
#[path = "../trace/tracing.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod tracing;

use std::env;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, ensure};
use nospace::trace::TracedCall;
use nospace_core::cause::Cause;
use nospace_core::explain::Explanation;
use nospace_core::report::Severity;

use place::Place;
use rows::{Knows, Row, TABLE};
use rustix::io::Errno;
use support::{NOSPACE, report, test};
use tracing::Tracing;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    let why_not = Tracing::start(&["--any-call", "--duration", "0.1"]).and_then(Tracing::end);
    if let Err(error) = why_not
        && env::var_os("NOSPACE_NEEDS_EBPF").is_none()
    {
        eprintln!("skipped: {error:#}");
        return ExitCode::SUCCESS;
    }
    support::run(vec![
        test("every refusal", every_refusal),
        test("a 32-bit caller", caller_of_32_bit),
        test("a device is no full disk", full_device),
    ])
}

/// Its numbers are those of other calls for 64-bit programs.
fn caller_of_32_bit() -> anyhow::Result<()> {
    let mut place = Place::new(&["--instances=0"], &["ipc"])?;
    place.tell("sysctl ipc kernel/msgmni 2")?;
    let pid = place.pid()?.to_string();
    let tracing = Tracing::start(&["--any-call", "--failed", "-o", "json", "--pid", &pid])?;
    if let Err(error) = place.exhaust("queues-of-32-bit", Errno::NOSPC) {
        eprintln!("skipped: this kernel runs no 32-bit programs: {error:#}");
        return Ok(());
    }
    let said = tracing.end()?;
    let call = said.calls.last().context("not reported")?;
    ensure!(
        (call.call.as_str(), call.cause) == ("msgget", Some(Cause::SysvMessages)),
        "{call:?}"
    );
    ensure!(call.count.is_none(), "{call:?}");
    Ok(())
}

fn full_device() -> anyhow::Result<()> {
    let mut place = Place::new(&["--instances=0"], &[])?;
    let pid = place.pid()?.to_string();
    let tracing = Tracing::start(&["--any-call", "--failed", "-o", "json", "--pid", &pid])?;
    place.exhaust("full-device", Errno::NOSPC)?;
    let said = tracing.end()?;
    let call = said.calls.last().context("not reported")?;
    ensure!(
        call.call == "write" && call.candidates.is_empty(),
        "{call:?}"
    );
    Ok(())
}

/// What one command said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Named,
    /// It cannot know.
    Silent,
    /// It could know, and said nothing or something else.
    Missed,
}

impl Said {
    fn of(knows: Knows, named: bool) -> Self {
        match (knows, named) {
            (_, true) => Self::Named,
            (Knows::Nothing(_), false) => Self::Silent,
            (Knows::Cause, false) => Self::Missed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Silent => "–",
            Self::Missed => "MISSED",
        }
    }
}

fn every_refusal() -> anyhow::Result<()> {
    let mut table = String::new();
    let (mut all, mut wrong) = (0, Vec::new());
    for row in TABLE {
        let (said, notes) = row
            .provoke()
            .with_context(|| format!("{} was not provoked", row.name))?;
        all += usize::from(!said.contains(&Said::Missed));
        let [check, trace, explain] = said.map(Said::word);
        let cause = row.cause.map_or("no code", Cause::code);
        writeln!(
            table,
            "{:24} {:18} {check:7} {trace:7} {explain:7} {notes}",
            row.name, cause
        )?;
        if said.contains(&Said::Missed) {
            wrong.push(row.name);
        }
    }
    let number = TABLE.len();
    eprintln!("provoked                 cause              check   trace   explain");
    eprintln!("{table}{all} of {number} named by each command that can know");
    ensure!(number == 26, "{number} rows");
    ensure!(wrong.is_empty(), "not named: {wrong:?}");
    Ok(())
}

impl Row {
    /// By `check`, `trace` and `explain`, with what the trace reported.
    fn provoke(&self) -> anyhow::Result<([Said; 3], String)> {
        let mut place = Place::new(self.holder, self.enters)?;
        if let Some(script) = self.script {
            place.run(script)?;
        }
        for order in self.orders {
            place.tell(order)?;
        }
        let pid = place.pid()?.to_string();
        let tracing = Tracing::start(&["--any-call", "--failed", "-o", "json", "--pid", &pid])?;
        place.exhaust(self.exhaust, self.errno)?;
        let said = tracing.end()?;
        ensure!(said.summary()?.lost == 0, "{said:?}");
        // The holder makes other calls, too.
        let call = said
            .calls
            .iter()
            .rfind(|call| call.result == -i64::from(self.errno.raw_os_error()));
        let check = self.is_checked(place)?;
        let explain = self.is_explained()?;
        let traced = call.is_some_and(|call| self.is_traced(call));
        let guessed = call
            .and_then(|call| call.cause)
            .filter(|cause| Some(*cause) != self.cause);
        ensure!(guessed.is_none(), "{}: trace names {guessed:?}", self.name);
        Ok((
            [
                Said::of(self.check, check),
                Said::of(self.trace, traced),
                Said::of(self.explain.1, explain),
            ],
            call.map_or_else(String::new, describe),
        ))
    }

    /// The right cause, or in words what has none.
    fn is_traced(&self, call: &TracedCall) -> bool {
        match self.cause {
            Some(cause) => call.cause == Some(cause),
            None => call.candidates.is_empty() && call.otherwise.is_some(),
        }
    }

    fn is_checked(&self, mut place: Place) -> anyhow::Result<bool> {
        let Some(cause) = self.cause else {
            return Ok(false);
        };
        if self.from_host {
            place = place.seen_from_host();
        }
        let report = report(place.nospace()?.args(["check", "-o", "json"]))?;
        let cause = if cause == Cause::DiskSpace {
            Cause::DiskInodes
        } else {
            cause
        };
        let mut found = report.findings.iter();
        Ok(found.any(|one| one.cause == cause && one.severity == Severity::Critical))
    }

    fn is_explained(&self) -> anyhow::Result<bool> {
        let mut explain = Command::new(NOSPACE)
            .args(["explain", "-o", "json", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = explain.stdin.take().context("no pipe")?;
        writeln!(input, "{}", self.explain.0)?;
        drop(input);
        let answer = explain.wait_with_output()?;
        let answer: Explanation = serde_json::from_slice(&answer.stdout)?;
        let first = answer.causes.first();
        if self.cause.is_none() {
            ensure!(first.is_none(), "{}: explain names {first:?}", self.name);
        }
        // What is decided is about this machine: its own disk may be full, too.
        let named = first.map(|first| [Some(first.cause), first.decided]);
        Ok(self.cause.is_some() && named.is_some_and(|named| named.contains(&self.cause)))
    }
}

/// `fanotify_init EMFILE: 3/3`
fn describe(call: &TracedCall) -> String {
    let count = call.count.as_ref().map_or_else(String::new, |count| {
        format!(" {:?} {}/{}", count.of, count.used, count.limit)
    });
    let error = call.error.as_deref().unwrap_or_default();
    let otherwise = call.otherwise.as_deref().unwrap_or_default();
    format!("{} {error}{count} {otherwise}", call.call)
        .trim_end()
        .to_owned()
}
