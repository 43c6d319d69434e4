//! `nospace record`: saves what `check` reads, once or at intervals.

mod refusals;
mod target;
mod timeline;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use nospace_core::amount::bytes;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::args::{LOOK, Shared, unused};
use super::stop::stop_flag;
use crate::collect::{cmdlines, collect};
use crate::duration;
use crate::host::Host;
use crate::host::archive::Writer;
use crate::host::recording::Recording;
use crate::ui::warn;
use refusals::RefusalWatch;
use target::{ByteCounter, NewFile, Target};
use timeline::Schedule;

/// Save everything `check` reads into one archive
///
/// `nospace check --from FILE` replays the archive on any machine. It contains the files that the collectors read, and nothing
/// secret: no environment, and of command lines (unless with --cmdline) only the program's name, the names of flags, and what names a
/// shim's container.
///
/// With --every or --for the archive is a timeline: many samples, each stored as what changed. It stays readable up to its last
/// sample, whatever ends the recording; `--from FILE --at TIME` shows any of them.
#[derive(Args, Debug)]
#[command(override_usage = "nospace record [OPTIONS] <FILE.tar.zst>", after_help = AFTER_HELP, args = unused(&["color", "verbose"]))]
pub struct RecordArgs {
    /// The archive; the file appears when it is complete. - is standard output
    #[arg(value_name = "FILE.tar.zst", required_unless_present = "output")]
    file: Option<PathBuf>,
    /// What FILE was before it became an argument
    #[arg(
        short,
        long,
        value_name = "FILE.tar.zst",
        hide = true,
        conflicts_with = "file"
    )]
    output: Option<PathBuf>,
    /// Include the command lines of processes that hold inotify (4,096 bytes of each) as they are; they can contain secrets
    #[arg(long, alias = "with-arguments", help_heading = LOOK)]
    cmdline: bool,
    /// Record a timeline, with a sample at this interval [default: 5s with --for]
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = LOOK)]
    every: Option<Duration>,
    /// Record a timeline of this length [default: until Ctrl-C with --every]
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse, help_heading = LOOK)]
    length: Option<Duration>,
}

const AFTER_HELP: &str = "\
Examples:
  nospace record node.tar.zst                                 the node as it is now
  nospace record --every 5s --for 10m incident.tar.zst        a timeline
  nospace check --from incident.tar.zst --at -3m              three minutes before its end";

/// How often a timeline samples, where only its length is given.
const EVERY: Duration = Duration::from_secs(5);

/// Records this node.
pub fn run(shared: &Shared, args: &RecordArgs) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.output {
        warn(&format!(
            "-o FILE is deprecated, FILE is an argument now: nospace record {}",
            file.display()
        ));
    }
    let file = args.file.as_ref().or(args.output.as_ref());
    let file = file.context("name the file to save to")?;
    if args.every.is_some() || args.length.is_some() {
        let schedule = Schedule::new(args.every.unwrap_or(EVERY), args.length)?;
        let mut host = shared.live()?;
        let refusals = RefusalWatch::start(shared.live(), !shared.no_ebpf);
        return timeline::record(&mut host, &refusals, file, &schedule, args.cmdline);
    }
    let host = shared.live()?;
    let size = match Target::of(file)? {
        Target::Stream(mut stream) => {
            let counted = ByteCounter::new(&mut stream);
            save(&host, counted, args.cmdline)
        }
        Target::File => replace(&host, file, args.cmdline),
    };
    let size = size.with_context(|| format!("cannot save {}", file.display()))?;
    warn(&format!("saved {} ({})", file.display(), bytes(size)));
    Ok(ExitCode::SUCCESS)
}

/// Writes a new file, which takes the target's name when it is complete.
fn replace(host: &dyn Host, target: &Path, with_arguments: bool) -> anyhow::Result<u64> {
    let mut new = NewFile::create(target)?;
    let interrupted = match new.has_name {
        true => Some(stop_flag(&[SIGINT, SIGTERM, SIGHUP])?),
        false => None,
    };
    let size = save(host, ByteCounter::new(&new.file), with_arguments)?;
    if interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        bail!("interrupted; nothing was saved");
    }
    new.file.sync_all()?;
    new.publish()?;
    Ok(size)
}

/// Writes the archive; how many bytes that were.
fn save<W: Write + Send>(
    host: &dyn Host,
    out: ByteCounter<W>,
    with_arguments: bool,
) -> anyhow::Result<u64> {
    let out = BufWriter::new(out);
    let recording = Recording::new(host, Writer::new(out, host.look())?, with_arguments);
    let snapshot = collect(&recording);
    cmdlines::ask(&recording, &snapshot);
    let writer = recording.into_writer();
    for file in writer.incomplete() {
        warn(&format!(
            "{file} is too large: the archive keeps only its beginning"
        ));
    }
    let mut out = writer.finish()?;
    out.flush()?;
    Ok(out.get_ref().bytes)
}
