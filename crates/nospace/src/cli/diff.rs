//! `nospace diff`: what changed on a node.

use std::iter;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;
use nospace_core::diff::difference;
use nospace_core::report::{Refusals, Report};

use super::args::{CheckOutputArg, LOOK, OUTPUT, OutputArg, Shared};
use super::from::{Source, SourceAccess};
use crate::collect::collect;
use crate::host::Host;
use crate::host::when::When;
use crate::output::document;
use crate::over_time;
use crate::ui::diff::{Options, draw};
use crate::ui::screen::Screen;

/// Show what changed on a node: usage, limits, holders, findings
///
/// Compares the last samples of two recordings, the first and last sample of one timeline (or those of --at), or a recording that
/// is no timeline with this node now.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct DiffArgs {
    /// A node saved with `nospace record`, or what a running agent has recorded: http://HOST[:9409]
    #[arg(value_name = "A", value_parser = Source::parser(), group = "a_node")]
    a: Source,
    /// What to compare it with
    #[arg(value_name = "B", value_parser = Source::parser(), conflicts_with = "at")]
    b: Option<Source>,
    /// Compare this time of the timeline A (14:05 UTC, RFC 3339, or -3m: before the last sample); twice: from and to
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = LOOK)]
    at: Vec<When>,
    #[command(flatten)]
    access: SourceAccess,
    /// Show at most N rows of each kind [default: 15]
    #[arg(long, value_name = "N", default_value_t = 15, hide_default_value = true, help_heading = OUTPUT)]
    top: usize,
    #[command(flatten)]
    output: OutputArg,
}

const AFTER_HELP: &str = "\
Examples:
  nospace diff before.tar.zst after.tar.zst
  nospace diff incident.tar.zst                      the first and the last sample of a timeline
  nospace diff incident.tar.zst --at -10m            ten minutes before its end, and its end
  nospace diff incident.tar.zst --at 14:00 --at 14:05
  nospace diff http://node-7:9409 --at -30m          what an agent has recorded
  nospace diff healthy.tar.zst                       a recording that is no timeline, and this node now";

/// Compares.
///
/// # Errors
///
/// An archive cannot be read, or has nothing of such a time.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &DiffArgs) -> anyhow::Result<ExitCode> {
    ensure!(
        args.at.len() <= 2,
        "--at: {} times were given, and two can be compared",
        args.at.len()
    );
    let sources: Vec<&Source> = iter::once(&args.a).chain(&args.b).collect();
    args.access.fits(&sources)?;
    let a = args.access.open(&args.a)?;
    let mut refused = None;
    let (before, after) = match (&args.b, a.interval()) {
        (Some(b), _) => {
            let b = args.access.open(b)?;
            (report(&a.host(a.last())?), report(&b.host(b.last())?))
        }
        (None, Some(_)) => {
            let number = |at: usize, default| match args.at.get(at) {
                Some(when) => a.find(when),
                None => Ok(default),
            };
            let (from, to) = (number(0, 0)?, number(1, a.last())?);
            refused = Some(over_time::refusals(&a, Some(from), to)?);
            (report(&a.host(from)?), report(&a.host(to)?))
        }
        (None, None) => {
            // Says that there is only one.
            args.at.iter().try_for_each(|when| a.find(when).map(drop))?;
            (report(&a.host(a.last())?), report(&shared.live()?))
        }
    };
    let mut difference = difference(&before, &after);
    match refused {
        Some(Ok(all)) => {
            let mut sum = Refusals::default();
            all.into_iter().for_each(|(_, one)| sum.extend(one));
            difference.refusals = Some(sum);
        }
        Some(Err(why)) => difference.notes.push(why),
        None => {}
    }
    let draw = |screen: &Screen| {
        let options = Options {
            screen: *screen,
            top: if shared.verbose { usize::MAX } else { args.top },
        };
        draw(&difference, &options)
    };
    args.output.or(outer).print(&document(&difference, draw))?;
    Ok(ExitCode::SUCCESS)
}

fn report(host: &dyn Host) -> Report {
    nospace_core::conclude(&collect(host))
}
