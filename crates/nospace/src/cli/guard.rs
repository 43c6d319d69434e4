//! `nospace guard`: keeps a reserve for the node, or says whether this kernel could.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::{anyhow, bail};
use clap::{ArgGroup, Args};
use nospace_core::model::{InotifyResource, Pair};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::args::{CheckOutputArg, FAILED, LOOK, OutputArg, Shared, UNKNOWN, one_of};
use super::stop::stop_flag;
use crate::guard::{
    EndReason, GuardLine, GuardMode, Keeper, Observer, Pace, ReserveSize, StatusReason, Wish, keep,
    parse_budget, try_hooks,
};
use crate::output::{Format, document};
use crate::ui::guard::{draw, line};
use crate::ui::screen::Screen;
use crate::ui::{complain, offer, warn};

/// Keep the last inotify watches and instances for the node
///
/// Pods that run as root share their inotify watches and instances with the kubelet, the container runtime and systemd. The guard refuses
/// pods the last of them (ENOSPC, EMFILE, as the kernel does at the limit), so that the node keeps what it needs to start. It stays in front,
/// and nothing is left in the kernel when it ends, however it ends. Needs eBPF and root.
///
/// Only a test shows which kernels can do it: --probe briefly attaches each program that could, and has it refuse a call of nospace itself,
/// and of nobody else.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
#[command(group = ArgGroup::new("action").required(true).args(["probe", "mode"]))]
pub struct GuardArgs {
    /// Try every hook of this kernel, and say what a guard could do; refuses nobody else's calls
    #[arg(long, help_heading = ACTION)]
    probe: bool,
    /// Guard the node: only count what would be refused, or refuse it
    #[arg(long, value_enum, value_name = "MODE", help_heading = ACTION)]
    mode: Option<GuardMode>,
    /// Do refuse calls of pods; --mode enforce needs it
    #[arg(long, requires = "mode", help_heading = ACTION)]
    yes: bool,
    /// Guard only watches, or only instances
    #[arg(long, requires = "mode", value_name = "RESOURCE", value_parser = one_of(resources()), help_heading = RESERVE)]
    only: Option<InotifyResource>,
    /// How many of root's watches are kept: a number, or twice what a start of the kubelet takes, plus 64
    #[arg(long, requires = "mode", value_name = "N|auto", default_value = "auto", hide_default_value = true, help_heading = RESERVE)]
    reserve_watches: ReserveSize,
    /// The same of instances; of both, never more than half of the limit
    #[arg(long, requires = "mode", value_name = "N|auto", default_value = "auto", hide_default_value = true, help_heading = RESERVE)]
    reserve_instances: ReserveSize,
    /// With shadow: report pods that use more than N of root's watches; nothing is refused
    #[arg(long, requires = "mode", value_name = "N", value_parser = parse_budget, help_heading = BUDGET)]
    budget_watches: Option<u64>,
    /// The same of instances
    #[arg(long, requires = "mode", value_name = "N", value_parser = parse_budget, help_heading = BUDGET)]
    budget_instances: Option<u64>,
    /// Pods of this namespace may use all, as those of kube-system always may; can be repeated
    #[arg(long, requires = "mode", value_name = "NAMESPACE", help_heading = LOOK)]
    exempt_namespace: Vec<String>,
    /// What is in this cgroup may use all, as /kubepods/burstable/podUID; can be repeated
    #[arg(long, requires = "mode", value_name = "DIR", help_heading = LOOK)]
    exempt_cgroup: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArg,
}

const ACTION: &str = "What to do";
const RESERVE: &str = "What is kept";
const BUDGET: &str = "What a pod may use";

const AFTER_HELP: &str = "Examples:
  nospace guard --probe                     what this kernel could do
  nospace guard --mode shadow               what would be refused; refuses nothing
  nospace guard --mode shadow --budget-watches 20000
                                            which pods use more than that, too
  nospace guard --mode enforce --yes        refuse it; Ctrl-C or SIGTERM ends it

Exit codes: 0 stopped by a signal; with --probe: a reserve of watches and instances can be kept. 1 this kernel cannot keep it, or the \
guard ended by itself: a self-test failed, or something could not be read. 3 wrong usage, or it could not be tested.";

