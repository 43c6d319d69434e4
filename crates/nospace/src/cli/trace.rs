//! `nospace trace`: inotify calls and misleading errors, live.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;
use nospace_bpf::trace::{Hook, Tracer};
use nospace_core::select::Selection;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::args::{CheckOutputArg, LOOK, OUTPUT, OutputArg, Shared, UserArg};
use super::stop::stop_flag;
use crate::duration;
use crate::output::{Format, document};
use crate::trace::{Filter, Sink, TraceLine, TraceOptions, follow};
use crate::ui::{self, screen::Screen, trace as draw, warn};

/// What to do where there is no eBPF.
const WITHOUT: &str = "without eBPF, strace -f -e trace=/inotify -p PID shows the calls of one process, and nospace check \
                       shows who is near a limit";

/// Trace inotify calls live, and other calls that fail with a misleading error
///
/// Prints every inotify_init, inotify_add_watch and inotify_rm_watch, and each mkdir, mount, unshare, clone, epoll_ctl,
/// add_key, keyctl, semget and shmget that fails with ENOSPC, EMFILE, ENFILE, EAGAIN or EDQUOT. 32-bit programs are traced as well
/// (except their semget and shmget through ipc). Needs eBPF: root, or CAP_BPF and CAP_PERFMON.
#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 done, 1 tracing is not possible here, 3 wrong usage.", after_long_help = AFTER_HELP)]
pub struct TraceArgs {
    /// Only inotify calls that failed
    #[arg(long, help_heading = LOOK)]
    failed: bool,
    /// Also every other call that fails because of a limit: ENOSPC, EMFILE, ENFILE, EDQUOT, ETOOMANYREFS, and errors such as EAGAIN,
    /// ENOMEM and EADDRNOTAVAIL of the calls where they can mean one
    ///
    /// Names the limit, what else the error can mean, and, where the kernel has a count, how much was in use at that moment. Until the trace
    /// stops, a small program runs at the end of every system call of every process.
    ///
    /// With --failed, only inotify calls that succeed are left out.
    #[arg(long, help_heading = LOOK)]
    any_call: bool,
    /// Only calls by these processes; can be repeated
    #[arg(long, value_name = "PID", help_heading = LOOK)]
    pid: Vec<u32>,
    /// Only calls by processes of these programs; can be repeated
    #[arg(long, value_name = "NAME", help_heading = LOOK)]
    program: Vec<String>,
    /// Only calls by these users: name, or effective UID as the node numbers it; can be repeated
    #[arg(long, value_name = "USER", help_heading = LOOK)]
    uid: Vec<UserArg>,
    /// Only calls by these pods: name, namespace/name or UID; can be repeated
    #[arg(long, value_name = "POD", help_heading = LOOK)]
    pod: Vec<String>,
    /// Only calls by these containers: name, or at least four characters of the ID; can be repeated
    #[arg(long, value_name = "CONTAINER", help_heading = LOOK)]
    container: Vec<String>,
    /// Stop after this time: 30, 30s, 5m
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = LOOK)]
    duration: Option<Duration>,
    /// Print totals instead of calls: at the end, or also every SECONDS
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, value_parser = clap::value_parser!(u64).range(1..),
          help_heading = OUTPUT)]
    #[expect(clippy::option_option, reason = "not given, given, given with a value")]
    summary: Option<Option<u64>>,
    /// Also show the command line of the process that made each call (-v: all of it); it can contain secrets
    ///
    /// At most 4,096 bytes, read after the call: a process that has exited by then has none.
    #[arg(long, conflicts_with = "summary", help_heading = OUTPUT)]
    cmdline: bool,
    #[command(flatten)]
    output: OutputArg,
}

const AFTER_HELP: &str = "Times are in UTC. Ctrl-C or SIGTERM stops the trace; it then prints totals, and how many events were lost because they \
     came too fast. With -o json, each line is one object.\n\n\
     Exit codes: 0 done, 1 tracing is not possible here, 3 wrong usage.";

/// Traces.
///
/// # Errors
///
/// Where the kernel cannot be traced, or output cannot be written.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &TraceArgs) -> anyhow::Result<ExitCode> {
    if shared.no_ebpf {
        bail!("trace needs eBPF: run it without --no-ebpf; {WITHOUT}");
    }
    let host = shared.live()?;
    for pid in &args.pid {
        let process = shared.procfs.join(pid.to_string());
        ensure!(process.exists(), "--pid {pid}: there is no such process");
    }
    let stop = stop_flag(&[SIGINT, SIGTERM])?;
    let filter = args.filter(UserArg::uids(&args.uid, &host).context("--uid")?);
    let tracer =
        Tracer::start(filter.options()).map_err(|why| anyhow!("cannot trace: {why}; {WITHOUT}"))?;
    let mut printer = Printer {
        format: args.output.or(outer),
        verbose: shared.verbose,
        screen: Screen::of_stdout(),
        text: Vec::new(),
    };
    warn("tracing inotify calls and limit errors; Ctrl-C stops");
    if shared.verbose {
        warn(cost(tracer.hook(), args.any_call));
    }
    let options = TraceOptions {
        filter,
        lines: args.summary.is_none(),
        cmdlines: args.cmdline,
        every: args.summary.flatten().map(Duration::from_secs),
        duration: args.duration,
        stop: &|| stop.load(Ordering::Relaxed),
    };
    follow(tracer, &host, &options, &mut printer, &warn)?;
    Ok(ExitCode::SUCCESS)
}

/// What gets slower.
fn cost(hook: Hook, any_call: bool) -> &'static str {
    match hook {
        Hook::SysExit if any_call => {
            "a small program runs at the end of every system call of every process until the trace stops"
        }
        Hook::KprobeMulti | Hook::Fexit => {
            "only the traced functions are hooked: no other call gets slower"
        }
        Hook::SysExit => {
            "this kernel cannot trace single functions (CONFIG_FPROBE, BPF trampolines): every system \
             call of every process is up to 0.1 µs slower until the trace stops"
        }
    }
}

impl TraceArgs {
    fn filter(&self, uids: Vec<u32>) -> Filter {
        Filter {
            failed: self.failed,
            any_call: self.any_call,
            uids,
            selection: Selection {
                pids: self.pid.clone(),
                pods: self.pod.clone(),
                containers: self.container.clone(),
                programs: self.program.clone(),
            },
        }
    }
}

/// Bytes of buffered lines that are printed at once.
const FULL: usize = 64 << 10;

struct Printer {
    format: &'static Format,
    verbose: bool,
    screen: Screen,
    text: Vec<u8>,
}

impl Sink for Printer {
    fn line(&mut self, line: &TraceLine) -> io::Result<bool> {
        let draw = |screen: &Screen| match line {
            TraceLine::Call(call) => draw::call(call, screen, self.verbose),
            TraceLine::Summary(summary) => draw::summary(summary, screen, self.verbose),
        };
        self.format
            .append(&document(line, draw), &self.screen, &mut self.text)?;
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
