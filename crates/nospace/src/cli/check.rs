//! `nospace check`: the node at this moment.

use std::process::ExitCode;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Args, ValueEnum};
use nospace_core::evidence;
use nospace_core::fleet::MorePods;
use nospace_core::matter::Matter;
use nospace_core::model::InotifyResource;
use nospace_core::report::{Report, Status};
use nospace_core::select::{self, Selection};

use super::args::{CheckOutputArg, CmdlineArg, LOOK, OUTPUT, Shared, one_of};
use super::from::FromArgs;
use crate::collect::collect;
use crate::host::Host;
use crate::output::Check;
use crate::over_time;

/// Check the node once: limits, usage, who holds what, findings, and whether the kubelet could restart
///
/// Findings and the exit code are about the whole node; --pid, --program, --pod and --container only select the holders that are listed.
#[derive(Args, Debug, Default)]
#[command(after_help = "Exit codes: 0 OK, 1 warning, 2 critical, 3 unknown or wrong usage.",
          after_long_help = AFTER_HELP)]
pub struct CheckArgs {
    #[command(flatten)]
    from: FromArgs,
    /// Only consider this cause (a code, or kubelet-start); can be repeated
    #[arg(long, value_name = "CODE", help_heading = LOOK)]
    only: Vec<Matter>,
    /// List only these processes; can be repeated
    #[arg(long, value_name = "PID", help_heading = LOOK)]
    pid: Vec<u32>,
    /// List only processes of these programs; can be repeated
    #[arg(long, value_name = "NAME", help_heading = LOOK)]
    program: Vec<String>,
    /// List only these pods: name, namespace/name or UID; can be repeated
    #[arg(long, value_name = "POD", help_heading = LOOK)]
    pod: Vec<String>,
    /// List only these containers: name, or at least four characters of the ID; can be repeated
    #[arg(long, value_name = "CONTAINER", help_heading = LOOK)]
    container: Vec<String>,
    /// List at most N holders of each kind [default: 10, or 3 if the node is OK; 50 pods with -o prometheus]
    #[arg(long, value_name = "N", help_heading = OUTPUT)]
    top: Option<usize>,
    /// Sort holders by this [default: whichever is closer to its limit]
    #[arg(long, value_parser = keys(), value_name = "KEY", help_heading = OUTPUT)]
    sort: Option<InotifyResource>,
    /// Exit code convention
    #[arg(long, value_enum, value_name = "CONVENTION", default_value_t, help_heading = OUTPUT)]
    exit_codes: ExitCodes,
    #[command(flatten)]
    cmdline: CmdlineArg,
    #[command(flatten)]
    output: CheckOutputArg,
}

const AFTER_HELP: &str = "\
Exit codes follow the Nagios plugin convention: 0 OK, 1 warning, 2 critical, 3 unknown or wrong usage.
With --exit-codes npd, that of node-problem-detector: 0 not critical, 1 critical, 2 unknown, 3 wrong usage.

Examples:
  nospace check --pod web-0 --sort watches       list only this pod
  nospace check -o json | jq .findings           for scripts
  nospace check -o line --only inotify-watches   for monitoring systems
  nospace check -o prometheus                    for node_exporter's textfile collector";

/// What exit codes mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExitCodes {
    /// Nagios, Icinga, Sensu.
    #[default]
    Plugin,
    /// Custom plugins of node-problem-detector.
    Npd,
}

impl ExitCodes {
    fn of(self, status: Status) -> u8 {
        match (self, status) {
            (Self::Plugin, _) => status.exit_code(),
            (Self::Npd, Status::Ok(_) | Status::Warning) => 0,
            (Self::Npd, Status::Critical) => 1,
            (Self::Npd, Status::Unknown) => 2,
        }
    }
}

/// What holders are sorted by.
fn keys() -> impl TypedValueParser<Value = InotifyResource> {
    let keys = [
        ("watches", "Most watches first", InotifyResource::Watches),
        (
            "instances",
            "Most instances first",
            InotifyResource::Instances,
        ),
    ];
    one_of(keys.map(|(name, help, key)| (PossibleValue::new(name).help(help), key)))
}

/// Checks the node.
///
/// # Errors
///
/// The node or the archive cannot be opened, or no holder matches the filters.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let (host, mut report, more_pods) = report(shared, args)?;
    let selection = Selection {
        pids: args.pid.clone(),
        pods: args.pod.clone(),
        containers: args.container.clone(),
        programs: args.program.clone(),
    };
    selection.apply(&mut report)?;
    let recorded = args.from.is_given();
    args.cmdline
        .add(host.as_ref(), recorded, &mut report.processes);
    if !args.only.is_empty() {
        evidence::judge_by(&args.only, &mut report);
    }
    let order = args.sort.unwrap_or_else(|| select::nearest_limit(&report));
    select::sort(&mut report, order);
    let check = Check {
        report: &report,
        only: &args.only,
        top: args.top,
        order,
        verbose: shared.verbose,
        more_pods,
    };
    args.output.or(outer).print(&check)?;
    Ok(ExitCode::from(args.exit_codes.of(report.status())))
}

/// A timeline shows more than its last sample: what grows.
fn report(
    shared: &Shared,
    args: &CheckArgs,
) -> anyhow::Result<(Box<dyn Host>, Report, Option<MorePods>)> {
    let (host, findings): (Box<dyn Host>, _) = match args.from.open()? {
        None => (Box::new(shared.live()?), Vec::new()),
        Some(past) => (
            Box::new(past.replay.host(past.number)?),
            over_time::findings(&past.replay, past.number)?,
        ),
    };
    let snapshot = collect(host.as_ref());
    let view = nospace_core::view(&snapshot);
    let more_pods = MorePods::of(&view);
    let report = nospace_core::conclude_with(view, findings);
    Ok((host, report, more_pods))
}
