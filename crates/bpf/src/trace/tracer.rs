use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libbpf_rs::{MapCore, RingBuffer, RingBufferBuilder};

use super::any_call;
use super::attachment::Attachment;
use super::event::{Call, Count, Counted, Event, File, Situation};
use super::hook::{self, Hook};
use super::options::Options;
use crate::accounting::UserKey;
use crate::records::{take, until_nul};
use crate::skeleton::trace::types::{
    record_kind, trace_call, trace_counted, trace_flags, trace_record,
};
use crate::support::Unsupported;

/// Most calls that one poll returns, and most bytes of their paths, so that the caller gets its turn.
const BATCH: usize = 4096;
const BATCH_PATHS: usize = 1 << 20;
/// Result of the ring buffer callback that stops the consumer before the ring is empty.
const BATCH_FULL: i32 = -libc::ECANCELED;

/// Interval between polls of the ring buffer, and with `low_memory`.
const POLL_INTERVAL: Duration = Duration::from_millis(25);
const LOW_MEMORY_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Traces calls from its start until it is dropped or the process ends.
pub struct Tracer {
    ring: RingBuffer<'static>,
    inbox: Arc<Mutex<Inbox>>,
    attachment: Attachment,
    poll_interval: Duration,
}

impl Tracer {
    /// Loads the programs and attaches them.
    ///
    /// # Errors
    /// Why this kernel or this process cannot trace, and what to do.
    pub fn start(options: Options) -> Result<Self, Unsupported> {
        match options.any_call {
            [] => Self::on(options, &Hook::ALL),
            _ => Self::on(options, &[Hook::SysExit]),
        }
    }

    /// As [`Tracer::start`], with the first of `hooks` that works.
    ///
    /// # Errors
    /// Why the last of them does not work.
    pub fn on(options: Options, hooks: &[Hook]) -> Result<Self, Unsupported> {
        let attachment = hook::first(
            hooks,
            |hook| Attachment::new(options, hook),
            || Unsupported::new("no hook to trace with", "specify at least one"),
        )?;
        let inbox = Arc::<Mutex<Inbox>>::default();
        let ring = open_ring(&attachment.programs.maps.ring, Arc::clone(&inbox)).map_err(|e| {
            Unsupported::new(format!("cannot map the ring buffer: {e}"), "run as root")
        })?;
        Ok(Self {
            ring,
            inbox,
            attachment,
            poll_interval: if options.low_memory {
                LOW_MEMORY_POLL_INTERVAL
            } else {
                POLL_INTERVAL
            },
        })
    }

    /// What the programs are attached to.
    #[must_use]
    pub fn hook(&self) -> Hook {
        self.attachment.hook
    }

    /// Waits at most `timeout` for calls, and passes up to some thousand of them to `each`. Returns `false` if more may be
    /// waiting.
    ///
    /// # Errors
    /// Those of polling the ring buffer; `InvalidData` for a malformed record. A signal is no error, but ends the wait.
    pub fn poll(&mut self, timeout: Duration, mut each: impl FnMut(Event)) -> io::Result<bool> {
        let start = Instant::now();
        loop {
            let polled = self.poll_ring(self.poll_interval.min(timeout));
            let inbox = std::mem::take(&mut *lock(&self.inbox));
            let done = !inbox.events.is_empty() || start.elapsed() >= timeout;
            for event in inbox.events {
                each(event.ok_or_else(malformed)?);
            }
            match polled {
                BATCH_FULL => return Ok(false),
                error if error == -libc::EINTR => return Ok(true),
                error if error < 0 => return Err(io::Error::from_raw_os_error(-error)),
                _ if done => return Ok(true),
                _ => {}
            }
        }
    }

    /// Ends the trace; [`Tracer::poll`] still returns the calls from before.
    pub fn detach(&mut self) {
        self.attachment.detach();
    }

    /// Fills the inbox. The programs wake us only when the ring is filling up, so its content is consumed after a timeout, too.
    fn poll_ring(&self, timeout: Duration) -> i32 {
        match self.ring.poll_raw(timeout) {
            0.. => self.ring.consume_raw(),
            error => error,
        }
    }

    /// Calls since the start that were not reported: the ring buffer was full, or the kernel skipped the program.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.attachment.lost()
    }
}

/// Events between the ring buffer and the caller of `poll`; `None` for a malformed record.
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
            BATCH_FULL
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
        "nospace's BPF programs sent a malformed record: please report this bug",
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
        call: match head.call {
            trace_call::CALL_OTHER => {
                let is_compat = has(trace_flags::TRACE_COMPAT);
                Call::Other(any_call::name(head.number, is_compat, head.argument)?)
            }
            known => call(known)?,
        },
        pid: head.pid,
        tid: head.tid,
        uid: head.uid,
        comm: until_nul(&head.comm).to_vec(),
        cgroup: head.cgroup,
        result: head.result,
        fd: (head.fd != u32::MAX).then_some(head.fd),
        argument: head.argument,
        path: has(trace_flags::TRACE_HAS_PATH).then(|| path.to_vec()),
        path_truncated: has(trace_flags::TRACE_PATH_TRUNCATED),
        descriptor_limit: head.descriptor_limit,
        count: counted(head.counted)
            .filter(|_| has(trace_flags::TRACE_COUNTED))
            .map(|of| Count {
                of,
                key: (head.user_namespace > 0).then_some(UserKey {
                    user_namespace: head.user_namespace,
                    uid: head.charged_uid,
                }),
                used: head.used,
                limit: head.limit,
            }),
        situation: Situation {
            files_full: has(trace_flags::TRACE_FILES_FULL),
            exempt: has(trace_flags::TRACE_EXEMPT),
            bound: has(trace_flags::TRACE_BOUND),
            ipv4: has(trace_flags::TRACE_IPV4),
            deadline: has(trace_flags::TRACE_DEADLINE),
            unlimited_memory: has(trace_flags::TRACE_UNLIMITED_MEMORY),
            file: (head.file_system > 0).then_some(File {
                file_system: head.file_system,
                regular: has(trace_flags::TRACE_REGULAR),
            }),
        },
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

fn counted(of: trace_counted) -> Option<Counted> {
    Some(match of {
        trace_counted::COUNTED_INSTANCES => Counted::Instances,
        trace_counted::COUNTED_WATCHES => Counted::Watches,
        trace_counted::COUNTED_GROUPS => Counted::FanotifyGroups,
        trace_counted::COUNTED_MARKS => Counted::FanotifyMarks,
        trace_counted::COUNTED_PROCESSES => Counted::Processes,
        trace_counted::COUNTED_QUEUE_BYTES => Counted::QueueBytes,
        trace_counted::COUNTED_QUEUES => Counted::Queues,
        trace_counted::COUNTED_SEMAPHORE_SETS => Counted::SemaphoreSets,
        trace_counted::COUNTED_MESSAGE_QUEUES => Counted::MessageQueues,
        trace_counted::COUNTED_SEGMENTS => Counted::Segments,
        trace_counted::COUNTED_MAPPINGS => Counted::Mappings,
        trace_counted::COUNTED_LOCKED => Counted::LockedBytes,
        trace_counted::COUNTED_LOCKED_BY_KERNEL => Counted::LockedByKernel,
        trace_counted::COUNTED_IN_FLIGHT => Counted::InFlight,
        _ => return None,
    })
}
