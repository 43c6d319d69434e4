//! Takes calls out of the kernel's ring in a thread of its own, so that naming and printing do not hold it up.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::Scope;
use std::time::Duration;

use nospace_bpf::trace::{Event, Tracer};

/// Batches of at most 1 MiB each that may wait to be reported. Where they are all full, the ring fills up next, and then the
/// kernel counts what is lost.
const BATCHES: usize = 64;
/// How long to wait for calls before checking whether to stop.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);
/// A program that was at work when it was detached is done long before.
const SETTLED: Duration = Duration::from_millis(5);

type Sender = SyncSender<io::Result<Vec<Event>>>;

/// The reader's side that the session sees.
pub struct Reader<'a> {
    batches: Receiver<io::Result<Vec<Event>>>,
    shared: &'a Shared,
}

/// What reader and session tell each other.
#[derive(Default)]
pub struct Shared {
    lost: AtomicU64,
    end: AtomicBool,
}

impl<'a> Reader<'a> {
    /// Starts the thread; it ends with the session.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start<'scope, 'env>(
        tracer: Tracer,
        shared: &'a Shared,
        scope: &'scope Scope<'scope, 'env>,
    ) -> io::Result<Self>
    where
        'a: 'scope,
    {
        let (sender, batches) = sync_channel(BATCHES);
        std::thread::Builder::new().spawn_scoped(scope, move || {
            if let Err(error) = read(tracer, shared, &sender) {
                // Where nobody listens the session has ended.
                let _ = sender.send(Err(error));
            }
        })?;
        Ok(Self { batches, shared })
    }

    /// Some thousand calls at most, or none within `patience`; `None` says that there will be no more.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn next(&self, patience: Duration) -> io::Result<Option<Vec<Event>>> {
        match self.batches.recv_timeout(patience) {
            Ok(batch) => batch.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(Some(Vec::new())),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
        }
    }

    /// Tells the thread to take no calls after now. What came before is still to be had.
    pub fn end(&self) {
        self.shared.end.store(true, Ordering::Relaxed);
    }

    /// Calls that were lost, as of the last poll.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Acquire)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

fn read(mut tracer: Tracer, shared: &Shared, sender: &Sender) -> io::Result<()> {
    while !shared.end.load(Ordering::Relaxed) {
        take(&mut tracer, POLL_TIMEOUT, shared, sender)?;
    }
    tracer.detach();
    std::thread::sleep(SETTLED);
    while take(&mut tracer, Duration::ZERO, shared, sender)? {}
    Ok(())
}

/// Hands over what is in the ring; whether more may come.
fn take(
    tracer: &mut Tracer,
    patience: Duration,
    shared: &Shared,
    sender: &Sender,
) -> io::Result<bool> {
    let mut batch = Vec::new();
    let all = tracer.poll(patience, |event| batch.push(event))?;
    shared.lost.store(tracer.lost(), Ordering::Release);
    let heard = batch.is_empty() || sender.send(Ok(batch)).is_ok();
    Ok(!all && heard)
}
