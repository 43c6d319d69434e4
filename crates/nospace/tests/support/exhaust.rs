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
}

impl Exhaust {
    /// Starts it with these arguments, and waits until it holds.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        // It shall not outlive a test that is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", NOSPACE, "exhaust"]);
        command.args(arguments);
        Self::spawn(command)
    }

    /// The same with a command that ends in it.
    pub fn spawn(mut command: Command) -> anyhow::Result<Self> {
        command.args(["-o", "json", "--for", "300s"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().context("cannot start it")?;
        let lines = BufReader::new(process.stderr.take().context("no pipe")?).lines();
        let (tell, said) = channel();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        let mut started = Self { process, said };
        started.hear(" to go")?;
        Ok(started)
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.process.id()
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

    /// Waits for a line with `words` in it.
    fn hear(&mut self, words: &str) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut heard = Vec::new();
        loop {
            let left = PATIENCE.saturating_sub(begin.elapsed());
            match self.said.recv_timeout(left) {
                Ok(line) if line.contains(words) => return Ok(()),
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
