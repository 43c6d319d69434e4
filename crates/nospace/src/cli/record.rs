//! `nospace record`: saves what `check` reads.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use nospace_core::amount::bytes;

use super::args::{LOOK, Shared, unused};
use crate::collect::collect;
use crate::host::Host;
use crate::host::archive::Writer;
use crate::host::recording::Recording;
use crate::ui::warn;

/// Save everything `check` reads into one archive
///
/// `nospace check --from FILE` replays the archive on any machine. It contains the files that the collectors read, and nothing
/// secret: no environment, and of command lines only the program's name and the IDs that name a shim's container.
#[derive(Args, Debug)]
#[command(override_usage = "nospace record [OPTIONS] <FILE.tar.zst>", after_help = "Example: nospace record node.tar.zst", args = unused(&["color", "verbose"]))]
pub struct RecordArgs {
    /// The archive; the file appears when it is complete
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
    /// Include the arguments of command lines (those of shims and conmon)
    #[arg(long, help_heading = LOOK)]
    with_arguments: bool,
}

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
    let host = shared.live()?;
    let temporary = beside(file)?;
    let saved = save(&host, &temporary, args.with_arguments)
        .and_then(|()| fs::rename(&temporary, file).map_err(anyhow::Error::from));
    if let Err(error) = saved {
        // What is half-written is worth nothing.
        let _ = fs::remove_file(&temporary);
        return Err(error).with_context(|| format!("cannot save {}", file.display()));
    }
    let size = bytes(fs::metadata(file)?.len());
    warn(&format!("saved {} ({size})", file.display()));
    Ok(ExitCode::SUCCESS)
}

fn save(host: &dyn Host, path: &Path, with_arguments: bool) -> anyhow::Result<()> {
    let file = BufWriter::new(File::create_new(path)?);
    let recording = Recording::new(host, Writer::new(file, host.look())?, with_arguments);
    collect(&recording);
    let writer = recording.into_writer();
    for file in writer.incomplete() {
        warn(&format!(
            "{file} is too large: the archive keeps only its beginning"
        ));
    }
    let mut file = writer.finish()?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(())
}

/// A name in the same directory, so that the rename is one step.
fn beside(path: &Path) -> anyhow::Result<PathBuf> {
    let name = path
        .file_name()
        .with_context(|| format!("{} is not a file name", path.display()))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(hidden))
}
