use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libbpf_rs::{MapCore, RingBuffer, RingBufferBuilder};

use super::attached::Attached;
use super::{Call, Count, Event, Hook, Options, hook};
use crate::records::{take, until_nul};
use crate::skeleton::trace::types::{record_kind, trace_call, trace_flags, trace_record};
use crate::support::Unsupported;
use crate::tally::UserKey;

/// Calls told at one poll, and bytes of their paths: the caller gets a turn however many there are.
const BATCH: usize = 4096;
const BATCH_PATHS: usize = 1 << 20;
/// Ends a look before the ring is empty.
const ENOUGH: i32 = -libc::ECANCELED;

/// How often the ring is looked at, and by a frugal reader.
const LOOK: Duration = Duration::from_millis(25);
const FRUGAL_LOOK: Duration = Duration::from_millis(100);

/// Traces calls from its start until it is dropped, or the process dies.
pub struct Tracer {
    ring: RingBuffer<'static>,
    inbox: Arc<Mutex<Inbox>>,
    attached: Attached,
    every: Duration,
}

impl Tracer {
    /// Loads the programs and attaches them.
    ///
    /// # Errors
    /// [`Unsupported`] says in words why this kernel or this caller cannot, and what to do.
    pub fn start(options: Options) -> Result<Self, Unsupported> {
        Self::on(options, &Hook::ALL)
    }

    /// As [`Tracer::start`], on the first of `hooks` that the kernel takes.
    ///
    /// # Errors
    /// Why it did not take the last of them.
    pub fn on(options: Options, hooks: &[Hook]) -> Result<Self, Unsupported> {
        let attached = hook::first(
            hooks,
            |hook| Attached::new(options, hook),
            || Unsupported::new("no hook to trace with was given", "name one"),
        )?;
        let inbox = Arc::<Mutex<Inbox>>::default();
        let ring = open_ring(&attached.programs.maps.ring, Arc::clone(&inbox)).map_err(|e| {
            Unsupported::new(format!("cannot map the ring of events: {e}"), "run as root")
        })?;
        Ok(Self {
            ring,
            inbox,
            attached,
            every: if options.frugal { FRUGAL_LOOK } else { LOOK },
        })
    }

    /// Where the programs hang.
    #[must_use]
    pub fn hook(&self) -> Hook {
        self.attached.hook
    }

    /// Waits for at most `timeout`, returns once something has come, and gives it to `each`: some thousand calls at
    /// most. `false` says that more may be waiting.
    ///
    /// # Errors
    /// What the kernel answered; `InvalidData` if a record makes no sense. A signal is no error, but ends the wait.
    pub fn poll(&mut self, timeout: Duration, mut each: impl FnMut(Event)) -> io::Result<bool> {
        let start = Instant::now();
        loop {
            let looked = self.look(self.every.min(timeout));
            let come = std::mem::take(&mut *lock(&self.inbox));
            let done = !come.events.is_empty() || start.elapsed() >= timeout;
            for event in come.events {
                each(event.ok_or_else(malformed)?);
            }
            match looked {
                ENOUGH => return Ok(false),
                error if error == -libc::EINTR => return Ok(true),
                error if error < 0 => return Err(io::Error::from_raw_os_error(-error)),
                _ if done => return Ok(true),
                _ => {}
            }
        }
    }

    /// Ends the trace; what came before is still to be had.
    pub fn detach(&mut self) {
        self.attached.end();
    }

    /// Fills the inbox: the programs wake us only when much has come, so what is there is taken in any case.
    fn look(&self, timeout: Duration) -> i32 {
        match self.ring.poll_raw(timeout) {
            0.. => self.ring.consume_raw(),
            error => error,
        }
    }

    /// Calls since the start that should have been told and were not: the ring was full, or the program was already
    /// at work on that CPU.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.attached.lost()
    }
}

/// Events between a look at the ring and their reader; `None` is one that made no sense.
#[derive(Debug, Default)]
struct Inbox {
    events: Vec<Option<Event>>,
    paths: usize,
}

impl Inbox {
    fn put(&mut self, event: Option<Event>) -> i32 {
        let path = event.as_ref().and_then(|event| event.path.as_ref());
        self.paths += path.map_or(0, Vec::len);
        self.events.push(event);
        if self.events.len() < BATCH && self.paths < BATCH_PATHS {
            0
        } else {
            ENOUGH
        }
    }
}

fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_ring(map: &dyn MapCore, inbox: Arc<Mutex<Inbox>>) -> io::Result<RingBuffer<'static>> {
    let mut builder = RingBufferBuilder::new();
    let put = move |record: &[u8]| lock(&inbox).put(decode(record));
    builder.add(map, put).map_err(io::Error::other)?;
    builder.build().map_err(io::Error::other)
}

fn malformed() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "the BPF programs sent a record that makes no sense: report this, it is a fault of nospace",
    )
}

fn decode(mut record: &[u8]) -> Option<Event> {
    let head: trace_record = take(&mut record)?;
    if head.kind != record_kind::RECORD_TRACE {
        return None;
    }
    let has = |flag: trace_flags| head.flags.0 & flag.0 != 0;
    let path = record.get(..head.path_length as usize)?;
    Some(Event {
        time: Duration::from_nanos(head.time),
        call: call(head.call)?,
        pid: head.pid,
        tid: head.tid,
        uid: head.uid,
        comm: until_nul(&head.comm).to_vec(),
        cgroup: head.cgroup,
        result: head.result,
        fd: (head.fd != u32::MAX).then_some(head.fd),
        argument: head.argument,
        path: has(trace_flags::TRACE_HAS_PATH).then(|| path.to_vec()),
        path_cut: has(trace_flags::TRACE_PATH_CUT),
        descriptor_limit: head.descriptor_limit,
        count: has(trace_flags::TRACE_COUNTED).then_some(Count {
            key: UserKey {
                user_namespace: head.user_namespace,
                uid: head.charged_uid,
            },
            used: head.used,
            limit: head.limit,
        }),
    })
}

fn call(call: trace_call) -> Option<Call> {
    Some(match call {
        trace_call::CALL_INOTIFY_INIT => Call::InotifyInit,
        trace_call::CALL_INOTIFY_INIT1 => Call::InotifyInit1,
        trace_call::CALL_INOTIFY_ADD_WATCH => Call::InotifyAddWatch,
        trace_call::CALL_INOTIFY_RM_WATCH => Call::InotifyRmWatch,
        trace_call::CALL_MKDIR => Call::Mkdir,
        trace_call::CALL_MKDIRAT => Call::Mkdirat,
        trace_call::CALL_MOUNT => Call::Mount,
        trace_call::CALL_MOVE_MOUNT => Call::MoveMount,
        trace_call::CALL_UNSHARE => Call::Unshare,
        trace_call::CALL_CLONE | trace_call::CALL_CLONE3 | trace_call::CALL_FORK => Call::Clone,
        trace_call::CALL_EPOLL_CTL => Call::EpollCtl,
        trace_call::CALL_ADD_KEY => Call::AddKey,
        trace_call::CALL_KEYCTL => Call::Keyctl,
        trace_call::CALL_SEMGET => Call::Semget,
        trace_call::CALL_SHMGET => Call::Shmget,
        _ => return None,
    })
}
