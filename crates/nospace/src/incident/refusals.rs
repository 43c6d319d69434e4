use std::collections::BTreeSet;

use nospace_core::amount;
use nospace_core::report::{Owner, Refusals, Refused};

use super::{Event, Kind};
use crate::ui::trace;

/// After this many seconds without a refusal, the next one is news.
const PAUSE: f64 = 60.0;

/// Calls of one program and owner that were refused alike, without a pause.
struct Burst<'a> {
    like: &'a Refused,
    began: f64,
    last: f64,
    until: &'a str,
    times: u64,
    pids: BTreeSet<u32>,
}

impl<'a> Burst<'a> {
    fn key(
        one: &'a Refused,
    ) -> (
        &'a str,
        &'a str,
        &'a str,
        &'a Option<Owner>,
        &'a [nospace_core::cause::Cause],
        &'a Option<String>,
        bool,
    ) {
        (
            &one.comm,
            &one.call,
            &one.error,
            &one.owner,
            &one.causes,
            &one.otherwise,
            one.guard.is_some(),
        )
    }

    fn event(&self, began: f64) -> Option<Event> {
        let like = self.like;
        let when = like.first.parse().ok()?;
        let who = match &self.pids.iter().collect::<Vec<_>>()[..] {
            [pid] => format!("{} (pid {pid}", like.comm),
            pids => format!(
                "{} ({} processes",
                like.comm,
                amount::thousands(pids.len() as u64)
            ),
        };
        let until = match self.times {
            1 => String::new(),
            _ => format!(
                " until {}",
                trace::time_of_day(self.until)
                    .split('.')
                    .next()
                    .unwrap_or_default()
            ),
        };
        Some(Event {
            at: self.began - began,
            when,
            kind: Kind::Refused,
            text: format!(
                "{} refused{until}: {} of {who}, {}) failed with {}: {}",
                amount::count(self.times, "call", "calls"),
                like.call,
                trace::owner(like.owner.as_ref()),
                like.error,
                trace::reasons(
                    &like.causes,
                    like.otherwise.as_deref(),
                    like.guard.is_some()
                ),
            ),
        })
    }
}

/// What was refused, in words, at the seconds of the sample that has the first of such calls, less `began`.
pub fn bursts(all: &[(f64, Refusals)], began: f64) -> Vec<Event> {
    let mut bursts: Vec<Burst<'_>> = Vec::new();
    let mut more = 0;
    for (seconds, refusals) in all {
        more += refusals.more;
        for one in &refusals.calls {
            let is_same = |burst: &&mut Burst<'_>| {
                Burst::key(burst.like) == Burst::key(one) && seconds - burst.last <= PAUSE
            };
            match bursts.iter_mut().find(is_same) {
                Some(burst) => {
                    burst.times += one.times;
                    burst.last = *seconds;
                    burst.until = &one.last;
                    burst.pids.insert(one.pid);
                }
                None => bursts.push(Burst {
                    like: one,
                    began: *seconds,
                    last: *seconds,
                    until: &one.last,
                    times: one.times,
                    pids: BTreeSet::from([one.pid]),
                }),
            }
        }
    }
    let mut events: Vec<Event> = bursts
        .iter()
        .filter_map(|burst| burst.event(began))
        .collect();
    if more > 0
        && let Some(last) = events.last().cloned()
    {
        let calls = amount::count(more, "more call was", "more calls were");
        let text = format!("{calls} refused, by other processes");
        events.push(Event { text, ..last });
    }
    events
}
