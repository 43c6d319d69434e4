//! The journal, by `journalctl`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};

use crate::ui::warn;

/// How a journal file begins: HEADER_SIGNATURE of systemd's journal-def.h.
const MAGIC: &[u8] = b"LPKSHHRH";
/// What journalctl prints in place of entries when there are none.
const NO_ENTRIES: &[u8] = b"-- No entries --";
/// Bytes of journalctl's standard error that are kept.
const STDERR_BYTES: u64 = 16 << 10;

/// What is asked of the journal.
#[derive(Clone, Debug, Default)]
pub struct JournalQuery {
    /// Which journal.
    pub source: JournalSource,
    /// Units; none is all.
    pub units: Vec<String>,
    /// Beginning, as journalctl(1) takes it, or an age: `1h`.
    pub since: Option<String>,
    /// End, likewise.
    pub until: Option<String>,
    /// Boot: `0`, `-1`, an id.
    pub boot: Option<String>,
    /// Only what came after this cursor.
    pub after: Option<String>,
    /// Print the cursor of the last entry as the last line.
    pub show_cursor: bool,
}

/// Where a journal is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum JournalSource {
    /// This machine's own.
    #[default]
    Own,
    /// That of the machine whose root file system is here.
    Root(PathBuf),
    /// The journal files of a directory.
    Directory(PathBuf),
    /// One journal file.
    File(PathBuf),
}

impl JournalSource {
    /// As it is called in every output.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Own | Self::Root(_) => "journal".to_owned(),
            Self::Directory(path) | Self::File(path) => path.display().to_string(),
        }
    }
}

/// Whether the file at `path` is one of journald's.
#[must_use]
pub fn is_journal(path: &Path) -> bool {
    let mut head = [0; MAGIC.len()];
    // A pipe must not lose its first bytes.
    path.metadata().is_ok_and(|m| m.is_file())
        && File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok())
        && head == MAGIC
}

impl JournalQuery {
    /// Everything in the journal at `source`.
    #[must_use]
    pub fn all_of(source: JournalSource) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("journalctl");
        command.args(["--no-pager", "--all", "--output=short-iso-precise"]);
        match &self.source {
            JournalSource::Own => &mut command,
            JournalSource::Root(root) => command.arg("--root").arg(root),
            JournalSource::Directory(directory) => command.arg("--directory").arg(directory),
            JournalSource::File(file) => command.arg("--file").arg(file),
        };
        for unit in &self.units {
            command.arg(format!("--unit={unit}"));
        }
        if let Some(since) = &self.since {
            command.arg(format!("--since={}", moment(since)));
        }
        if let Some(until) = &self.until {
            command.arg(format!("--until={}", moment(until)));
        }
        if let Some(boot) = &self.boot {
            command.arg(format!("--boot={boot}"));
        }
        if let Some(after) = &self.after {
            // Its warnings were shown when the journal was first read.
            command.arg("--quiet");
            command.arg(format!("--after-cursor={after}"));
        }
        if self.show_cursor {
            command.arg("--show-cursor");
        }
        command
    }

    /// Whether this journal has any entry of `unit`, whatever its time: where it has none, that nothing matches is no
    /// good news.
    fn has_entries_of(&self, unit: &str) -> io::Result<()> {
        let any = Self {
            source: self.source.clone(),
            units: vec![unit.to_owned()],
            ..Self::default()
        };
        let newest = any.command().args(["--quiet", "--lines=1"]).output()?;
        if newest.stdout.is_empty() || newest.stdout.starts_with(NO_ENTRIES) {
            return Err(io::Error::other(format!(
                "there is no entry of the unit {unit:?} at all: check its name (`journalctl -F _SYSTEMD_UNIT` lists those \
                 that there are)"
            )));
        }
        Ok(())
    }

    /// The entries, as text.
    ///
    /// # Errors
    ///
    /// `journalctl` cannot be started.
    pub fn open(&self) -> io::Result<Journal> {
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| no_journalctl(&e))?;
        let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let stderr = child
            .stderr
            .take()
            .map(|err| thread::spawn(|| read_stderr(err)));
        Ok(Journal {
            name: self.source.name(),
            query: self.clone(),
            child,
            out: Some(out),
            stderr,
            begun: false,
        })
    }
}

