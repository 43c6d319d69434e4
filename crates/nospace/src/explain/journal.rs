//! The journal, by `journalctl`.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context as _;

/// What is asked of the journal.
#[derive(Clone, Debug, Default)]
pub struct JournalQuery {
    /// Units; none is all.
    pub units: Vec<String>,
    /// Beginning, as journalctl(1) takes it, or an age: `1h`.
    pub since: Option<String>,
    /// End, likewise.
    pub until: Option<String>,
    /// Boot: `0`, `-1`, an id.
    pub boot: Option<String>,
    /// The root whose journal it is; `None` for this machine's own.
    pub root: Option<std::path::PathBuf>,
    /// Only what came after this cursor.
    pub after: Option<String>,
    /// Print the cursor of the last entry as the last line.
    pub show_cursor: bool,
}

impl JournalQuery {
    fn command(&self) -> Command {
        let mut command = Command::new("journalctl");
        command.args([
            "--no-pager",
            "--quiet",
            "--all",
            "--output=short-iso-precise",
        ]);
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
        if let Some(root) = self.root.as_deref().filter(|r| *r != Path::new("/")) {
            command.arg("--root").arg(root);
        }
        if let Some(after) = &self.after {
            command.arg(format!("--after-cursor={after}"));
        }
        if self.show_cursor {
            command.arg("--show-cursor");
        }
        command
    }

    /// The entries, as text.
    ///
    /// # Errors
    ///
    /// `journalctl` cannot be started.
    pub fn open(&self) -> anyhow::Result<Journal> {
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context(
                "cannot start journalctl: is this a machine with systemd? Name log files instead",
            )?;
        let out = child.stdout.take().context("journalctl has no output")?;
        Ok(Journal { child, out })
    }
}

/// A `journalctl` that runs; its end is checked when its output ends.
#[derive(Debug)]
pub struct Journal {
    child: Child,
    out: ChildStdout,
}

impl Read for Journal {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.out.read(buffer)?;
        if n == 0 && !buffer.is_empty() {
            let status = self.child.wait()?;
            if !status.success() {
                let mut said = String::new();
                if let Some(mut err) = self.child.stderr.take() {
                    err.read_to_string(&mut said)?;
                }
                let said = said.trim();
                return Err(io::Error::other(format!(
                    "journalctl failed ({status}): {said}"
                )));
            }
        }
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

/// `1h` as journalctl says it: `-1h`.
fn moment(text: &str) -> String {
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
            root: Some("/host".into()),
            after: None,
            show_cursor: false,
        };
        let command = query.command();
        let args: Vec<_> = command
            .get_args()
            .skip(4)
            .map(|a| a.to_string_lossy())
            .collect();
        assert_eq!(
            args,
            [
                "--unit=kubelet",
                "--unit=containerd",
                "--since=-1h",
                "--boot=-1",
                "--root",
                "/host"
            ]
        );
    }
}
