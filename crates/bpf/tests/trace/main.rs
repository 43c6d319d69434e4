//! Every refusal that a program counts for itself is traced, with the right cause, or counted as lost.
//!
//! Needs root. A plain program, as the oracle tests are; the refused one has a user namespace and limits of its own.

#![allow(clippy::print_stdout, reason = "a test program of its own")]

#[path = "../common/mod.rs"]
mod common;
mod refused;

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::{Files, Holder, KUID, Outcome, same};
use nospace_bpf::trace::{Call, Event, Hook, Options, Refusal, Tracer};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [mode, _, files] = &arguments[..]
        && mode == "holder"
    {
        return refused::run(files);
    }
    match Hook::ALL.into_iter().map(on).collect() {
        Ok(taken) => best(taken),
        Err(e) => fail(&*e),
    }
}

/// All that is tested, with the programs on this hook; whether the kernel takes it.
fn on(hook: Hook) -> Outcome<bool> {
    let files = Files::new()?;
    let holder = Holder::start("refused", files.path())?;
    let options = Options {
        failed_only: true,
        pid: Some(holder.pid()),
        uid: None,
        ..Options::default()
    };
    match Tracer::on(options, &[hook]) {
        Ok(tracer) => {
            println!("{hook:?}:");
            same("hook", tracer.hook(), hook)?;
            run(tracer, holder).map(|()| true)
        }
        Err(e) if hook.spares_other_calls() || env::var_os("NOSPACE_NEEDS_EBPF").is_none() => {
            println!("{hook:?}: skipped: {e}");
            Ok(false)
        }
        Err(e) => Err(e.into()),
    }
}

