//! `nospace trace`: inotify calls and misleading refusals, live.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args;
use nospace_bpf::trace::{Hook, Tracer};
use nospace_core::select::Selection;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::until::stopper;
use super::{Output, OutputArg, Shared};
use crate::duration;
use crate::trace::{Filter, Plan, Sink, TraceLine, follow};
use crate::ui::{self, json, screen::Screen, trace as draw, warn};

/// What is left where there is no eBPF.
const WITHOUT: &str = "without eBPF, strace -f -e trace=/inotify -p PID shows the calls of one process, and nospace check \
                       who is near a limit";

/// Show inotify calls as they happen, and refusals of other calls whose error misleads
///
/// Of inotify_init, inotify_add_watch and inotify_rm_watch it tells every call; of mkdir, mount,
/// unshare, clone, epoll_ctl, add_key, keyctl, semget and shmget only those that fail with ENOSPC,
/// EMFILE, ENFILE, EAGAIN or EDQUOT; of 64-bit programs and of 32-bit ones (but not their semget and shmget
/// by way of ipc). Needs eBPF, and so root or CAP_BPF and CAP_PERFMON.
#[derive(Args, Debug)]
#[command(after_long_help = HELP)]
pub struct TraceArgs {
    #[command(flatten)]
    output: OutputArg,
    /// Only inotify calls that failed
    #[arg(long)]
    failed: bool,
    /// Only calls of these processes
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,
    /// Only calls of these effective uids, as the host numbers them
    #[arg(long, value_name = "UID")]
    uid: Vec<u32>,
    /// Only calls of these pods: name, namespace/name or uid
    #[arg(long, value_name = "POD")]
    pod: Vec<String>,
    /// Only calls of these containers: name, or the beginning of the id
    #[arg(long, value_name = "CONTAINER")]
    container: Vec<String>,
    /// Count instead of telling each call: a table at the end, or every SECONDS as well
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, value_parser = clap::value_parser!(u64).range(1..))]
    #[expect(clippy::option_option, reason = "not given, given, given with a value")]
    summary: Option<Option<u64>>,
    /// End after this time: 30, 30s, 5m
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    duration: Option<Duration>,
}

const HELP: &str = "Times are UTC. It ends with Ctrl-C or SIGTERM and then sums up what was told and \
                    how many calls were lost because they came faster than they could be read.\n\n\
                    Exit codes: 0 traced, 1 tracing is not possible here, 3 wrong usage.";

/// Traces.
///
/// # Errors
///
/// Where the kernel cannot be traced, or output cannot be written.
pub fn run(shared: &Shared, outer: OutputArg, args: &TraceArgs) -> anyhow::Result<ExitCode> {
    if shared.no_ebpf {
        bail!("trace needs eBPF, which --no-ebpf forbids: leave that option out; {WITHOUT}");
    }
    let host = shared.live()?;
    let stop = stopper(&[SIGINT, SIGTERM])?;
    let filter = args.filter();
    let tracer =
        Tracer::start(filter.options()).map_err(|why| anyhow!("cannot trace: {why}; {WITHOUT}"))?;
    let mut printer = Printer {
        output: args.output.or(outer),
        verbose: shared.verbose,
        screen: Screen::of_stdout(),
        text: Vec::new(),
    };
    warn("tracing inotify calls, and refusals of others; Ctrl-C ends it");
    if shared.verbose {
        warn(cost(tracer.hook()));
    }
    let plan = Plan {
        filter,
        lines: args.summary.is_none(),
        every: args.summary.flatten().map(Duration::from_secs),
        duration: args.duration,
        stop: &|| stop.load(Ordering::Relaxed),
    };
    follow(tracer, &host, &plan, &mut printer, &warn)?;
    Ok(ExitCode::SUCCESS)
}

/// Who pays for it.
fn cost(hook: Hook) -> &'static str {
    match hook {
        Hook::Returns | Hook::Exits => {
            "it hangs on the functions of the traced calls: no other call is slower for it"
        }
        Hook::EveryCall => {
            "this kernel does not let single functions be traced (CONFIG_FPROBE, BPF trampolines): \
             every call of every process is up to a tenth of a microsecond slower until it ends"
        }
    }
}

impl TraceArgs {
    fn filter(&self) -> Filter {
        Filter {
            failed: self.failed,
            uids: self.uid.clone(),
            selection: Selection {
                pids: self.pid.clone(),
                pods: self.pod.clone(),
                containers: self.container.clone(),
            },
        }
    }
}

/// Lines that were not shown are shown when they are so many bytes.
const FULL: usize = 64 << 10;

struct Printer {
    output: Output,
    verbose: bool,
    screen: Screen,
    text: Vec<u8>,
}

impl Sink for Printer {
    fn line(&mut self, line: &TraceLine) -> io::Result<bool> {
        match (self.output, line) {
            (Output::Json, line) => json::write_line(line, &mut self.text)?,
            (Output::Human, TraceLine::Call(call)) => {
                draw::call(call, &self.screen).write(&mut self.text)?;
            }
            (Output::Human, TraceLine::Summary(summary)) => {
                draw::summary(summary, &self.screen, self.verbose).write(&mut self.text)?;
            }
        }
        if self.text.len() < FULL {
            return Ok(true);
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<bool> {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return Ok(true);
        }
        ui::offer(&text)
    }
}
