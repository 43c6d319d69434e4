//! An agent that runs, until it is dropped.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::http::{self, Answer};
use crate::support::NOSPACE;

/// Longer than a loaded machine takes for anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Agent {
    child: Child,
    pub address: SocketAddr,
    messages: Arc<Mutex<String>>,
}

/// The command, without the settings of the user who runs the tests.
pub fn command(program: &[&str]) -> Command {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]);
    for (name, _) in std::env::vars() {
        if name.starts_with("NOSPACE_") || ["NODE_NAME", "POD_IP"].contains(&&*name) {
            command.env_remove(name);
        }
    }
    command
}

impl Agent {
    /// Starts one that looks once and then waits; options may say otherwise.
    pub fn start(options: &[&str]) -> anyhow::Result<Self> {
        let mut command = command(&[NOSPACE, "agent", "--kube=off", "--listen=127.0.0.1:0"]);
        if !options
            .iter()
            .any(|option| option.starts_with("--interval"))
        {
            command.arg("--interval=1h");
        }
        command.args(options);
        Self::run(command)
    }

    /// Starts what is an agent in the end, and waits for its first look.
    pub fn run(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("no stderr")?);
        let (mut said, mut first) = (String::new(), String::new());
        while !first.contains("Listening on http") {
            first.clear();
            if lines.read_line(&mut first)? == 0 {
                bail!("the agent ended: {said}{}", child.wait()?);
            }
            said.push_str(&first);
        }
        let address = first
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        let address = address.context("no address")?.parse()?;
        let messages = Arc::<Mutex<String>>::default();
        let kept = Arc::clone(&messages);
        // A process that writes into a pipe that nobody reads would wait.
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&format!("{line}\n"));
            }
        });
        let agent = Self {
            child,
            address,
            messages,
        };
        if first.contains("http://") {
            agent.until("ready", || {
                Ok((agent.get("/readyz")?.status == 200).then_some(()))
            })?;
        }
        Ok(agent)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn get(&self, path: &str) -> anyhow::Result<Answer> {
        http::get(self.address, path, &[])
            .with_context(|| format!("no answer to {path}; the agent said:\n{}", self.messages()))
    }

    /// The samples, each with its labels as they are written.
    pub fn metrics(&self) -> anyhow::Result<Samples> {
        let answer = self.get("/metrics")?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(Samples::of(answer.text()))
    }

    /// Asks until there is an answer.
    pub fn until<T>(
        &self,
        what: &str,
        ask: impl FnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        until(what, ask)
    }

    /// Until there were this many more looks.
    pub fn looks(&self, more: u32) -> anyhow::Result<()> {
        let looks = || self.metrics()?.one("nospace_looks_total");
        let wanted = looks()? + f64::from(more);
        let waits = Instant::now();
        while looks()? < wanted {
            ensure!(
                waits.elapsed() < PATIENCE * 5,
                "{} of {wanted} looks",
                looks()?
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What it has allocated, in bytes; pages of its program come and go.
    pub fn anonymous_memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("no RssAnon")?.parse::<u64>()? * 1024)
    }

    /// What its descriptors lead to.
    pub fn descriptors(&self) -> anyhow::Result<Vec<String>> {
        let all = fs::read_dir(format!("/proc/{}/fd", self.pid()))?;
        let targets = all.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
        Ok(targets.map(|target| target.display().to_string()).collect())
    }

    fn text(&self) -> MutexGuard<'_, String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it has written to stderr since the last [`Agent::reload`], after the line with its address.
    pub fn messages(&self) -> String {
        self.text().clone()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("no pid")?, signal)?)
    }

    /// Sends it SIGHUP, and waits for a message that contains this.
    pub fn reload(&self, message: &str) -> anyhow::Result<()> {
        self.text().clear();
        self.signal(Signal::HUP)?;
        self.until(message, || Ok(self.text().contains(message).then_some(())))
    }

    /// Ends it by SIGTERM; how long that took.
    pub fn terminate(&mut self) -> anyhow::Result<(Duration, ExitStatus)> {
        let begin = Instant::now();
        self.signal(Signal::TERM)?;
        let status = self.child.wait()?;
        Ok((begin.elapsed(), status))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until there is an answer.
pub fn until<T>(
    what: &str,
    mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        ensure!(begin.elapsed() < PATIENCE, "not {what} in a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Samples by name and labels.
pub struct Samples(Vec<(String, f64)>);

impl Samples {
    pub fn of(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let parsed = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self(parsed.collect())
    }

    /// Each with its labels.
    pub fn all(&self) -> impl Iterator<Item = &(String, f64)> {
        self.0.iter()
    }

    /// Those of a family whose labels have all of these.
    pub fn with(&self, family: &str, labels: &[&str]) -> Vec<(&str, f64)> {
        let of = |name: &str| {
            let rest = name.strip_prefix(family)?;
            (rest.is_empty() || rest.starts_with('{')).then_some(())
        };
        let all = self.0.iter().map(|(name, value)| (name.as_str(), *value));
        all.filter(|(name, _)| {
            of(name).is_some() && labels.iter().all(|label| name.contains(label))
        })
        .collect()
    }

    /// The one sample of that name.
    pub fn one(&self, name: &str) -> anyhow::Result<f64> {
        let found = self.0.iter().find(|(n, _)| n == name);
        Ok(found.with_context(|| format!("there is no {name}"))?.1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
