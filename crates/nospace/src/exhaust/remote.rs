//! What must be held by a process of its own, because nospace could not live with it.

use std::io::{BufRead as _, BufReader, Write as _, stdin, stdout};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail};
use rustix::io::Errno;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use rustix::thread::set_name;

use super::consumer::{Consumer, TakeResult};

/// The hidden command that runs such a process, with the pid of nospace and the name of the scenario.
pub const COMMAND: [&str; 2] = ["exhaust", "hold"];

/// A process that takes and gives back at nospace's orders, and ends with it.
#[derive(Debug)]
pub struct Remote {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    held: u64,
    most: Option<u64>,
}

impl Remote {
    /// Starts one for the scenario of this name, as nospace's own user or as `uid`.
    ///
    /// # Errors
    ///
    /// No process can be started, or not as that user.
    pub fn start(name: &str, uid: Option<u32>) -> anyhow::Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command
            .args(COMMAND)
            .arg(std::process::id().to_string())
            .arg(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid);
        }
        let mut process = command.spawn().with_context(|| match uid {
            Some(uid) => format!("cannot start a process as uid {uid}: run as root"),
            None => "cannot start the process that holds them".to_owned(),
        })?;
        let (orders, answers) = (process.stdin.take(), process.stdout.take());
        Ok(Self {
            process,
            orders,
            answers: BufReader::new(answers.context("no pipe")?),
            held: 0,
            most: None,
        })
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends an order, and reads how many it holds and the error that stopped it.
    fn tell(&mut self, order: &str) -> anyhow::Result<Option<Errno>> {
        let orders = self.orders.as_mut().context("it has ended")?;
        writeln!(orders, "{order}").context("the process that holds them has ended")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let mut numbers = answer.split_whitespace().map(str::parse::<i64>);
        let (Some(Ok(held)), Some(Ok(errno))) = (numbers.next(), numbers.next()) else {
            bail!("the process that holds them has failed; see its message above");
        };
        self.held = u64::try_from(held)?;
        Ok(match i32::try_from(errno)? {
            0 => None,
            errno => Some(Errno::from_raw_os_error(errno)),
        })
    }
}

impl Consumer for Remote {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        let before = self.held;
        let refusal = self.tell(&format!("take {count}"))?;
        if refusal.is_some() {
            self.most = Some(self.held);
        }
        Ok(TakeResult {
            count: self.held - before,
            refusal,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        self.tell(&format!("return {count}")).map(drop)
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn left(&mut self) -> Option<u64> {
        Some(self.most?.saturating_sub(self.held))
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.held = 0;
        // Its standard input ends, and so does it; it may have ended already.
        drop(self.orders.take());
        let _ = self.process.kill();
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // After `release` nothing is left to do.
        let _ = self.release();
    }
}

/// The process itself, for nospace `parent`: does as its standard input says, until that ends.
///
/// # Errors
///
/// What kept it from that.
pub fn serve(parent: u32, consumer: &mut dyn Consumer) -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL)).context("cannot follow nospace's end")?;
    if getppid().is_none_or(|now| now.as_raw_nonzero().get().unsigned_abs() != parent) {
        return Ok(());
    }
    // It was started by a link, after which it would be called "exe".
    let _ = set_name(c"nospace");
    let mut line = String::with_capacity(64);
    let mut input = stdin().lock();
    while input.read_line(&mut line)? > 0 {
        let refusal = match line.trim().split_once(' ') {
            Some(("take", count)) => consumer.take(count.parse()?)?.refusal,
            Some(("return", count)) => {
                consumer.give_back(count.parse()?)?;
                None
            }
            _ => bail!("no such order: {line:?}"),
        };
        let errno = refusal.map_or(0, Errno::raw_os_error);
        writeln!(stdout().lock(), "{} {errno}", consumer.held())?;
        line.clear();
    }
    Ok(())
}
