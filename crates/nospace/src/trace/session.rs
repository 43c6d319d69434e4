use std::io;
use std::thread;
use std::time::{Duration, Instant};

use nospace_bpf::trace::{Call, Event, Tracer};

use super::owners::Owners;
use super::reader::{self, Reader};
use super::tally::sole;
use super::{
    CallCount, Clock, Counted, Filter, Tally, TraceLine, TraceSummary, TracedCall, cause, errno,
    words,
};
use crate::host::Host;

/// How long to wait for calls before looking at the clock.
const PATIENCE: Duration = Duration::from_millis(50);
/// What had come before the end is still told, as long as that takes no longer; then it is counted as lost.
const DRAIN: Duration = Duration::from_secs(10);
/// Nobody notices less.
const INSTANT: Duration = Duration::from_millis(300);
/// Id of the root cgroup, and of every cgroup where v2 is not in use.
const NO_CGROUP: u64 = 1;

/// How to trace.
pub struct Plan<'a> {
    /// Which calls.
    pub filter: Filter,
    /// Tell each call, not only what they sum up to.
    pub lines: bool,
    /// Sum up so often.
    pub every: Option<Duration>,
    /// End by itself.
    pub duration: Option<Duration>,
    /// Whether to end now.
    pub stop: &'a dyn Fn() -> bool,
}

/// Where lines go. Each answers whether anybody still reads.
pub trait Sink {
    /// Takes one.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn line(&mut self, line: &TraceLine) -> io::Result<bool>;

    /// Shows what was taken.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn flush(&mut self) -> io::Result<bool>;
}

/// Tells calls until the plan says that it is enough or nobody reads any more, and sums them up.
///
/// # Errors
///
/// What the kernel answered, or the sink.
pub fn follow(
    tracer: Tracer,
    host: &dyn Host,
    plan: &Plan<'_>,
    sink: &mut dyn Sink,
    warn: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let shared = reader::Shared::default();
    thread::scope(|scope| {
        let reader = Reader::start(tracer, &shared, scope);
        let owners = Owners::new(host);
        owners.gaps.iter().for_each(|gap| warn(gap));
        Session {
            plan,
            sink,
            owners,
            clock: Clock::now(),
            whole: Span::new(0),
            part: Span::new(0),
            read: Ok(true),
            deadline: None,
            unread: 0,
        }
        .run(&reader, warn)
    })
}

struct Session<'a> {
    plan: &'a Plan<'a>,
    sink: &'a mut dyn Sink,
    owners: Owners<'a>,
    clock: Clock,
    whole: Span,
    part: Span,
    read: io::Result<bool>,
    /// Until then calls are told that had come before the end.
    deadline: Option<Instant>,
    /// Calls before the end that there was no time to tell.
    unread: u64,
}

/// What happened since a moment.
struct Span {
    tally: Tally,
    from: String,
    lost_before: u64,
}

impl Span {
    fn new(lost_before: u64) -> Self {
        Self {
            tally: Tally::default(),
            from: Clock::read(),
            lost_before,
        }
    }

    fn summary(&self, lost: u64) -> TraceSummary {
        let lost = lost.saturating_sub(self.lost_before);
        self.tally.summary(&self.from, &Clock::read(), lost)
    }
}

