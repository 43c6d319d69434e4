//! A recording, sample by sample.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nospace_core::attribute::View;
use nospace_core::growth::{self, Growth, History};

use super::feed::Feed;
use super::host::watches_of;
use super::sample::{Sample, held};
use super::update::{After, Moment, Position, RefusedCalls, Request, Update};
use crate::collect::{cmdlines, collect};
use crate::host::Host as _;
use crate::host::archive::Rest;
use crate::host::replay::Replay;
use crate::over_time::not_recorded;

/// Samples before a moment that are read for trends and changes per minute.
const BEFORE: usize = 60;
/// Growth is measured between samples at least this far apart, in seconds: what grows for a second is no trend. Less than five, as samples that are
/// five seconds apart are never exactly that.
const GROWTH_SPACING: f64 = 4.5;
/// Samples a second that a recording can be played with.
const SPEEDS: [u32; 6] = [1, 2, 5, 10, 20, 50];
/// The one that it begins with.
const SPEED: u32 = 5;

/// Shows a recording: one moment after the other, or the one that is asked for.
pub struct Player {
    replay: Replay,
    /// Number of the sample that is shown; `None` before the first.
    shown: Option<usize>,
    /// The samples before the next one are not those in `trend`: that one could not be read.
    is_broken: bool,
    trend: Trend,
    is_playing: bool,
    speed: u32,
    due: Instant,
    cmdlines: bool,
}

impl Player {
    /// Of `replay`; it stands still.
    #[must_use]
    pub fn new(replay: Replay) -> Self {
        Self {
            replay,
            shown: None,
            is_broken: false,
            trend: Trend::default(),
            is_playing: false,
            speed: SPEED,
            due: Instant::now(),
            cmdlines: false,
        }
    }

    /// Whether samples have the command lines that were recorded.
    pub fn cmdlines(&mut self, wanted: bool) {
        self.cmdlines = wanted;
    }

    /// Reads sample `number` and, unless it follows the one that is shown, those before it.
    ///
    /// # Errors
    ///
    /// When the recording cannot be read.
    pub fn show(&mut self, number: usize) -> anyhow::Result<Update> {
        let is_jump = self.is_broken || self.shown.is_none_or(|shown| shown + 1 != number);
        let first = match is_jump {
            true => number.saturating_sub(BEFORE),
            false => number,
        };
        if is_jump {
            self.trend = Trend::default();
        }
        self.is_broken = true;
        let mut samples = Vec::new();
        let Self {
            replay,
            trend,
            cmdlines,
            ..
        } = self;
        let times = replay.samples();
        replay.play(first, &mut |at, host| {
            let snapshot = collect(host);
            let view = nospace_core::view(&snapshot);
            let seconds = times.get(at).map_or(0.0, |sample| sample.seconds);
            trend.add(&view, seconds);
            let growth = trend.growth.clone();
            let findings = growth::findings(&view, &trend.history, &growth, seconds);
            let instances = held(&view);
            let refused = host.refusals();
            let refused = refused
                .map(RefusedCalls::of)
                .map_err(|why| not_recorded(&why));
            let mut report = nospace_core::conclude_with(view, findings);
            if *cmdlines {
                cmdlines::add(host, &mut report.processes);
            }
            let sample = Sample {
                report,
                growth,
                instances,
                seconds,
            };
            samples.push((Arc::new(sample), refused));
            Ok(match at < number {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        })?;
        self.shown = Some(number);
        self.is_broken = false;
        Ok(Update::Moment(Moment {
            position: self.position(number)?,
            is_jump,
            samples,
        }))
    }

    fn position(&self, number: usize) -> anyhow::Result<Position> {
        let times = self.replay.samples();
        let (begin, end) = times.first().zip(times.last()).context("no samples")?;
        Ok(Position {
            number,
            last: self.replay.last(),
            begin: begin.taken_at,
            end: end.taken_at,
            playing: self.is_playing.then_some(self.speed),
            after: match self.replay.rest() {
                Rest::None => After::Nothing,
                Rest::Cut => After::NoEnd,
                Rest::Damaged(_) => After::Damage,
            },
        })
    }

    /// The update for `number`; an error stops it there.
    fn go(&mut self, number: usize) -> Update {
        self.is_playing &= number < self.replay.last();
        self.show(number).unwrap_or_else(|why| {
            self.is_playing = false;
            Update::Unreadable(format!("{why:#}"))
        })
    }

    fn set_speed(&mut self, faster: bool) {
        let next = match faster {
            true => SPEEDS.into_iter().find(|&speed| speed > self.speed),
            false => SPEEDS.into_iter().rev().find(|&speed| speed < self.speed),
        };
        self.speed = next.unwrap_or(self.speed);
    }
}

/// How fast budgets grow, as a live node's are followed.
#[derive(Default)]
struct Trend {
    history: History,
    growth: Vec<Growth>,
    added_at: Option<f64>,
}

impl Trend {
    fn add(&mut self, view: &View<'_>, seconds: f64) {
        if self
            .added_at
            .is_none_or(|at| seconds - at >= GROWTH_SPACING)
        {
            self.growth = self.history.add(view, seconds);
            self.added_at = Some(seconds);
        }
    }
}

impl Feed for Player {
    fn rest(&self) -> Option<Duration> {
        self.is_playing
            .then(|| self.due.saturating_duration_since(Instant::now()))
    }

    fn step(&mut self) -> Vec<Update> {
        self.due = Instant::now() + Duration::from_secs(1) / self.speed;
        // What could not be read is tried once more, and not passed over.
        let next = self.shown.map_or(0, |shown| shown + 1);
        vec![self.go(next.min(self.replay.last()))]
    }

    fn answer(&mut self, requests: Vec<Request>) -> Vec<Update> {
        let last = self.replay.last();
        let before = self.shown.unwrap_or(last);
        let mut to = before;
        let mut updates = Vec::new();
        for request in requests {
            match request {
                Request::Step(by) => to = to.saturating_add_signed(by).min(last),
                Request::First => to = 0,
                Request::Last => to = last,
                Request::Faster(faster) => self.set_speed(faster),
                Request::Play => {
                    self.is_playing = !self.is_playing;
                    if self.is_playing && to == last {
                        to = 0;
                    }
                    self.due = Instant::now() + Duration::from_secs(1) / self.speed;
                }
                Request::Watches { id, pids } => {
                    let host = self.replay.host(to).map_err(|why| format!("{why:#}"));
                    let result = host.and_then(|host| watches_of(&host, &pids));
                    updates.push(Update::Watches { id, result });
                }
                Request::Cmdlines(wanted) => {
                    self.cmdlines = wanted;
                    // The same samples once more, with them or without.
                    self.is_broken = true;
                }
                Request::Interval(_) => {}
            }
        }
        if to != before || self.is_broken {
            updates.push(self.go(to));
        } else if let Ok(position) = self.position(to) {
            // Played or not, and how fast.
            updates.push(Update::Moment(Moment {
                position,
                is_jump: false,
                samples: Vec::new(),
            }));
        }
        updates
    }
}

#[cfg(test)]
mod tests;
