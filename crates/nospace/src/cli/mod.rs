//! The command line: one definition for parsing, help, completions and man pages.

#[cfg(feature = "agent")]
mod agent;
#[cfg(feature = "agent")]
mod agent_access;
mod args;
mod check;
#[cfg(feature = "agent")]
mod cluster;
mod completions;
mod diff;
mod exhaust;
mod explain;
mod from;
mod guard;
mod plan;
mod record;
mod report;
mod stop;
mod top;
mod trace;
mod tune;
mod watches;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, Args as _, CommandFactory, FromArgMatches as _, Parser, Subcommand};

use args::{CheckOutputArg, FAILED, OUTPUT, Shared, UNKNOWN};

/// What "no space left on device" and "too many open files" really mean on this node.
///
/// Without a command, nospace checks the node.
#[derive(Debug, Parser)]
#[command(
    name = "nospace",
    version,
    max_term_width = 100,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct Cli {
    #[command(flatten)]
    output: CheckOutputArg,
    #[command(flatten)]
    shared: Shared,
    /// Print version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = OUTPUT, display_order = 104)]
    version: Option<bool>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// In the order in which a person needs them.
#[derive(Debug, Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
    Watches(watches::WatchesArgs),
    Trace(trace::TraceArgs),
    Top(top::TopArgs),
    Plan(Box<plan::PlanArgs>),
    Tune(Box<tune::TuneArgs>),
    Guard(guard::GuardArgs),
    Record(record::RecordArgs),
    Diff(diff::DiffArgs),
    Report(report::ReportArgs),
    #[cfg(feature = "agent")]
    Cluster(Box<cluster::ClusterArgs>),
    #[cfg(feature = "agent")]
    Agent(agent::AgentArgs),
    Completions(completions::CompletionsArgs),
    Exhaust(exhaust::ExhaustArgs),
}

/// The command line; `kubectl nospace` is `nospace cluster`, by the name that kubectl finds a plugin by.
fn words(typed: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = typed.collect();
    let name = words.first().map(Path::new).and_then(Path::file_name);
    let is_plugin = name.is_some_and(|name| name == "kubectl-nospace");
    let asks_version = words
        .get(1)
        .is_some_and(|word| word == "--version" || word == "-V");
    if cfg!(feature = "agent") && is_plugin && !asks_version {
        words.insert(1, "cluster".into());
    }
    words
}

/// Parses the command line of `check`, or of no command, without defining the other commands, which takes longer than parsing. `None` if it is another
/// command's or wrong: the full parser handles it, and reports the error.
fn parse_check(words: &[OsString]) -> Option<Cli> {
    let may_be_check =
        |word: &OsString| word == "check" || word.as_encoded_bytes().starts_with(b"-");
    if !words.get(1).is_none_or(may_be_check) {
        return None;
    }
    let root = clap::Command::new("nospace").disable_help_flag(true);
    let check = clap::Command::new("check").disable_help_flag(true);
    let root = Shared::augment_args(CheckOutputArg::augment_args(root))
        .subcommand(check::CheckArgs::augment_args(check));
    let mut matches = root.try_get_matches_from(words).ok()?;
    let command = match matches.remove_subcommand() {
        None => None,
        Some((_, mut of_check)) => Some(Command::Check(
            check::CheckArgs::from_arg_matches_mut(&mut of_check).ok()?,
        )),
    };
    Some(Cli {
        output: CheckOutputArg::from_arg_matches_mut(&mut matches).ok()?,
        shared: Shared::from_arg_matches_mut(&mut matches).ok()?,
        version: None,
        command,
    })
}

impl Cli {
    /// Parses the command line.
    ///
    /// # Errors
    ///
    /// The exit code, after help, version or a message was printed.
    pub fn read() -> Result<Self, ExitCode> {
        let words = words(std::env::args_os());
        let parsed = parse_check(&words).map_or_else(|| Self::try_parse_from(words), Ok);
        let cli = parsed.and_then(Self::consistent);
        let cli = cli.map_err(|error| {
            let code = if error.use_stderr() { UNKNOWN } else { 0 };
            // Nothing is left to do when even this cannot be printed.
            let _ = error.print();
            ExitCode::from(code)
        })?;
        match cli.shared.color {
            clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
            clap::ColorChoice::Always => anstream::ColorChoice::Always,
            clap::ColorChoice::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        Ok(cli)
    }

    /// `nospace -o FORMAT COMMAND`: the command must know the format.
    fn consistent(self) -> Result<Self, clap::Error> {
        let checks = matches!(self.command, None | Some(Command::Check(_)));
        match self.output.output {
            Some(format) if !checks && !format.prints_any() => Err(Self::command().error(
                ErrorKind::InvalidValue,
                format!("only check prints -o {}", format.name),
            )),
            _ => Ok(self),
        }
    }

    /// Exit code of an error: what only looks could not tell, what does something failed.
    #[must_use]
    pub fn failure(&self) -> u8 {
        match self.command {
            None
            | Some(
                Command::Check(_) | Command::Explain(_) | Command::Watches(_) | Command::Guard(_),
            ) => UNKNOWN,
            #[cfg(feature = "agent")]
            Some(Command::Cluster(_)) => UNKNOWN,
            Some(_) => FAILED,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Whatever kept it from its work.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (shared, output) = (&self.shared, self.output);
        match self.command {
            None => check::run(shared, output, &check::CheckArgs::default()),
            Some(Command::Check(args)) => check::run(shared, output, &args),
            Some(Command::Explain(args)) => explain::run(shared, output, &args),
            Some(Command::Watches(args)) => watches::run(shared, output, &args),
            Some(Command::Trace(args)) => trace::run(shared, output, &args),
            Some(Command::Top(args)) => top::run(shared, args),
            Some(Command::Plan(args)) => plan::run(shared, output, &args),
            Some(Command::Tune(args)) => tune::run(shared, output, &args),
            Some(Command::Guard(args)) => guard::run(shared, output, &args),
            Some(Command::Record(args)) => record::run(shared, &args),
            Some(Command::Diff(args)) => diff::run(shared, output, &args),
            Some(Command::Report(args)) => report::run(shared, output, &args),
            #[cfg(feature = "agent")]
            Some(Command::Cluster(args)) => cluster::run(shared, output, &args),
            #[cfg(feature = "agent")]
            Some(Command::Agent(args)) => agent::run(shared, args),
            Some(Command::Completions(args)) => completions::run(&args, Self::command()),
            Some(Command::Exhaust(args)) => exhaust::run(shared, output, args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        let words = line.split_whitespace().map(OsString::from);
        std::iter::once("nospace".into()).chain(words).collect()
    }

    #[test]
    fn check_is_parsed_as_the_full_parser_does() {
        for line in [
            "",
            "check",
            "-o json",
            "-o line --color never",
            "--verbose check --top 3 --sort watches",
            "check --verbose --no-ebpf --procfs /host/proc -o markdown",
            "check --pod default/web-0 --pod db --only inotify-watches --exit-codes npd",
            "check --from node.tar.gz --cmdline",
        ] {
            let all = Cli::try_parse_from(words(line)).expect(line);
            let quick = parse_check(&words(line)).expect(line);
            assert_eq!(format!("{quick:?}"), format!("{all:?}"), "{line}");
        }
    }

    #[test]
    fn all_else_is_left_to_the_full_parser() {
        for line in [
            "explain kubelet.log",
            "watches",
            "-o json watches",
            "--color never explain -",
            "check --nonsense",
            "check --help",
            "--help",
            "--version",
            "chek",
            "help check",
        ] {
            assert!(parse_check(&words(line)).is_none(), "{line}");
        }
    }
}
