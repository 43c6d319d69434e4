use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use nospace_core::parse::passwd;
use rustix::time::{ClockId, clock_gettime};

use crate::host::{Host, root};
use crate::sampling::Sampler;
use crate::top::sample::{Sample, UserNames, held};
use crate::top::update::{Request, Update};
use crate::watches;

/// /etc/passwd is read up to here.
const MAX_PASSWD: usize = 4 << 20;
/// And again after this time: users come and go.
const PASSWD_INTERVAL: Duration = Duration::from_secs(60);
/// Time between samples unless a key or an option sets another.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
/// Without --interval samples may take one part in this many of a core.
const SHARE: u32 = 25;

/// How often a sample is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each second, less often where a sample takes more than 40 ms of a core.
    Gentle,
    /// As often as this.
    Fixed(Duration),
}

/// Takes samples of the node, and lists watches.
pub struct Worker {
    sampler: Sampler,
    pace: Pace,
    started: Instant,
    users: UserNames,
    users_read: Option<Instant>,
    due: Instant,
    interval: Option<Duration>,
}

impl Worker {
    /// Has sampled nothing yet. `started` is when seconds begin.
    pub fn new(sampler: Sampler, pace: Pace, started: Instant) -> Self {
        Self {
            sampler,
            pace,
            started,
            users: UserNames::default(),
            users_read: None,
            due: started,
            interval: None,
        }
    }

    /// Samples and answers until nobody listens any more.
    pub fn run(mut self, requests: &Receiver<Request>, updates: &Sender<Update>) {
        loop {
            for update in self.look() {
                if updates.send(update).is_err() {
                    return;
                }
            }
            loop {
                let rest = self.due.saturating_duration_since(Instant::now());
                match requests.recv_timeout(rest) {
                    Ok(request) => {
                        let answer = self.answer(request);
                        if answer.is_some_and(|answer| updates.send(answer).is_err()) {
                            return;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        }
    }

    /// Takes a sample, if one is due.
    pub fn look_if_due(&mut self) -> Vec<Update> {
        if Instant::now() < self.due {
            return Vec::new();
        }
        self.look()
    }

    fn look(&mut self) -> Vec<Update> {
        let begin = Instant::now();
        let busy = cpu_time();
        self.read_users(begin);
        let mut instances = Vec::new();
        let sampled = self.sampler.sample(|_, view| instances = held(view));
        let sample = Sample {
            report: sampled.report,
            growth: sampled.growth,
            instances,
            users: self.users.clone(),
            seconds: begin.duration_since(self.started).as_secs_f64(),
        };
        let interval = match self.pace {
            Pace::Fixed(interval) => interval,
            Pace::Gentle => gentle(cpu_time().saturating_sub(busy)),
        };
        self.due = begin + interval;
        let mut updates = Vec::new();
        if self.interval.replace(interval) != Some(interval) {
            updates.push(Update::Interval(interval));
        }
        updates.push(Update::Sample(Arc::new(sample)));
        updates
    }

    /// Does what is asked for.
    pub fn answer(&mut self, request: Request) -> Option<Update> {
        match request {
            Request::Watches { id, pids } => {
                let wanted: Vec<String> = pids.iter().map(u32::to_string).collect();
                let result = watches::report(self.sampler.host(), &wanted);
                let result = result.map(Arc::new).map_err(|why| format!("{why:#}"));
                Some(Update::Watches { id, result })
            }
            Request::Interval(interval) => {
                self.pace = Pace::Fixed(interval);
                self.interval = Some(interval);
                self.due = self.due.min(Instant::now() + interval);
                Some(Update::Interval(interval))
            }
        }
    }

    fn read_users(&mut self, now: Instant) {
        let fresh = |at: Instant| now.duration_since(at) < PASSWD_INTERVAL;
        if self.users_read.is_some_and(fresh) {
            return;
        }
        self.users_read = Some(now);
        let mut text = Vec::new();
        // Without it users have numbers.
        if self
            .sampler
            .host()
            .read(root("etc/passwd"), MAX_PASSWD, &mut text)
            .is_ok()
        {
            self.users = UserNames::new(passwd::names(&text));
        }
    }
}

/// Whole seconds, so that the screen does not show another interval with each sample.
fn gentle(busy: Duration) -> Duration {
    let seconds = (busy * SHARE).as_secs_f64().ceil();
    Duration::try_from_secs_f64(seconds)
        .map_or(DEFAULT_INTERVAL, |interval| interval.max(DEFAULT_INTERVAL))
}

/// Time that this process has had of all cores.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expensive_look_is_taken_less_often() {
        let seconds = |busy| gentle(Duration::from_millis(busy)).as_secs();
        assert_eq!(seconds(0), 1);
        assert_eq!(seconds(40), 1);
        assert_eq!(seconds(41), 2);
        assert_eq!(seconds(265), 7);
    }
}
