use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use nospace_bpf::trace::{Options, Tracer};

use crate::host::live::Live;
use crate::top::update::{RefusedCalls, Update};
use crate::trace::{Filter, Sink, TraceLine, TraceOptions, TracedCall, follow};

/// Time between two updates, at least.
const INTERVAL: Duration = Duration::from_millis(250);

/// Traces calls that fail, until nobody listens or `stop` is set.
pub fn trace(host: &Live, updates: &Sender<Update>, stop: &AtomicBool) {
    let options = Options {
        failed_only: true,
        low_memory: true,
        ..Options::default()
    };
    let done = match Tracer::start(options) {
        Ok(tracer) => {
            let _ = updates.send(Update::TraceBegan);
            run(tracer, host, updates, stop).map_err(|why| format!("{why:#}"))
        }
        Err(why) => Err(why.to_string()),
    };
    if let Err(why) = done {
        let _ = updates.send(Update::TraceEnded(why));
    }
}

fn run(
    tracer: Tracer,
    host: &Live,
    updates: &Sender<Update>,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let options = TraceOptions {
        filter: Filter {
            failed: true,
            ..Filter::default()
        },
        lines: true,
        cmdlines: false,
        // A summary says how many calls were lost.
        every: Some(Duration::from_secs(1)),
        duration: None,
        stop: &|| stop.load(Ordering::Relaxed),
    };
    let mut sink = Batches {
        updates,
        batch: RefusedCalls::default(),
        lost: 0,
        sent: Instant::now(),
    };
    // What owners are missing is said by the report, too.
    follow(tracer, host, &options, &mut sink, &|_| {})
}

/// Gathers calls: at fifty thousand a second nobody reads each.
struct Batches<'a> {
    updates: &'a Sender<Update>,
    batch: RefusedCalls,
    lost: u64,
    sent: Instant,
}

impl Sink for Batches<'_> {
    fn line(&mut self, line: &TraceLine) -> io::Result<bool> {
        match line {
            TraceLine::Call(call) if !call.candidates.is_empty() => {
                self.batch.push(TracedCall::clone(call));
            }
            TraceLine::Call(_) => {}
            TraceLine::Summary(summary) if !summary.last => {
                self.lost += summary.lost;
                self.batch.lost = self.lost;
            }
            TraceLine::Summary(_) => {}
        }
        Ok(true)
    }

    fn flush(&mut self) -> io::Result<bool> {
        if self.batch.is_empty() || self.sent.elapsed() < INTERVAL {
            return Ok(true);
        }
        self.sent = Instant::now();
        let batch = std::mem::take(&mut self.batch);
        Ok(self.updates.send(Update::Refusals(batch)).is_ok())
    }
}
