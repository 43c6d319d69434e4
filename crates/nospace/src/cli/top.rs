//! `nospace top`: the node, live, or as it was recorded.

use std::env;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use clap::builder::{PossibleValue, TypedValueParser};

use super::args::{LOOK, OUTPUT, Shared, one_of, unused};
use super::from::FromArgs;
use crate::duration;
use crate::top::holders::{Choice, Grouping, SortKey};
use crate::top::{self, Look, Options, Pace, What};
use crate::ui::screen::Screen;

/// Show the node live: budgets, who holds them, rates, and refused calls
///
/// Holders by process, pod, workload, program or user, with the change per minute and the last refused call; the watches of each as
/// a tree; every limit; the forecast. Press ? for the keys. With --from, the keys [ and ] step through a recording, and space plays it.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP, args = unused(&["verbose"]))]
pub struct TopArgs {
    /// Time between checks: 1, 5s, 1m [default: 1s, longer if a check takes more than 40 ms of a core]
    #[arg(long, value_name = "TIME", value_parser = duration::parse, conflicts_with = "from", help_heading = LOOK)]
    interval: Option<Duration>,
    #[command(flatten)]
    from: FromArgs,
    /// Sort holders by this
    #[arg(long, value_name = "KEY", value_parser = sort_keys(), default_value = "watches", help_heading = OUTPUT)]
    sort: SortKey,
    /// Group holders by this
    #[arg(long, value_name = "GROUP", value_parser = groupings(), default_value = "process", help_heading = OUTPUT)]
    by: Grouping,
    /// Show only holders whose names contain these words
    #[arg(long, visible_aliases = ["program", "pod"], value_name = "WORDS", default_value = "", hide_default_value = true, help_heading = OUTPUT)]
    filter: String,
    /// Show the command lines of processes instead of their names; they can contain secrets
    ///
    /// A recording has only the names of their flags, unless it was made with --cmdline; that of an agent has none.
    #[arg(long, help_heading = OUTPUT)]
    cmdline: bool,
}

const AFTER_HELP: &str = "\
Keys: ? help, 1-4 views, s sort, g group, / filter, Enter watches, p pause, q quit.

Exit codes: 0 done, 1 no terminal, no procfs or no readable recording, 3 wrong usage.";

fn sort_keys() -> impl TypedValueParser<Value = SortKey> {
    let help = |key| match key {
        SortKey::Watches => "Most watches first",
        SortKey::Instances => "Most instances first",
        SortKey::Rate => "Fastest growth first",
        SortKey::Refusal => "Latest refused call first",
        SortKey::Name => "By name",
    };
    one_of(SortKey::ALL.map(|key| (PossibleValue::new(key.word()).help(help(key)), key)))
}

fn groupings() -> impl TypedValueParser<Value = Grouping> {
    let help = |group| match group {
        Grouping::Process => "A row per process",
        Grouping::Owner => "A row per pod, container or unit",
        Grouping::Workload => "A row per Deployment, DaemonSet, StatefulSet or Job",
        Grouping::Program => "A row per program name",
        Grouping::User => "A row per user that is charged",
    };
    one_of(Grouping::ALL.map(|group| (PossibleValue::new(group.word()).help(help(group)), group)))
}

/// Shows the node.
///
/// # Errors
///
/// Without a terminal or a procfs, or where a recording cannot be read.
pub fn run(shared: &Shared, args: TopArgs) -> anyhow::Result<ExitCode> {
    if !io::stdout().is_terminal() {
        bail!(
            "top needs a terminal, but standard output is not one: nospace check prints the same once"
        );
    }
    let terminal = env::var("TERM").unwrap_or_default();
    if terminal.is_empty() || terminal == "dumb" {
        bail!(
            "top needs a terminal that can move its cursor, but TERM is {terminal:?}: set TERM (linux, xterm), or use nospace check"
        );
    }
    let what = match args.from.open()? {
        Some(past) => What::Recording(past.replay, past.number),
        None => {
            shared.live()?;
            What::Node {
                roots: shared.roots(),
                ebpf: !shared.no_ebpf,
                pace: args.interval.map_or(Pace::Gentle, Pace::Fixed),
            }
        }
    };
    let color = use_color(shared.color);
    crossterm::style::force_color_output(color);
    top::run(Options {
        what,
        choice: Choice {
            grouping: args.by,
            sort: args.sort,
            reversed: false,
            filter: args.filter,
            cmdlines: args.cmdline,
        },
        look: Look {
            color,
            charset: Screen::of_stdout().charset,
            console: terminal == "linux",
        },
    })?;
    Ok(ExitCode::SUCCESS)
}

/// As everywhere: --color, else NO_COLOR, which must not be empty.
fn use_color(choice: clap::ColorChoice) -> bool {
    match choice {
        clap::ColorChoice::Always => true,
        clap::ColorChoice::Never => false,
        clap::ColorChoice::Auto => env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}
