//! The command line: one definition for parsing, help, completions and man pages.

#[cfg(feature = "agent")]
mod agent;
mod check;
mod exhaust;
mod explain;
mod plan;
mod record;
mod trace;
mod tune;
mod until;
mod watches;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::host::Host;
use crate::host::live::{Live, Roots};
use crate::host::recorded::Recorded;

/// Wrong usage, or could not tell.
pub const UNKNOWN: u8 = 3;
/// The command could not do its work.
pub const FAILED: u8 = 1;

/// What "no space left on device" and "too many open files" really mean on this node.
///
/// Without a command, nospace checks the node.
#[derive(Debug, Parser)]
#[command(name = "nospace", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(flatten)]
    output: OutputArg,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "agent")]
    Agent(agent::AgentArgs),
    Check(check::CheckArgs),
    Exhaust(exhaust::ExhaustArgs),
    Explain(explain::ExplainArgs),
    Plan(Box<plan::PlanArgs>),
    Record(record::RecordArgs),
    Trace(trace::TraceArgs),
    Tune(Box<tune::TuneArgs>),
    Watches(watches::WatchesArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example: nospace completions bash > /etc/bash_completion.d/nospace")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Options of every command.
#[derive(Args, Debug)]
pub struct Shared {
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = clap::ColorChoice::Auto)]
    pub color: clap::ColorChoice,
    /// Show more: every resource, every collector with its time
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Count from /proc even where the kernel's own books can be read
    #[arg(long, global = true)]
    pub no_ebpf: bool,
    /// Where the host's procfs is mounted
    #[arg(long, global = true, value_name = "DIR", default_value = "/proc")]
    pub procfs: PathBuf,
    /// Where the host's sysfs is mounted
    #[arg(long, global = true, value_name = "DIR", default_value = "/sys")]
    pub sysfs: PathBuf,
    /// Where the host's root file system is mounted
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    pub rootfs: PathBuf,
}

/// `-o`, of the commands that print a result.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct OutputArg {
    /// How to print: for people, or one JSON document
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
}

impl OutputArg {
    /// What the command was told, or else nospace itself, or else for people.
    fn or(self, outer: Self) -> Output {
        Self {
            output: self.output.or(outer.output),
        }
        .or_human()
    }

    /// What was given, or else for people.
    fn or_human(self) -> Output {
        self.output.unwrap_or(Output::Human)
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A report for people.
    Human,
    /// One JSON document; messages go to standard error.
    Json,
}

impl Shared {
    fn roots(&self) -> Roots {
        Roots {
            proc: self.procfs.clone(),
            sys: self.sysfs.clone(),
            root: self.rootfs.clone(),
        }
    }

    fn live(&self) -> anyhow::Result<Live> {
        Live::open(&self.roots(), !self.no_ebpf)
    }

    /// The node to look at: this one, or a recorded one.
    fn host(&self, from: Option<&PathBuf>) -> anyhow::Result<Box<dyn Host>> {
        Ok(match from {
            Some(archive) => Box::new(Recorded::open(archive)?),
            None => Box::new(self.live()?),
        })
    }
}

impl Cli {
    /// Parses the command line.
    ///
    /// # Errors
    ///
    /// The exit code, after help, version or a message was printed.
    pub fn read() -> Result<Self, ExitCode> {
        let cli = Self::try_parse().map_err(|error| {
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

    /// Exit code of an error: what only looks could not tell, what does something failed.
    #[must_use]
    pub fn failure(&self) -> u8 {
        match self.command {
            None | Some(Command::Check(_) | Command::Explain(_) | Command::Watches(_)) => UNKNOWN,
            #[cfg(feature = "agent")]
            Some(Command::Agent(_)) => FAILED,
            Some(
                Command::Exhaust(_)
                | Command::Plan(_)
                | Command::Record(_)
                | Command::Trace(_)
                | Command::Tune(_)
                | Command::Completions { .. },
            ) => FAILED,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Whatever kept it from its work.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            None => check::run(&self.shared, self.output, &check::CheckArgs::default()),
            #[cfg(feature = "agent")]
            Some(Command::Agent(args)) => agent::run(&self.shared, args),
            Some(Command::Check(args)) => check::run(&self.shared, self.output, &args),
            Some(Command::Exhaust(args)) => exhaust::run(&self.shared, self.output, args),
            Some(Command::Explain(args)) => explain::run(&self.shared, self.output, &args),
            Some(Command::Plan(args)) => plan::run(&self.shared, self.output, &args),
            Some(Command::Record(args)) => record::run(&self.shared, &args),
            Some(Command::Trace(args)) => trace::run(&self.shared, self.output, &args),
            Some(Command::Tune(args)) => tune::run(&self.shared, self.output, &args),
            Some(Command::Watches(args)) => watches::run(&self.shared, self.output, &args),
            Some(Command::Completions { shell }) => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "nospace", &mut script);
                crate::ui::print(&script)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
