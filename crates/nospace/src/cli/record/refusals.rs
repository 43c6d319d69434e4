//! What a timeline has of the time between its samples: calls that were refused.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nospace_bpf::trace::{Options, Tracer};
use nospace_core::report::{Refusals, Refused};

use crate::host::live::Live;
use crate::host::{ReadError, ReadResult};
use crate::trace::{Filter, Sink, TraceLine, TraceOptions, TracedCall, follow};

/// Traces refused calls in a thread of its own.
pub struct RefusalWatch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    seen: Mutex<ReadResult<Refusals>>,
}

impl Shared {
    fn with<T>(&self, change: impl FnOnce(&mut ReadResult<Refusals>) -> T) -> T {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RefusalWatch {
    /// Begins, where eBPF can be used; else each answer says why it cannot.
    pub fn start(host: anyhow::Result<Live>, ebpf: bool) -> Self {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            seen: Mutex::new(Ok(Refusals::default())),
        });
        let thread = match ebpf {
            true => begin(host, &shared),
            false => Err("recorded with --no-ebpf".to_owned()),
        };
        let thread = thread.map_err(|why| shared.with(|seen| *seen = Err(ReadError::Failed(why))));
        Self {
            shared,
            thread: thread.ok(),
        }
    }

    /// What was refused since the last call, or since it began.
    pub fn take(&self) -> ReadResult<Refusals> {
        self.shared.with(|seen| match seen {
            Ok(refusals) => Ok(std::mem::take(refusals)),
            Err(why) => Err(why.clone()),
        })
    }
}

impl Drop for RefusalWatch {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn begin(host: anyhow::Result<Live>, shared: &Arc<Shared>) -> Result<JoinHandle<()>, String> {
    let host = host.map_err(|why| format!("{why:#}"))?;
    let options = Options {
        failed_only: true,
        low_memory: true,
        ..Options::default()
    };
    let tracer = Tracer::start(options).map_err(|why| why.to_string())?;
    let shared = Arc::clone(shared);
    let traced = move || {
        let ended = trace(tracer, &host, &shared);
        if let Err(why) = ended {
            shared.with(|seen| *seen = Err(ReadError::Failed(format!("{why:#}"))));
        }
    };
    let thread = thread::Builder::new().name("refusals".to_owned());
    thread
        .spawn(traced)
        .map_err(|why| format!("cannot start a thread: {why}"))
}

fn trace(tracer: Tracer, host: &Live, shared: &Shared) -> anyhow::Result<()> {
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
        stop: &|| shared.stop.load(Ordering::Relaxed),
    };
    // What owners are missing is said by the report, too.
    follow(tracer, host, &options, &mut Keep(shared), &|_| {})
}

struct Keep<'a>(&'a Shared);

impl Sink for Keep<'_> {
    fn line(&mut self, line: &TraceLine) -> io::Result<bool> {
        self.0.with(|seen| {
            let Ok(seen) = seen else { return };
            match line {
                TraceLine::Call(call) if !call.candidates.is_empty() => seen.add(refused(call)),
                TraceLine::Call(_) => {}
                TraceLine::Summary(summary) if !summary.last => seen.lost += summary.lost,
                TraceLine::Summary(_) => {}
            }
        });
        Ok(true)
    }

    fn flush(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}

/// Without its path, which is nobody's business.
fn refused(call: &TracedCall) -> Refused {
    Refused {
        first: call.time.clone(),
        last: call.time.clone(),
        times: 1,
        call: call.call.clone(),
        error: call.error.clone().unwrap_or_default(),
        pid: call.pid,
        comm: call.comm.clone(),
        uid: call.uid,
        owner: call.owner.clone(),
        causes: call.candidates.clone(),
        otherwise: call.otherwise.clone(),
        guard: call.guard,
    }
}
