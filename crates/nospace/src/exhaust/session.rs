//! Takes, keeps and gives back; knows time and signals, and no resource.

use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use super::consumer::{Consumer, Overhead, TakeResult};
use super::document::EndReason;
use super::request::{FillLevel, Rate};
use super::supervisor::PATIENCE as PATIENCE_OF_SUPERVISOR;

/// Others take and give back meanwhile: so often the count is put right.
const ROUNDS: usize = 5;
/// Between looks at the clock while nothing is to be done.
const TICK: Duration = Duration::from_millis(50);
/// For the command's supervisor to end all that it started: it asks first.
const PATIENCE: Duration = Duration::from_secs(PATIENCE_OF_SUPERVISOR.as_secs() * 4);
/// Between looks at the accounting.
const LOOK: Duration = Duration::from_secs(1);

/// How to go about it.
pub struct SessionOptions<'a> {
    /// How much.
    pub level: FillLevel,
    /// How much was free before, as well as it is known.
    pub free: u64,
    /// No faster than this.
    pub rate: Option<Rate>,
    /// From the start until all is given back.
    pub time: Duration,
    /// What is to run while all is held; the end of it is the end.
    pub command: Option<Command>,
    /// Whether to end now.
    pub stop: &'a dyn Fn() -> bool,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Taking, holding or giving back.
    pub phase: Phase,
    /// Units held.
    pub held: u64,
    /// Units that will be, as well as it is known.
    pub wanted: u64,
    /// Left for others when last looked.
    pub left: Option<u64>,
    /// Until the end.
    pub remaining: Duration,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// More and more is held.
    Taking,
    /// All is held.
    Holding,
    /// It is being given back.
    Releasing,
}

/// Sees how it stands, often.
pub trait Observer {
    /// Shows it, or not.
    fn see(&mut self, state: &Status);
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Most that was held.
    pub held: u64,
    /// What was left for others then.
    pub left: Option<u64>,
    /// The kernel's refusal.
    pub refusal: Option<Errno>,
    /// What else was in use.
    pub overhead: Overhead,
    /// Until all was held.
    pub took: Duration,
    /// From then on.
    pub kept: Duration,
    /// Why it ended.
    pub ended: EndReason,
    /// How the command ended.
    pub command: Option<ExitStatus>,
}

/// Runs it all, and gives everything back before it returns, whatever went wrong.
///
/// # Errors
///
/// What kept it from taking, or from giving back.
pub fn run(
    hold: &mut dyn Consumer,
    options: SessionOptions<'_>,
    observer: &mut dyn Observer,
) -> anyhow::Result<Outcome> {
    let mut session = Session {
        begin: Instant::now(),
        wanted: options.level.of(options.free),
        left: None,
        refusal: None,
        child: None,
        options,
        observer,
        hold,
    };
    let outcome = session.all();
    session.show(Phase::Releasing);
    let released = session.hold.release();
    let status = session.child.as_mut().map(end).transpose();
    let outcome = outcome?;
    released?;
    Ok(Outcome {
        command: status?,
        ..outcome
    })
}

struct Session<'a, 'p> {
    begin: Instant,
    options: SessionOptions<'p>,
    hold: &'a mut dyn Consumer,
    observer: &'a mut dyn Observer,
    wanted: u64,
    left: Option<u64>,
    refusal: Option<Errno>,
    child: Option<Child>,
}

impl Session<'_, '_> {
    fn all(&mut self) -> anyhow::Result<Outcome> {
        let ended = self.fill()?;
        let took = self.begin.elapsed();
        self.left = self.hold.left();
        let full = Outcome {
            held: self.hold.held(),
            left: self.left,
            refusal: self.refusal,
            overhead: self.hold.overhead(),
            took,
            kept: Duration::ZERO,
            ended: EndReason::Signal,
            command: None,
        };
        self.wanted = full.held;
        let ended = match ended {
            Some(ended) => ended,
            None => self.keep()?,
        };
        Ok(Outcome {
            kept: self.begin.elapsed() - took,
            ended,
            ..full
        })
    }

    /// Takes until the level is reached, or it must end.
    fn fill(&mut self) -> anyhow::Result<Option<EndReason>> {
        let leave = match self.options.level {
            FillLevel::Amount(amount) => {
                self.take(amount)?;
                return Ok(self.must_end());
            }
            FillLevel::Leave(leave) => leave,
        };
        for round in 0..ROUNDS {
            let Some(left) = self.hold.left() else {
                // Nothing tells how much is left, but the refusal when nothing is.
                if round == 0 && self.take(u64::MAX)? {
                    self.hold.give_back(leave)?;
                }
                break;
            };
            self.left = Some(left);
            if left > leave {
                self.wanted = self.hold.held() + (left - leave);
                self.take(left - leave)?;
            } else {
                self.hold.give_back(leave - left)?;
            }
            if left == leave || self.must_end().is_some() {
                break;
            }
        }
        Ok(self.must_end())
    }

    /// Takes `count` more, at the rate; whether the kernel refused.
    fn take(&mut self, count: u64) -> anyhow::Result<bool> {
        let level = self.hold.held().saturating_add(count);
        while self.hold.held() < level && self.must_end().is_none() {
            let missing = level - self.hold.held();
            let step = missing.min(self.hold.step()).min(self.allowed());
            if step == 0 {
                std::thread::sleep(TICK / 5);
            } else {
                let TakeResult { count, refusal } = self.hold.take(step)?;
                if refusal.is_some() {
                    self.refusal = refusal;
                    return Ok(true);
                }
                if count == 0 {
                    return Ok(false);
                }
            }
            self.show(Phase::Taking);
        }
        Ok(false)
    }

    fn allowed(&self) -> u64 {
        let rate = self
            .options
            .rate
            .map(|rate| rate.after(self.begin.elapsed()));
        rate.map_or(u64::MAX, |so_far| so_far.saturating_sub(self.hold.held()))
    }

    /// Waits for the end.
    fn keep(&mut self) -> anyhow::Result<EndReason> {
        self.show(Phase::Holding);
        let mut command = self.options.command.take();
        self.child = command.as_mut().map(start).transpose()?;
        let mut looked = Instant::now();
        loop {
            if let Some(child) = &mut self.child
                && child.try_wait()?.is_some()
            {
                return Ok(EndReason::Command);
            }
            if let Some(why) = self.must_end() {
                return Ok(why);
            }
            if looked.elapsed() >= LOOK {
                self.left = self.hold.left();
                looked = Instant::now();
            }
            self.show(Phase::Holding);
            std::thread::sleep(TICK.min(self.remaining()));
        }
    }

    fn must_end(&self) -> Option<EndReason> {
        if (self.options.stop)() {
            Some(EndReason::Signal)
        } else {
            self.remaining().is_zero().then_some(EndReason::Time)
        }
    }

    fn remaining(&self) -> Duration {
        self.options.time.saturating_sub(self.begin.elapsed())
    }

    fn show(&mut self, phase: Phase) {
        let state = Status {
            phase,
            held: self.hold.held(),
            wanted: self.wanted,
            left: self.left,
            remaining: self.remaining(),
        };
        self.observer.see(&state);
    }
}

fn start(command: &mut Command) -> anyhow::Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .spawn()
        .with_context(|| format!("cannot start {name}"))
}

/// Asks the supervisor to end the command, and tells how that ended.
fn end(child: &mut Child) -> anyhow::Result<ExitStatus> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let asked = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        // It has not been waited for, so the number is still its own.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        if asked.elapsed() > PATIENCE {
            child.kill()?;
        }
        std::thread::sleep(TICK);
    }
}
