//! `nospace watches`: what is watched, and which directories cost most.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::{Output, OutputArg, Shared};
use crate::ui::watches::{By, Options, draw};
use crate::ui::{self, json, screen::Screen};
use crate::watches::look;

/// Name what is watched, and say which directories cost most
///
/// Names come from the kernel's directory entries, then from file handles, then from directories
/// that the same process watches; no file system is searched. Without eBPF the list is that of
/// /proc, and what overlayfs, proc and sysfs hold is told by device and inode only.
#[derive(Args, Debug)]
pub struct WatchesArgs {
    #[command(flatten)]
    output: OutputArg,
    /// Only these processes, pods (name, namespace/name, uid) or containers (name, beginning of
    /// the id)
    #[arg(value_name = "PID|POD|CONTAINER")]
    wanted: Vec<String>,
    /// Add watches up by this (default: by path)
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "all")]
    by: Option<Group>,
    /// Show at most N lines (default: 20); the dearest directories are opened first
    #[arg(long, value_name = "N", conflicts_with = "all")]
    top: Option<usize>,
    /// Show every watch on a line of its own; so few watches are shown without being asked
    #[arg(long)]
    all: bool,
    /// Look at a node that `nospace record` saved; it has the watches only where it was recorded
    /// without eBPF
    #[arg(long, value_name = "ARCHIVE")]
    from: Option<PathBuf>,
}

/// What watches are added up by.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Group {
    /// A tree of directories that folds shared prefixes.
    Path,
    /// File systems.
    Mount,
    /// Processes.
    Holder,
}

/// Names watches.
///
/// # Errors
///
/// When the node cannot be opened, nothing is what was asked for, or watches cannot be listed.
pub fn run(shared: &Shared, outer: OutputArg, args: &WatchesArgs) -> anyhow::Result<ExitCode> {
    let host = shared.host(args.from.as_ref())?;
    let report = look(host.as_ref(), &args.wanted)?;
    let held: u64 = report.holders.iter().map(|process| process.watches).sum();
    if args.from.is_some() && report.watches.is_empty() && held > 0 {
        bail!("the archive does not hold the watches: that node must be asked itself");
    }
    let mut text = Vec::new();
    match args.output.or(outer) {
        Output::Json => json::write(&report, &mut text)?,
        Output::Human => {
            let by = match args.by {
                _ if args.all => By::Watch,
                Some(Group::Mount) => By::Mount,
                Some(Group::Holder) => By::Holder,
                Some(Group::Path) => By::Path,
                None => By::default_of(&report, args.top),
            };
            let options = Options {
                screen: Screen::of_stdout(),
                by,
                top: args.top,
                verbose: shared.verbose,
            };
            draw(&report, &options).write(&mut text)?;
        }
    }
    ui::print(&text)?;
    // The program ends: to give a hundred thousand names back one by one would take longer than to show them.
    std::mem::forget(report);
    Ok(ExitCode::SUCCESS)
}
