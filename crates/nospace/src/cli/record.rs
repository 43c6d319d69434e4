//! `nospace record`: saves what `check` reads.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use clap::Args;
use nospace_core::amount::bytes;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::args::{LOOK, Shared, unused};
use super::stop::stop_flag;
use crate::collect::collect;
use crate::host::Host;
use crate::host::archive::Writer;
use crate::host::recording::Recording;
use crate::ui::warn;

/// Only its owner may read an archive: it says what runs on a node.
const MODE: Mode = Mode::from_raw_mode(0o600);

/// Save everything `check` reads into one archive
///
/// `nospace check --from FILE` replays the archive on any machine. It contains the files that the collectors read, and nothing
/// secret: no environment, and of command lines only the program's name and the IDs that name a shim's container.
#[derive(Args, Debug)]
#[command(override_usage = "nospace record [OPTIONS] <FILE.tar.zst>", after_help = "Example: nospace record node.tar.zst", args = unused(&["color", "verbose"]))]
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
    let size = match Target::of(file)? {
        Target::Stream(mut stream) => {
            let counted = ByteCounter::new(&mut stream);
            save(&host, counted, args.with_arguments)
        }
        Target::File => replace(&host, file, args.with_arguments),
    };
    let size = size.with_context(|| format!("cannot save {}", file.display()))?;
    warn(&format!("saved {} ({})", file.display(), bytes(size)));
    Ok(ExitCode::SUCCESS)
}

/// Directories of links to descriptors of this process.
const OWN: [&str; 2] = ["/dev/fd", "/proc/self/fd"];

/// Where an archive goes.
enum Target {
    /// A file that appears, or is replaced, when the archive is complete.
    File,
    /// Something that is written to as it is: standard output, a FIFO, a device.
    Stream(File),
}

impl Target {
    fn of(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            let stdout = io::stdout().as_fd().try_clone_to_owned()?;
            return Ok(Self::Stream(stdout.into()));
        }
        match fs::symlink_metadata(path) {
            // A descriptor of this process, as a shell's >(command) gives it.
            Ok(there) if there.is_symlink() && !OWN.iter().any(|fds| path.starts_with(fds)) => {
                bail!(
                    "{} is a link: name the file that it leads to",
                    path.display()
                )
            }
            Ok(there) if there.is_file() || there.is_dir() => Ok(Self::File),
            Ok(there) if there.file_type().is_block_device() => {
                bail!(
                    "{} is a disk: an archive would overwrite what is on it",
                    path.display()
                )
            }
            Ok(there) => {
                if there.file_type().is_fifo() {
                    warn(&format!("waiting for a reader of {}", path.display()));
                }
                // It may have become a link meanwhile.
                let follow = if there.is_symlink() {
                    OFlags::empty()
                } else {
                    OFlags::NOFOLLOW
                };
                let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOCTTY | follow;
                let stream = rustix::fs::open(path, flags, Mode::empty());
                let stream = stream.with_context(|| format!("cannot open {}", path.display()))?;
                Ok(Self::Stream(stream.into()))
            }
            Err(_) => Ok(Self::File),
        }
    }
}

/// Writes a file without a name beside `target`, which takes that name when it is complete: whatever ends nospace, nothing
/// half-written stays, where the file system has such files (all local ones of a node do).
fn replace(host: &dyn Host, target: &Path, with_arguments: bool) -> anyhow::Result<u64> {
    let named = beside(target)?;
    let directory = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let unnamed = rustix::fs::open(directory, flags, MODE).map(File::from);
    // Some file systems cannot have files without a name: there a signal must not end nospace before the name is gone.
    let mut interrupted = None;
    let has_name = unnamed.is_err();
    let file = match unnamed {
        Ok(file) => file,
        Err(_) => {
            interrupted = Some(stop_flag(&[SIGINT, SIGTERM, SIGHUP])?);
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            File::from(rustix::fs::open(&named, flags, MODE)?)
        }
    };
    let saved = save(host, ByteCounter::new(&file), with_arguments).and_then(|size| {
        if interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            bail!("interrupted; nothing was saved");
        }
        file.sync_all()?;
        if !has_name {
            let own = format!("/proc/self/fd/{}", file.as_raw_fd());
            rustix::fs::linkat(CWD, own, CWD, &named, AtFlags::SYMLINK_FOLLOW)?;
        }
        fs::rename(&named, target)?;
        Ok(size)
    });
    if saved.is_err() {
        // What is half-written is worth nothing.
        let _ = fs::remove_file(&named);
    }
    saved
}

/// Writes the archive; how many bytes that were.
fn save<W: Write + Send>(
    host: &dyn Host,
    out: ByteCounter<W>,
    with_arguments: bool,
) -> anyhow::Result<u64> {
    let out = BufWriter::new(out);
    let recording = Recording::new(host, Writer::new(out, host.look())?, with_arguments);
    collect(&recording);
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

/// Counts what is written.
struct ByteCounter<W> {
    out: W,
    bytes: u64,
}

impl<W> ByteCounter<W> {
    fn new(out: W) -> Self {
        Self { out, bytes: 0 }
    }
}

impl<W: Write> Write for ByteCounter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
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