fn resources() -> impl Iterator<Item = (clap::builder::PossibleValue, InotifyResource)> {
    let both = [InotifyResource::Watches, InotifyResource::Instances];
    both.into_iter().map(|one| (one.unit().into(), one))
}

/// Probes, or guards.
///
/// # Errors
///
/// Output cannot be written, or eBPF is switched off.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &GuardArgs) -> anyhow::Result<ExitCode> {
    if shared.no_ebpf {
        bail!("the guard needs eBPF: run it without --no-ebpf");
    }
    match args.mode {
        Some(mode) => guard(shared, outer, args, mode),
        None => probe(shared, outer, args),
    }
}

fn probe(shared: &Shared, outer: CheckOutputArg, args: &GuardArgs) -> anyhow::Result<ExitCode> {
    let kernel = rustix::system::uname();
    let probe = try_hooks(&kernel.release().to_string_lossy(), &shared.sysfs);
    args.output
        .or(outer)
        .print(&document(&probe, |screen: &Screen| draw(&probe, screen)))?;
    Ok(match (probe.is_certain(), probe.can_enforce_all()) {
        (false, _) => ExitCode::from(UNKNOWN),
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(FAILED),
    })
}

fn guard(
    shared: &Shared,
    outer: CheckOutputArg,
    args: &GuardArgs,
    mode: GuardMode,
) -> anyhow::Result<ExitCode> {
    if mode == GuardMode::Enforce && !args.yes {
        bail!(
            "--mode enforce refuses calls of pods: see for a while what --mode shadow would have refused, then add --yes"
        );
    }
    let wish = args.wish(mode);
    if wish.enforces_budgets() {
        bail!(
            "--budget-watches and --budget-instances do not go with --mode enforce: {} (--reserve-watches, --reserve-instances)",
            Wish::BUDGETS_ARE_COUNTED
        );
    }
    let mut host = shared.live()?;
    let stop = stop_flag(&[SIGINT, SIGTERM])?;
    let settings = wish.settings(&shared.sysfs);
    let keeper = match Keeper::start(&mut host, settings) {
        Ok(keeper) => keeper,
        Err(why) => {
            let code = match why.is_final() {
                true => FAILED,
                false => UNKNOWN,
            };
            complain(&anyhow!("cannot guard: {why}"));
            return Ok(ExitCode::from(code));
        }
    };
    let mut printer = Printer {
        output: args.output.or(outer),
        screen: Screen::of_stdout(),
        verbose: shared.verbose,
    };
    let stopped = || stop.load(Ordering::Relaxed);
    match keep(
        keeper,
        Pace::default(),
        &mut host,
        &stopped,
        &mut printer,
        &warn,
    ) {
        Ok(EndReason::Stopped) => Ok(ExitCode::SUCCESS),
        Ok(EndReason::Doubt | EndReason::Failed) => Ok(ExitCode::from(FAILED)),
        Err(error) => {
            complain(&anyhow!(error).context("cannot print what the guard does, so it has ended"));
            Ok(ExitCode::from(FAILED))
        }
    }
}

/// Prints what the guard does.
struct Printer {
    output: &'static Format,
    screen: Screen,
    verbose: bool,
}

impl Observer for Printer {
    fn line(&mut self, one: &GuardLine) -> io::Result<bool> {
        let is_routine =
            matches!(one, GuardLine::Status(status) if status.reason == StatusReason::Minute);
        if is_routine && self.output.is_for_people() && !self.verbose {
            return Ok(true);
        }
        let mut text = Vec::new();
        let draw = |screen: &Screen| line(one, screen);
        self.output
            .append(&document(one, draw), &self.screen, &mut text)?;
        offer(&text)
    }
}

impl GuardArgs {
    fn wish(&self, mode: GuardMode) -> Wish {
        Wish {
            mode,
            only: self.only,
            reserve: Pair::of(self.reserve_instances, self.reserve_watches),
            budget: Pair::of(self.budget_instances, self.budget_watches),
            exempt_namespaces: self.exempt_namespace.clone(),
            exempt_cgroups: self.exempt_cgroup.clone(),
        }
    }
}
