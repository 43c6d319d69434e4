use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::collect::{cmdlines, collect};
use crate::sampling::Sampler;
use crate::top::feed::Feed;
use crate::top::host::watches_of;
use crate::top::sample::{Sample, held};
use crate::top::update::{Request, Update};

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
    due: Instant,
    interval: Option<Duration>,
    cmdlines: bool,
}

impl Worker {
    /// Has sampled nothing yet. `started` is when seconds begin.
    pub fn new(sampler: Sampler, pace: Pace, started: Instant) -> Self {
        Self {
            sampler,
            pace,
            started,
            due: started,
            interval: None,
            cmdlines: false,
        }
    }

    /// Whether samples have command lines.
    pub fn cmdlines(&mut self, wanted: bool) {
        self.cmdlines = wanted;
    }

    fn look(&mut self) -> Vec<Update> {
        let begin = Instant::now();
        let busy = cpu_time();
        let mut instances = Vec::new();
        let mut sampled = self
            .sampler
            .sample(|host| collect(host), |_, view| instances = held(view));
        if self.cmdlines {
            cmdlines::add(self.sampler.host(), &mut sampled.report.processes);
        }
        let sample = Sample {
            report: sampled.report,
            growth: sampled.growth,
            instances,
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

    fn answer_one(&mut self, request: Request) -> Option<Update> {
        match request {
            Request::Watches { id, pids } => {
                let result = watches_of(self.sampler.host(), &pids);
                Some(Update::Watches { id, result })
            }
            Request::Interval(interval) => {
                self.pace = Pace::Fixed(interval);
                self.interval = Some(interval);
                self.due = self.due.min(Instant::now() + interval);
                Some(Update::Interval(interval))
            }
            Request::Cmdlines(wanted) => {
                self.cmdlines = wanted;
                self.due = Instant::now();
                None
            }
            Request::Step(_)
            | Request::First
            | Request::Last
            | Request::Play
            | Request::Faster(_) => None,
        }
    }
}

impl Feed for Worker {
    fn rest(&self) -> Option<Duration> {
        Some(self.due.saturating_duration_since(Instant::now()))
    }

    fn step(&mut self) -> Vec<Update> {
        self.look()
    }

    fn answer(&mut self, requests: Vec<Request>) -> Vec<Update> {
        let requests = requests.into_iter();
        requests
            .filter_map(|request| self.answer_one(request))
            .collect()
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
