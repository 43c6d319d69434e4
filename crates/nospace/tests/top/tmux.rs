//! A tmux server of its own, with one window.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::Pid;
use tempfile::TempDir;

/// A busy machine takes long to load eBPF programs.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Tmux {
    directory: TempDir,
}

impl Tmux {
    pub fn is_there() -> bool {
        Command::new("tmux")
            .arg("-V")
            .output()
            .is_ok_and(|output| output.status.success())
    }

    /// Runs `command` in a shell that waits when it has ended.
    pub fn start(width: u16, height: u16, command: &str) -> anyhow::Result<Self> {
        let tmux = Self {
            directory: tempfile::tempdir()?,
        };
        let command = format!("export LC_ALL=C.UTF-8; {command}; sleep 600");
        let (width, height) = (width.to_string(), height.to_string());
        tmux.run(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            &command,
        ])?;
        Ok(tmux)
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output: Output = Command::new("tmux")
            .arg("-S")
            .arg(self.directory.path().join("socket"))
            .args(arguments)
            .output()
            .context("cannot run tmux")?;
        ensure!(output.status.success(), "tmux {arguments:?}: {output:?}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub fn keys(&self, keys: &[&str]) -> anyhow::Result<()> {
        self.run(&[&["send-keys"], keys].concat()).map(drop)
    }

    pub fn resize(&self, width: u16, height: u16) -> anyhow::Result<()> {
        let (width, height) = (width.to_string(), height.to_string());
        self.run(&["resize-window", "-x", &width, "-y", &height])
            .map(drop)
    }

    pub fn screen(&self) -> anyhow::Result<String> {
        self.run(&["capture-pane", "-p"])
    }

    /// Waits until the screen shows `what`.
    pub fn wait(&self, what: &str, shows: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        let begin = Instant::now();
        loop {
            let screen = self.screen()?;
            if shows(&screen) {
                return Ok(screen);
            }
            if begin.elapsed() > PATIENCE {
                bail!("{what} does not come:\n{screen}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn is(&self, flag: &str) -> anyhow::Result<bool> {
        let flag = format!("#{{{flag}}}");
        Ok(self.run(&["display-message", "-p", &flag])?.trim() == "1")
    }

    pub fn is_alternate(&self) -> anyhow::Result<bool> {
        self.is("alternate_on")
    }

    pub fn has_cursor(&self) -> anyhow::Result<bool> {
        self.is("cursor_flag")
    }

    /// pid of the shell that runs in it.
    pub fn shell(&self) -> anyhow::Result<Pid> {
        let pid = self.run(&["display-message", "-p", "#{pane_pid}"])?;
        Pid::from_raw(pid.trim().parse()?).context("no pid")
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.run(&["kill-server"]);
    }
}