fn no_journalctl(error: &io::Error) -> io::Error {
    let hint = "pass log files instead, or run `journalctl | nospace explain -` \
                where systemd is installed";
    io::Error::new(
        error.kind(),
        format!("cannot start journalctl ({error}): {hint}"),
    )
}

/// The beginning of journalctl's standard error; all of it is read, so that journalctl never blocks.
fn read_stderr(mut err: ChildStderr) -> String {
    let mut said = Vec::new();
    let kept = err.by_ref().take(STDERR_BYTES).read_to_end(&mut said);
    if kept.is_ok() {
        // Nothing to be done about a pipe that breaks.
        let _ = io::copy(&mut err, &mut io::sink());
    }
    String::from_utf8_lossy(&said).trim().to_owned()
}

/// A running `journalctl`; its exit status is checked when its output ends.
#[derive(Debug)]
pub struct Journal {
    name: String,
    query: JournalQuery,
    child: Child,
    out: Option<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
    begun: bool,
}

impl Journal {
    /// Checks how it ended. Its warnings go to standard error, as they may mean that entries are missing; no journal at
    /// all is an error, because then nothing was read.
    fn ended(&mut self) -> io::Result<()> {
        self.out = None;
        let status = self.child.wait()?;
        let said = self.stderr.take().map(JoinHandle::join);
        let said = said.and_then(Result::ok).unwrap_or_default();
        if !status.success() {
            let message = format!("journalctl failed ({status}): {said}");
            return Err(io::Error::other(message.trim_end_matches(": ")));
        }
        if !self.begun && said.contains("No journal files were") {
            return Err(io::Error::other(said));
        }
        for line in said.lines() {
            warn(&format!("{}: {}", self.name, line.trim()));
        }
        if !self.begun && self.query.after.is_none() {
            for unit in &self.query.units {
                self.query.has_entries_of(unit)?;
            }
            warn(&format!("{}: no matching entries", self.name));
        }
        Ok(())
    }
}

impl Read for Journal {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(out) = self.out.as_mut().filter(|_| !buffer.is_empty()) else {
            return Ok(0);
        };
        let n = out.read(buffer)?;
        if n == 0 || !self.begun && buffer[..n].starts_with(NO_ENTRIES) {
            self.ended()?;
            return Ok(0);
        }
        self.begun = true;
        Ok(n)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // It has ended, or nobody reads it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `1h` as journalctl says it: `-1h`; and RFC 3339, which logs write and older journalctls do not read.
fn moment(text: &str) -> String {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return format!("@{}.{:06}", time.as_second(), time.subsec_microsecond());
    }
    if let Ok(time) = text.parse::<jiff::civil::DateTime>() {
        return time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    }
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let age = digits > 0
        && matches!(
            &text[digits..],
            "s" | "sec" | "m" | "min" | "h" | "hours" | "d" | "days" | "w" | "weeks"
        );
    if age {
        format!("-{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_moment_in_the_past() {
        for (said, asked) in [
            ("1h", "-1h"),
            ("90min", "-90min"),
            ("-2h", "-2h"),
            ("yesterday", "yesterday"),
            ("2026-11-21 00:00:00", "2026-11-21 00:00:00"),
            ("2026-11-21T01:02:03", "2026-11-21 01:02:03"),
            ("2026-11-21T01:02:03.5+01:00", "@1795219323.500000"),
        ] {
            assert_eq!(moment(said), asked);
        }
    }

    #[test]
    fn every_part_of_the_query_is_asked() {
        let query = JournalQuery {
            units: vec!["kubelet".to_owned(), "containerd".to_owned()],
            since: Some("1h".to_owned()),
            until: None,
            boot: Some("-1".to_owned()),
            source: JournalSource::Root("/host".into()),
            after: None,
            show_cursor: false,
        };
        let command = query.command();
        let args: Vec<_> = command
            .get_args()
            .skip(3)
            .map(|a| a.to_string_lossy())
            .collect();
        assert_eq!(
            args,
            [
                "--root",
                "/host",
                "--unit=kubelet",
                "--unit=containerd",
                "--since=-1h",
                "--boot=-1"
            ]
        );
    }
}