/// A distribution's kernel can trace functions, and then others do not pay: a trace takes the first hook that it gets. Of those that
/// are tested, only Debian's 6.1 for arm64 cannot.
fn best(taken: Vec<bool>) -> ExitCode {
    let mut hooks = Hook::ALL.into_iter().zip(taken);
    let best = hooks.find_map(|(hook, taken)| taken.then_some(hook));
    println!("best: {best:?}");
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let can = cfg!(target_arch = "x86_64") || !release.starts_with("6.1.");
    if can && env::var_os("OWN_KERNEL").is_some() && !best.is_some_and(Hook::spares_other_calls) {
        println!("FAILED: others pay");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn fail(why: &dyn std::error::Error) -> ExitCode {
    println!("FAILED: {why}");
    ExitCode::FAILURE
}

/// What a run of the refused program gave: by call and errno, and by cause.
#[derive(Default)]
struct Seen {
    calls: BTreeMap<(Call, i64), u64>,
    causes: BTreeMap<String, u64>,
}

impl Seen {
    fn add(&mut self, event: &Event) {
        *self.calls.entry((event.call, -event.result)).or_default() += 1;
        if let Some(cause) = event.refusal() {
            *self.causes.entry(format!("{cause:?}")).or_default() += 1;
        }
    }

    fn call(&self, call: Call, errno: i32) -> u64 {
        self.calls.get(&(call, errno.into())).copied().unwrap_or(0)
    }

    fn cause(&self, cause: Refusal) -> u64 {
        self.causes.get(&format!("{cause:?}")).copied().unwrap_or(0)
    }
}

fn run(mut tracer: Tracer, mut holder: Holder) -> Outcome<()> {
    let (mut first, mut narrow) = (None, 0);
    let few = count(&mut tracer, &mut holder, "few", |event| {
        let known = event.argument == u64::from(libc::IN_DELETE_SELF) && event.fd.is_some();
        narrow += u64::from(known && event.path.as_deref() == Some(b"/no/such/32"));
        if event.refusal() == Some(Refusal::Watches) {
            first.get_or_insert_with(|| event.clone());
        }
    })?;
    let (seen, counted) = few;
    same("lost", tracer.lost(), 0)?;
    same(
        "refused by the watches",
        seen.cause(Refusal::Watches),
        counted[1],
    )?;
    check_init(&seen, counted[0], counted[2])?;
    same(
        "unshare refused",
        seen.call(Call::Unshare, libc::ENOSPC),
        counted[3],
    )?;
    same(
        "clone refused",
        seen.call(Call::Clone, libc::EAGAIN),
        counted[4],
    )?;
    same(
        "add_key refused",
        seen.call(Call::AddKey, libc::EDQUOT),
        counted[5],
    )?;
    same(
        "no such path",
        seen.call(Call::InotifyAddWatch, libc::ENOENT),
        counted[6] + counted[7],
    )?;
    same("failures of 32-bit calls", narrow, counted[7])?;
    check_watch(&first.ok_or("no refused watch")?, &holder)?;
    println!("each cause ... ok ({counted:?})");

    let (seen, counted) = count(&mut tracer, &mut holder, "many", |_| {})?;
    let lost = tracer.lost();
    same(
        "refused watches and those lost",
        seen.cause(Refusal::Watches) + lost,
        counted[0],
    )?;
    let begin = Instant::now();
    tracer.detach();
    let (detached, begin) = (begin.elapsed(), Instant::now());
    let (later, refused) = count(&mut tracer, &mut holder, "after", |_| {})?;
    same("refused after the end", refused[0], 20)?;
    same("reported after the end", later.calls.len(), 0)?;
    drop(tracer);
    println!(
        "end ... ok ({} ms to detach, {} to go)",
        detached.as_millis(),
        begin.elapsed().as_millis()
    );
    println!(
        "pressure ... ok ({} refusals in {} ms, {lost} lost)",
        counted[0], counted[1]
    );
    Ok(())
}

/// The two causes of EMFILE; on 5.10 the trace must report that it cannot tell them apart.
fn check_init(seen: &Seen, instances: u64, files: u64) -> Outcome<()> {
    let causes = [
        Refusal::Instances,
        Refusal::ProcessFiles,
        Refusal::InstancesOrProcessFiles,
    ];
    let is = causes.map(|cause| seen.cause(cause));
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let should = if release.starts_with("5.10.") {
        [0, 0, instances + files]
    } else {
        [instances, files, 0]
    };
    same(
        "inotify_init refused by the instances, by RLIMIT_NOFILE, by either",
        is,
        should,
    )
}

/// The count and the limit of that moment, and who.
fn check_watch(event: &Event, holder: &Holder) -> Outcome<()> {
    let count = event.count.ok_or("no count")?;
    same("count and limit", (count.used, count.limit), (10, 10))?;
    same(
        "whose",
        count.key.map(|key| (key.uid, key.user_namespace)),
        Some((KUID, holder.user_namespace()?)),
    )?;
    same("uid", event.uid, KUID)?;
    same("pid", event.pid, holder.pid())?;
    let path = event.path.as_deref().ok_or("no path")?;
    same(
        "path",
        path.starts_with(env::temp_dir().as_os_str().as_encoded_bytes()),
        true,
    )
}

/// Has the holder do `what`, and reads the ring until it says so and all is read.
fn count(
    tracer: &mut Tracer,
    holder: &mut Holder,
    what: &str,
    mut each: impl FnMut(&Event),
) -> Outcome<(Seen, Vec<u64>)> {
    let mut seen = Seen::default();
    holder.tell(what)?;
    let counted = std::thread::scope(|scope| {
        let counted = scope.spawn(|| holder.line().map_err(|e| e.to_string()));
        loop {
            let done = counted.is_finished();
            let all = tracer.poll(Duration::from_millis(50), |event| {
                each(&event);
                seen.add(&event);
            })?;
            if done && all {
                break;
            }
        }
        Ok::<_, Box<dyn std::error::Error>>(counted.join())
    })?;
    let line = counted.map_err(|_| "the reader panicked")??;
    let counted: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
    Ok((seen, counted.map_err(|_| line)?))
}
