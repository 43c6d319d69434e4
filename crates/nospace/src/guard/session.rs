//! A guard that stays in front.

use std::io;
use std::time::{Duration, Instant};

use rustix::thread::{NanosleepRelativeResult, nanosleep};
use rustix::time::Timespec;

use super::keeper::Keeper;
use super::lines::{EndReason, GuardLine, StatusReason};
use crate::host::live::Live;

/// How often pods are looked for, and what they did.
const TICK: Duration = Duration::from_secs(1);
/// How often the guard tests itself.
const MINUTE: Duration = Duration::from_secs(60);

/// Follows a guard at work.
pub trait Observer {
    /// Takes a line; answers whether anybody still reads.
    ///
    /// # Errors
    ///
    /// It cannot be passed on.
    fn line(&mut self, line: &GuardLine) -> io::Result<bool>;

    /// May ask what was counted until now; each second.
    fn tick(&mut self, _: &Keeper) {}
}

/// Keeps the reserve until `stop` says so, nobody reads any more, or the guard finds itself wrong. Nothing is refused when it returns.
/// Why it ended.
///
/// # Errors
///
/// Lines cannot be written.
pub fn keep(
    mut keeper: Keeper,
    host: &mut Live,
    stop: &dyn Fn() -> bool,
    observer: &mut dyn Observer,
    warn: &dyn Fn(&str),
) -> io::Result<EndReason> {
    let (reason, why) = match run(&mut keeper, host, stop, observer, warn) {
        Ok(()) => (EndReason::Stopped, None),
        Err(error) => match error.downcast::<Unwritten>() {
            Ok(Unwritten(error)) => {
                // The links must not wait for whoever handles the error.
                drop(keeper);
                return Err(error);
            }
            Err(error) if error.is::<nospace_bpf::guard::Doubt>() => {
                (EndReason::Doubt, Some(format!("{error:#}")))
            }
            Err(error) => (EndReason::Failed, Some(format!("{error:#}"))),
        },
    };
    observer.tick(&keeper);
    let end = keeper.end(reason, why);
    observer.line(&GuardLine::Ended(Box::new(end)))?;
    Ok(reason)
}

/// A line could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unwritten(io::Error);

fn run(
    keeper: &mut Keeper,
    host: &mut Live,
    stop: &dyn Fn() -> bool,
    observer: &mut dyn Observer,
    warn: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let begin = Instant::now();
    let mut minute = MINUTE;
    let mut lines = vec![GuardLine::Status(Box::new(
        keeper.status(StatusReason::Started)?,
    ))];
    loop {
        for line in lines.drain(..) {
            if !observer.line(&line).map_err(Unwritten)? {
                return Ok(());
            }
        }
        if stop() {
            return Ok(());
        }
        wait();
        let now = begin.elapsed();
        for gap in keeper.refresh(host, now)? {
            warn(&format!(
                "some pods have no known namespace, and may use all: {gap}"
            ));
        }
        lines.extend(keeper.news(now)?);
        observer.tick(keeper);
        if now >= minute {
            lines.extend(keeper.minute(host)?);
            // Not a multiple: after a suspension one test is enough.
            minute = now + MINUTE;
        }
    }
}

/// Until the next look, or a signal.
fn wait() {
    let tick = Timespec {
        tv_sec: TICK.as_secs().cast_signed(),
        tv_nsec: 0,
    };
    match nanosleep(&tick) {
        NanosleepRelativeResult::Ok | NanosleepRelativeResult::Interrupted(_) => {}
        NanosleepRelativeResult::Err(_) => std::thread::sleep(TICK),
    }
}
