//! `nospace exhaust`, running.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nospace::exhaust::ExhaustSummary;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::NOSPACE;

/// Debug builds on a busy machine take their time.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// One that holds all that it was asked for. It is killed when dropped.
pub struct Exhaust {
    process: Child,
    said: Receiver<String>,
    subject: String,
}

impl Exhaust {
    /// Starts it with these arguments, and waits until it holds.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_for("300s", arguments)
    }

    /// The same for another time.
    pub fn start_for(time: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        // It shall not outlive a test that is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", NOSPACE, "exhaust"]);
        command.args(arguments).args(["--for", time]);
        Self::run(command)
    }

    /// The same with a command that ends in it.
    #[allow(dead_code, reason = "not every test has a command of its own")]
    pub fn spawn(mut command: Command) -> anyhow::Result<Self> {
        command.args(["--for", "300s"]);
        Self::run(command)
    }

    fn run(mut command: Command) -> anyhow::Result<Self> {
        command.args(["-o", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().context("cannot start it")?;
        let lines = BufReader::new(process.stderr.take().context("no pipe")?).lines();
        let (tell, said) = channel();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        let mut started = Self {
            process,
            said,
            subject: String::new(),
        };
        let announced = started.hear("using up ")?;
        let subject = announced.split_once(" of ").and_then(|(_, rest)| {
            let (subject, _) = rest.split_once(", leaving ")?;
            Some(subject.to_owned())
        });
        started.subject = subject.with_context(|| announced.clone())?;
        started.hear(" to go")?;
        Ok(started)
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What the budget belongs to.
    #[allow(dead_code, reason = "not every test asks")]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("no pid")?, signal)?)
    }

    /// Asks it to end, and reads its summary.
    pub fn end(mut self) -> anyhow::Result<ExhaustSummary> {
        self.signal(Signal::TERM)?;
        self.summary()
    }

    /// Reads its summary when it has ended by itself.
    pub fn summary(&mut self) -> anyhow::Result<ExhaustSummary> {
        let mut text = String::new();
        let out = self.process.stdout.as_mut().context("no pipe")?;
        out.read_to_string(&mut text)?;
        let status = self.process.wait()?;
        ensure!(status.success(), "{status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("no summary: {text:?}"))
    }

    /// Waits for a line with `words` in it, and returns it.
    fn hear(&mut self, words: &str) -> anyhow::Result<String> {
        let begin = Instant::now();
        let mut heard = Vec::new();
        loop {
            let left = PATIENCE.saturating_sub(begin.elapsed());
            match self.said.recv_timeout(left) {
                Ok(line) if line.contains(words) => return Ok(line),
                Ok(line) => heard.push(line),
                Err(RecvTimeoutError::Timeout) => bail!("it does not hold in time: {heard:?}"),
                Err(RecvTimeoutError::Disconnected) => bail!("it ended: {heard:?}"),
            }
        }
    }
}

impl Drop for Exhaust {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone after this.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Processes with these words on their command line.
#[allow(dead_code, reason = "not every test asks")]
pub fn running(words: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let command = |path: std::path::PathBuf| {
        let bytes = std::fs::read(path.join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
    };
    let commands = entries.filter_map(|entry| command(entry.path()));
    commands.filter(|command| command.contains(words)).collect()
}

/// Waits until `done`.
#[allow(dead_code, reason = "not every test waits")]
pub fn soon(what: &str, mut done: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !done()? {
        ensure!(begin.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Why this machine has no disk quotas, in words: mounts a file system with them, without nospace. `None` where it has.
#[allow(dead_code, reason = "not every test asks")]
pub fn no_disk_quotas() -> anyhow::Result<Option<String>> {
    let script = "mount -t tmpfs -o size=20m nospace-quota /mnt
         truncate -s 16M /mnt/image
         mkdir /mnt/ext4
         mkfs.ext4 -q -O quota,project -I 256 -E quotatype=prjquota /mnt/image
         mount -o loop,prjquota /mnt/image /mnt/ext4";
    let tried = Command::new("unshare")
        .args(["--mount", "sh", "-euc", script])
        .output()
        .context("unshare")?;
    let said = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
    Ok((!tried.status.success()).then(|| format!("no disk quotas here: {said}")))
}
