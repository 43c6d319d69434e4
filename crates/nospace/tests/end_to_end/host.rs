//! The host's limits and files, and who puts them back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

const VALUES: &str = "/proc/sys/fs/inotify";
const FILES: &str = "/etc/sysctl.d";
/// The one file that tune writes.
const DROP_IN: &str = "/etc/sysctl.d/zz-nospace.conf";

/// Waits for the end of this process, however it comes; then puts back what is not as it was. `$1`, `$2`, … are
/// files of /proc/sys, each with its value.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP QUIT
cat
while [ $# -gt 0 ]; do
    [ "$(cat "$1")" = "$2" ] || echo "$2" >"$1"
    shift 2
done
rm -f "$drop_in"
"#;

/// Why this machine's limits are not the test's to change.
fn why_not() -> Option<&'static str> {
    let writable = fs::OpenOptions::new()
        .write(true)
        .open(format!("{VALUES}/max_user_watches"));
    if writable.is_err() {
        Some("/proc/sys cannot be written to here (docker run --privileged)")
    } else if Path::new(DROP_IN).exists() {
        Some("nospace has tuned this machine already")
    } else {
        None
    }
}

/// As it was.
pub struct Host {
    values: BTreeMap<PathBuf, String>,
    files: BTreeMap<PathBuf, Vec<u8>>,
    watchdog: Child,
}

impl Host {
    /// Remembers all, and sets the watchdog; `None`, said in words, where the limits are not the test's to change.
    pub fn guard() -> anyhow::Result<Option<Self>> {
        if let Some(reason) = why_not() {
            eprintln!("skipped: {reason}");
            return Ok(None);
        }
        let values = values()?;
        let files = files()?;
        let mut watchdog = Command::new("sh");
        watchdog
            .args(["-c", WATCHDOG, "sh"])
            .env("drop_in", DROP_IN);
        for (path, value) in &values {
            watchdog.arg(path).arg(value);
        }
        let watchdog = watchdog
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .context("no watchdog")?;
        Ok(Some(Self {
            values,
            files,
            watchdog,
        }))
    }

    /// Whether it is, before the watchdog had a hand in it.
    pub fn is_as_before(&self) -> anyhow::Result<()> {
        let values = values()?;
        ensure!(
            values == self.values,
            "{values:?} instead of {:?}",
            self.values
        );
        let files = files()?;
        ensure!(
            files == self.files,
            "{:?} instead of {:?}",
            files.keys(),
            self.files.keys()
        );
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        if !self.watchdog.wait().is_ok_and(|status| status.success()) {
            eprintln!(
                "the limits could not be put back: they were {:?}",
                self.values
            );
        }
    }
}

fn values() -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut values = BTreeMap::new();
    for entry in fs::read_dir(VALUES)? {
        let path = entry?.path();
        let value = fs::read_to_string(&path)?.trim().to_owned();
        values.insert(path, value);
    }
    Ok(values)
}

fn files() -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let entries = match fs::read_dir(FILES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        files.insert(path.clone(), fs::read(path)?);
    }
    Ok(files)
}
