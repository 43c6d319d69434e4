//! `nospace check`: one look at the node.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use nospace_core::matter::{self, Matter};
use nospace_core::metrics::{self, Dialect, Exposition};
use nospace_core::report::Status;
use nospace_core::select::{Order, Selection};

use super::{Output, OutputArg, Shared};
use crate::collect::collect;
use crate::ui::{self, human, json, screen::Screen};

/// Look at the node once: limits, usage, holders, findings, and whether the kubelet would start
///
/// Findings always speak of the whole node; --pid, --pod and --container choose the holders that
/// are shown.
#[derive(Args, Debug, Default)]
#[command(after_long_help = EXIT_CODES)]
pub struct CheckArgs {
    /// How to print: for people, in one line, one JSON document, or metrics for node_exporter's textfile collector
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<CheckOutput>,
    /// Look at a node that `nospace record` saved instead of this one
    #[arg(long, value_name = "ARCHIVE")]
    from: Option<PathBuf>,
    /// Show at most N holders of each kind (default: 10, on a healthy node 3; as metrics, 50 pods)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Sort holders by this (default: whichever budget is fuller)
    #[arg(long, value_enum, value_name = "WHAT")]
    sort: Option<Sort>,
    /// Show only these processes
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,
    /// Show only these pods: name, namespace/name or uid
    #[arg(long, value_name = "POD")]
    pod: Vec<String>,
    /// Show only these containers: name, or the beginning of the id
    #[arg(long, value_name = "CONTAINER")]
    container: Vec<String>,
    /// Judge the node by this alone: a cause code, or kubelet-start; can be given more than once
    #[arg(long, value_name = "CODE")]
    only: Vec<Matter>,
    /// What the exit code says, and to whom
    #[arg(long, value_enum, value_name = "WHOSE", default_value_t)]
    exit_codes: ExitCodes,
}

const EXIT_CODES: &str = "\
Exit codes, as a monitoring plugin has them: 0 ok, 1 warning, 2 critical, 3 could not tell or wrong usage.
With --exit-codes npd, as node-problem-detector has them: 0 nothing critical, 1 critical, 2 could not tell, 3 wrong usage.

Examples:
  nospace check --pod web-0 --sort watches     only this pod among the holders
  nospace check -o json | jq .findings         for scripts
  nospace check -o line --only inotify-watches one line, for a monitoring system
  nospace check -o prometheus                  metrics, for node_exporter's textfile collector";

/// Whose exit codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExitCodes {
    /// Those of a monitoring plugin: Nagios, Icinga, Sensu.
    #[default]
    Plugin,
    /// Those of a custom plugin of node-problem-detector.
    Npd,
}

impl ExitCodes {
    fn of(self, status: Status) -> u8 {
        match (self, status) {
            (Self::Plugin, _) => status.exit_code(),
            (Self::Npd, Status::Ok | Status::Warning) => 0,
            (Self::Npd, Status::Critical) => 1,
            (Self::Npd, Status::Unknown) => 2,
        }
    }
}

/// How a check is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// A report for people.
    Human,
    /// One line, the most important first.
    Line,
    /// One JSON document; messages go to standard error.
    Json,
    /// Prometheus' text format.
    Prometheus,
}

impl From<Output> for CheckOutput {
    fn from(output: Output) -> Self {
        match output {
            Output::Human => Self::Human,
            Output::Json => Self::Json,
        }
    }
}

/// What holders are sorted by.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// Most watches first.
    Watches,
    /// Most instances first.
    Instances,
}

impl From<Sort> for Order {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Watches => Self::Watches,
            Sort::Instances => Self::Instances,
        }
    }
}

/// Checks the node.
///
/// # Errors
///
/// When the node or the archive cannot be opened, or nothing is what the filters ask for.
pub fn run(shared: &Shared, outer: OutputArg, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let host = shared.host(args.from.as_ref())?;
    let mut report = nospace_core::conclude(&collect(host.as_ref()));
    let selection = Selection {
        pids: args.pid.clone(),
        pods: args.pod.clone(),
        containers: args.container.clone(),
    };
    selection.apply(&mut report)?;
    if !args.only.is_empty() {
        matter::judge_by(&args.only, &mut report);
    }
    let order = args
        .sort
        .map_or_else(|| Order::of_pressure(&report), Order::from);
    order.sort(&mut report);
    let mut text = Vec::new();
    let output = args.output.unwrap_or_else(|| outer.or_human().into());
    match output {
        CheckOutput::Human => {
            let screen = Screen::of_stdout();
            let options = human::Options {
                screen,
                top: args.top,
                order,
                verbose: shared.verbose,
            };
            human::draw(&report, &options).write(&mut text)?;
        }
        CheckOutput::Line => text = (human::brief(&report, &args.only) + "\n").into_bytes(),
        CheckOutput::Json => json::write(&report, &mut text)?,
        CheckOutput::Prometheus => {
            let mut out = Exposition::new(Dialect::Prometheus);
            metrics::report(&report, &[], args.top.unwrap_or(metrics::TOP), &mut out);
            text = out.finish().into_bytes();
        }
    }
    ui::print(&text)?;
    Ok(ExitCode::from(args.exit_codes.of(report.status())))
}
