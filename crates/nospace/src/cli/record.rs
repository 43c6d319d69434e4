//! `nospace record`: saves what `check` reads.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::Shared;
use crate::collect::collect;
use crate::host::Host;
use crate::host::archive::Writer;
use crate::host::recording::Recording;

/// Save what `check` reads of this node as one archive
///
/// The archive replays on any machine with `nospace check --from FILE`. It holds the files that
/// the collectors read and nothing secret: no environment, and of command lines only the
/// program's name and the ids that name a shim's container.
#[derive(Args, Debug)]
pub struct RecordArgs {
    /// Where to save it; it appears only when it is complete
    #[arg(short, long, value_name = "FILE.tar.zst")]
    output: PathBuf,
    /// Keep the arguments of the command lines that are read (those of shims and conmon)
    #[arg(long)]
    with_arguments: bool,
}

/// Records this node.
pub fn run(shared: &Shared, args: &RecordArgs) -> anyhow::Result<ExitCode> {
    let host = shared.live()?;
    let temporary = beside(&args.output)?;
    let saved = save(&host, &temporary, args.with_arguments)
        .and_then(|()| fs::rename(&temporary, &args.output).map_err(anyhow::Error::from));
    if let Err(error) = saved {
        // What is half-written is worth nothing.
        let _ = fs::remove_file(&temporary);
        return Err(error).with_context(|| format!("cannot save {}", args.output.display()));
    }
    let size = fs::metadata(&args.output)?.len();
    anstream::eprintln!(
        "saved {} ({} KiB)",
        args.output.display(),
        size.div_ceil(1024)
    );
    Ok(ExitCode::SUCCESS)
}

fn save(host: &dyn Host, path: &Path, with_arguments: bool) -> anyhow::Result<()> {
    let file = BufWriter::new(File::create_new(path)?);
    let recording = Recording::new(host, Writer::new(file, host.look())?, with_arguments);
    collect(&recording);
    let mut file = recording.into_writer().finish()?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(())
}

/// A name in the same directory, so that the rename is one step.
fn beside(path: &Path) -> anyhow::Result<PathBuf> {
    let name = path
        .file_name()
        .with_context(|| format!("{} names no file", path.display()))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(hidden))
}
