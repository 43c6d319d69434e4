//! `nospace watches`: what is watched, and which directories use the most watches.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::args::{CheckOutputArg, CmdlineArg, OUTPUT, OutputArg, Shared};
use super::from::FromArgs;
use crate::output::document;
use crate::ui::screen::Screen;
use crate::ui::watches::{By, Options, draw};
use crate::watches::report;

/// List what is watched, the directories that use the most watches, and fanotify's marks
///
/// Paths come from the kernel's directory entries, then from file handles, then from the directories that the same process
/// watches; no file system is searched. Without eBPF the list comes from /proc, and watches on overlayfs, proc and sysfs
/// have only a device and an inode. fanotify's groups and their marks, on inodes, mounts and whole file systems, come from
/// /proc in any case. A recording has a list of watches only if it was made with --no-ebpf.
#[derive(Args, Debug)]
pub struct WatchesArgs {
    /// Only these processes, pods (name, namespace/name, UID), containers (name, beginning of the ID) or programs (name)
    #[arg(value_name = "PID|POD|CONTAINER|PROGRAM")]
    wanted: Vec<String>,
    #[command(flatten)]
    from: FromArgs,
    /// Group watches [default: by path]
    #[arg(long, value_enum, value_name = "KEY", conflicts_with = "all", help_heading = OUTPUT)]
    by: Option<By>,
    /// Show at most N lines [default: 20]
    #[arg(long, value_name = "N", conflicts_with = "all", help_heading = OUTPUT)]
    top: Option<usize>,
    /// List every watch on a line of its own; the default for up to 20
    #[arg(long, help_heading = OUTPUT)]
    all: bool,
    #[command(flatten)]
    cmdline: CmdlineArg,
    #[command(flatten)]
    output: OutputArg,
}

/// Lists watches.
///
/// # Errors
///
/// The node cannot be opened, nothing matches, or watches cannot be listed.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &WatchesArgs) -> anyhow::Result<ExitCode> {
    let host = args.from.host(shared)?;
    let mut report = report(host.as_ref(), &args.wanted)?;
    let held: u64 = report.holders.iter().map(|process| process.watches).sum();
    if args.from.is_given() && report.watches.is_empty() && held > 0 {
        bail!("the recording contains no watches: run nospace watches on that node itself");
    }
    let recorded = args.from.is_given();
    args.cmdline
        .add(host.as_ref(), recorded, &mut report.holders);
    let by = match args.by {
        _ if args.all => By::Watch,
        Some(by) => by,
        None => By::default_of(&report, args.top),
    };
    let draw = |screen: &Screen| {
        let options = Options {
            screen: *screen,
            by,
            top: args.top,
            verbose: shared.verbose,
        };
        draw(&report, &options)
    };
    args.output.or(outer).print(&document(&report, draw))?;
    // The program ends: to give a hundred thousand names back one by one would take longer than to show them.
    std::mem::forget(report);
    Ok(ExitCode::SUCCESS)
}
