use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libbpf_rs::{MapCore, MapFlags, Object, RingBuffer, RingBufferBuilder};

use super::attached::Attached;
use super::{Call, Count, Event, Hook, Options, hook};
use crate::object;
use crate::records::{self, RECORD_TRACE, TraceRecord, take, until_nul};
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
#[derive(Debug)]
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
            || Unsupported::fault("a place to trace at"),
        )?;
        let inbox = Arc::<Mutex<Inbox>>::default();
        let ring = open_ring(&attached.object, Arc::clone(&inbox)).map_err(|e| {
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
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn lost(&self) -> io::Result<u64> {
        let value = object::map(&self.attached.object, "lost")?
            .lookup(&0_u32.to_ne_bytes(), MapFlags::ANY)
            .map_err(io::Error::other)?;
        let full = value
            .and_then(|v| v.try_into().ok())
            .map_or(0, u64::from_ne_bytes);
        Ok(full + self.attached.missed())
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

fn open_ring(object: &Object, inbox: Arc<Mutex<Inbox>>) -> io::Result<RingBuffer<'static>> {
    let map = object::map(object, "ring")?;
    let mut builder = RingBufferBuilder::new();
    let put = move |record: &[u8]| lock(&inbox).put(decode(record));
    builder.add(&map, put).map_err(io::Error::other)?;
    builder.build().map_err(io::Error::other)
}

fn malformed() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "the BPF programs sent a record that makes no sense: report this, it is a fault of nospace",
    )
}

fn decode(mut record: &[u8]) -> Option<Event> {
    let head: TraceRecord = take(&mut record)?;
    if head.kind != RECORD_TRACE {
        return None;
    }
    let has = |flag| head.flags & flag != 0;
    let path = record.get(..head.path_length as usize)?;
    Some(Event {
        time: Duration::from_nanos(head.time),
        call: call(head.call)?,
        pid: head.pid,
        tid: head.tid,
        uid: head.uid,
        comm: until_nul(&head.comm).to_vec(),
        cgroup: head.cgroup,
        result: head.result.cast_signed(),
        fd: (head.fd != u32::MAX).then_some(head.fd),
        argument: head.argument,
        path: has(records::TRACE_HAS_PATH).then(|| path.to_vec()),
        path_cut: has(records::TRACE_PATH_CUT),
        descriptor_limit: head.descriptor_limit,
        count: has(records::TRACE_COUNTED).then_some(Count {
            key: UserKey {
                user_namespace: head.user_namespace,
                uid: head.charged_uid,
            },
            used: head.used,
            limit: head.limit,
        }),
    })
}

fn call(number: u32) -> Option<Call> {
    Some(match number {
        records::CALL_INOTIFY_INIT => Call::InotifyInit,
        records::CALL_INOTIFY_INIT1 => Call::InotifyInit1,
        records::CALL_INOTIFY_ADD_WATCH => Call::InotifyAddWatch,
        records::CALL_INOTIFY_RM_WATCH => Call::InotifyRmWatch,
        records::CALL_MKDIR => Call::Mkdir,
        records::CALL_MKDIRAT => Call::Mkdirat,
        records::CALL_MOUNT => Call::Mount,
        records::CALL_MOVE_MOUNT => Call::MoveMount,
        records::CALL_UNSHARE => Call::Unshare,
        records::CALL_CLONE | records::CALL_CLONE3 | records::CALL_FORK => Call::Clone,
        records::CALL_EPOLL_CTL => Call::EpollCtl,
        records::CALL_ADD_KEY => Call::AddKey,
        records::CALL_KEYCTL => Call::Keyctl,
        records::CALL_SEMGET => Call::Semget,
        records::CALL_SHMGET => Call::Shmget,
        _ => return None,
    })
}