impl Session<'_> {
    fn run(mut self, reader: &Reader<'_>, warn: &dyn Fn(&str)) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut next = self.plan.every.map(|every| begin + every);
        while !(self.plan.stop)() && self.plan.duration.is_none_or(|d| begin.elapsed() < d) {
            if !self.take_next(reader)? {
                return Ok(());
            }
            if let (Some(at), Some(every)) = (next, self.plan.every)
                && Instant::now() >= at
            {
                self.sum_up(reader.lost())?;
                next = Some(at + every);
            }
        }
        reader.end();
        self.drain(reader, warn)?;
        self.conclude(reader.lost())
    }

    /// Tells what had come before the end.
    fn drain(&mut self, reader: &Reader<'_>, warn: &dyn Fn(&str)) -> anyhow::Result<()> {
        let end = Instant::now();
        self.deadline = Some(end + DRAIN);
        let mut patient = true;
        while let Some(batch) = reader.next(PATIENCE)? {
            batch.iter().for_each(|event| self.take(event));
            if !self.flush()? {
                break;
            }
            if patient && end.elapsed() > INSTANT {
                warn("telling the calls that had come before; Ctrl-C again ends it at once");
                patient = false;
            }
        }
        Ok(())
    }

    /// Whether anybody still reads.
    fn take_next(&mut self, reader: &Reader<'_>) -> anyhow::Result<bool> {
        let batch = reader.next(PATIENCE)?.unwrap_or_default();
        batch.iter().for_each(|event| self.take(event));
        Ok(self.flush()?)
    }

    fn take(&mut self, event: &Event) {
        if !self.plan.filter.wants(event) {
            return;
        }
        if self.deadline.is_some_and(|at| Instant::now() > at) {
            self.unread += 1;
            return;
        }
        let owner = self.owners.of(event);
        match self.plan.filter.wants_owner(event.pid, owner.as_ref()) {
            Some(true) => {}
            Some(false) => return,
            None => {
                self.whole.tally.unplaced += 1;
                self.part.tally.unplaced += 1;
                return;
            }
        }
        let in_cgroupfs = cause::depends_on_place(event)
            .then(|| self.owners.in_cgroupfs(event))
            .flatten();
        let mut call = describe(event, &self.clock);
        call.owner = owner;
        call.candidates = cause::candidates(event, in_cgroupfs);
        call.cause = sole(&call.candidates);
        self.whole.tally.add(&call);
        if self.plan.every.is_some() {
            self.part.tally.add(&call);
        }
        if self.plan.lines && matches!(self.read, Ok(true)) {
            self.read = self.sink.line(&TraceLine::Call(Box::new(call)));
        }
    }

    fn flush(&mut self) -> io::Result<bool> {
        let read = std::mem::replace(&mut self.read, Ok(true))?;
        Ok(self.sink.flush()? && read)
    }

    fn sum_up(&mut self, lost: u64) -> anyhow::Result<()> {
        let part = std::mem::replace(&mut self.part, Span::new(lost));
        self.sink.line(&TraceLine::Summary(part.summary(lost)))?;
        self.sink.flush()?;
        Ok(())
    }

    fn conclude(mut self, lost: u64) -> anyhow::Result<()> {
        let mut summary = self.whole.summary(lost + self.unread);
        summary.last = true;
        self.flush()?;
        self.sink.line(&TraceLine::Summary(summary))?;
        self.sink.flush()?;
        Ok(())
    }
}

/// All that the event itself tells.
fn describe(event: &Event, clock: &Clock) -> TracedCall {
    let lossy = |raw: &[u8]| String::from_utf8_lossy(raw).into_owned();
    let of = match event.call {
        Call::InotifyInit | Call::InotifyInit1 => Counted::Instances,
        _ => Counted::Watches,
    };
    TracedCall {
        time: clock.at(event.time),
        call: event.call.name().to_owned(),
        pid: event.pid,
        tid: event.tid,
        uid: event.uid,
        comm: lossy(&event.comm),
        cgroup: (event.cgroup > NO_CGROUP).then_some(event.cgroup),
        owner: None,
        // AT_FDCWD is negative.
        fd: event.fd.filter(|&fd| i32::try_from(fd).is_ok()),
        path: event.path.as_deref().map(lossy),
        path_cut: event.path_cut,
        argument: event.argument,
        words: words::of(event.call, event.argument),
        result: event.result,
        error: errno::name(event.result).map(String::from),
        cause: None,
        candidates: Vec::new(),
        count: event.count.map(|count| CallCount {
            of,
            uid: count.key.uid,
            user_namespace: count.key.user_namespace,
            used: count.used,
            limit: count.limit,
        }),
        descriptor_limit: Some(event.descriptor_limit).filter(|&limit| limit != u64::MAX),
    }
}
