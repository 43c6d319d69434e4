use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libbpf_rs::{Link, MapCore, MapFlags, Object, OpenObject, RingBuffer, RingBufferBuilder};
use zerocopy::IntoBytes;

use super::tracefs::Tracefs;
use super::{Call, Count, Event, Options, numbers};
use crate::object;
use crate::perf;
use crate::records::{self, CALL_NUMBERS, RECORD_TRACE, TraceConfig, TraceRecord, take, until_nul};
use crate::support::Unsupported;
use crate::tally::UserKey;

static IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trace.bpf.o"));

/// Bytes between kernel and us; where locked memory is short (before 5.11) the object's own 1 MiB does.
const LARGE_RING: u32 = 8 << 20;

/// Calls told at one poll, and bytes of their paths: the caller gets a turn however many there are.
const BATCH: usize = 4096;
const BATCH_PATHS: usize = 1 << 20;
/// Ends a look before the ring is empty.
const ENOUGH: i32 = -libc::ECANCELED;

/// Every system call's return.
const EVENT: &str = "raw_syscalls/sys_exit";

/// How often the ring is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Traces calls from its start until it is dropped, or the process dies.
#[derive(Debug)]
pub struct Tracer {
    link: Option<Link>,
    ring: RingBuffer<'static>,
    inbox: Arc<Mutex<Inbox>>,
    object: Object,
}

impl Tracer {
    /// Loads the programs and attaches them.
    ///
    /// # Errors
    /// [`Unsupported`] says in words why this kernel or this caller cannot, and what to do.
    pub fn start(options: Options) -> Result<Self, Unsupported> {
        let ring = (!options.small_ring).then_some(LARGE_RING);
        let (object, _) = object::load(IMAGE, |open| prepare(open, options, ring))
            .or_else(|_| object::load(IMAGE, |open| prepare(open, options, None)))?;
        let link = attach(&object)?;
        let inbox = Arc::<Mutex<Inbox>>::default();
        let ring = open_ring(&object, Arc::clone(&inbox)).map_err(|e| {
            Unsupported::new(format!("cannot map the ring of events: {e}"), "run as root")
        })?;
        Ok(Self {
            link: Some(link),
            ring,
            inbox,
            object,
        })
    }

    /// Waits for at most `timeout`, returns once something has come, and gives it to `each`: some thousand calls at
    /// most. `false` says that more may be waiting.
    ///
    /// # Errors
    /// What the kernel answered; `InvalidData` if a record makes no sense. A signal is no error, but ends the wait.
    pub fn poll(&mut self, timeout: Duration, mut each: impl FnMut(Event)) -> io::Result<bool> {
        let start = Instant::now();
        loop {
            let looked = self.look(LOOK.min(timeout));
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
        self.link = None;
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
        let value = object::map(&self.object, "lost")?
            .lookup(&0_u32.to_ne_bytes(), MapFlags::ANY)
            .map_err(io::Error::other)?;
        let full = value
            .and_then(|v| v.try_into().ok())
            .map_or(0, u64::from_ne_bytes);
        Ok(full
            + self
                .object
                .progs_mut()
                .map(|p| missed(p.as_fd()))
                .sum::<u64>())
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

/// By way of perf, which keeps the program from being interrupted.
fn attach(object: &Object) -> Result<Link, Unsupported> {
    let refused = |error: io::Error| {
        Unsupported::new(
            format!("cannot trace system calls: {EVENT}: {error}"),
            "run as root, on a kernel built with CONFIG_EVENT_TRACING",
        )
    };
    let id = Tracefs::open()?.id(EVENT).map_err(refused)?;
    let event = perf::tracepoint(id).map_err(refused)?;
    let program = object.progs_mut().next();
    let program = program.ok_or_else(|| Unsupported::fault("the program of the trace"))?;
    // The link closes the event.
    program
        .attach_perf_event(event.into_raw_fd())
        .map_err(|error| refused(io::Error::other(error)))
}

/// Tells the programs what is wanted.
fn prepare(open: &mut OpenObject, options: Options, ring: Option<u32>) -> libbpf_rs::Result<()> {
    let mut config = TraceConfig {
        failed_only: options.failed_only.into(),
        by_pid: options.pid.is_some().into(),
        pid: options.pid.unwrap_or_default(),
        by_uid: options.uid.is_some().into(),
        uid: options.uid.unwrap_or_default(),
        reserved: 0,
        native: [0; CALL_NUMBERS],
        compat: [0; CALL_NUMBERS],
    };
    numbers::set(&mut config);
    for mut map in open.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        if name == "ring"
            && let Some(bytes) = ring
        {
            map.set_max_entries(bytes)?;
        }
        if name.ends_with(".rodata")
            && let Some(value) = map.initial_value_mut()
            && let Some(value) = value.get_mut(..size_of::<TraceConfig>())
        {
            value.copy_from_slice(config.as_bytes());
        }
    }
    Ok(())
}

/// Runs that the kernel left out because the program was already at work on that CPU (since 5.12).
fn missed(program: impl AsFd) -> u64 {
    let path = format!("/proc/self/fdinfo/{}", program.as_fd().as_raw_fd());
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("recursion_misses:"))
        .and_then(|n| n.trim().parse().ok())
        .unwrap_or(0)
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
