use std::io;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nospace_bpf::trace::{Count, Counted, Event, Tracer};
use nospace_core::model::UserNames;

use super::clock::Clock;
use super::counts::{SummaryCounts, sole};
use super::document::{CallCount, TraceLine, TraceSummary, TracedCall};
use super::filter::Filter;
use super::guards::GuardCache;
use super::owners::{OwnerCache, Site};
use super::reader::{self, Reader};
use super::verdict::Verdict;
use super::{cause, errno, flags};
use crate::collect::users::Passwd;
use crate::host::{Host, proc};

/// How long to wait for calls before looking at the clock.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);
/// Calls from before the stop are still reported for this long; then they are counted as lost.
const DRAIN: Duration = Duration::from_secs(10);
/// A shorter delay needs no explanation.
const NOTICEABLE: Duration = Duration::from_millis(300);
/// Id of the root cgroup, and of every cgroup where v2 is not in use.
const NO_CGROUP: u64 = 1;

/// What to trace and how to report it.
pub struct TraceOptions<'a> {
    /// Which calls.
    pub filter: Filter,
    /// Report each call, not only the summary.
    pub lines: bool,
    /// With the command line of the process.
    pub cmdlines: bool,
    /// Interval between summaries.
    pub every: Option<Duration>,
    /// Stop after this time.
    pub duration: Option<Duration>,
    /// Whether to stop now.
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

/// Reports calls until `options` says to stop or nobody reads any more, and sums them up.
///
/// # Errors
///
/// The kernel's ring cannot be read, or the sink not written.
pub fn follow(
    tracer: Tracer,
    host: &dyn Host,
    options: &TraceOptions<'_>,
    sink: &mut dyn Sink,
    warn: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let shared = reader::Shared::default();
    thread::scope(|scope| {
        let reader = Reader::start(tracer, &shared, scope)
            .context("cannot start a thread that reads calls")?;
        let owners = OwnerCache::new(host);
        owners.gaps.iter().for_each(|gap| warn(gap));
        Session {
            options,
            sink,
            owners,
            guards: GuardCache::new(host),
            clock: Clock::now(),
            whole: Interval::new(0),
            part: Interval::new(0),
            read: Ok(true),
            deadline: None,
            unread: 0,
            node: Node {
                max_mappings: max_mappings(host),
                users: Passwd::read(host).names(),
            },
        }
        .run(&reader, warn)
    })
}

struct Session<'a> {
    options: &'a TraceOptions<'a>,
    sink: &'a mut dyn Sink,
    owners: OwnerCache<'a>,
    guards: GuardCache<'a>,
    clock: Clock,
    whole: Interval,
    part: Interval,
    read: io::Result<bool>,
    /// Until then calls are reported that were made before the stop.
    deadline: Option<Instant>,
    /// Calls from before the stop that there was no time to report.
    unread: u64,
    node: Node,
}

/// What is read once of the node.
struct Node {
    /// `vm.max_map_count`, if it could be read.
    max_mappings: Option<u64>,
    users: UserNames,
}

impl Node {
    fn name(&self, uid: u32) -> Option<String> {
        self.users.of(uid).map(str::to_owned)
    }
}

/// What happened since a moment.
struct Interval {
    counts: SummaryCounts,
    from: String,
    lost_before: u64,
}

impl Interval {
    fn new(lost_before: u64) -> Self {
        Self {
            counts: SummaryCounts::default(),
            from: Clock::read(),
            lost_before,
        }
    }

    fn summary(&self, lost: u64) -> TraceSummary {
        let lost = lost.saturating_sub(self.lost_before);
        self.counts.summary(&self.from, &Clock::read(), lost)
    }
}

impl Session<'_> {
    fn run(mut self, reader: &Reader<'_>, warn: &dyn Fn(&str)) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut next = self.options.every.map(|every| begin + every);
        while !(self.options.stop)() && self.options.duration.is_none_or(|d| begin.elapsed() < d) {
            if !self.take_next(reader)? {
                return Ok(());
            }
            if let (Some(at), Some(every)) = (next, self.options.every)
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

    /// Reports what was called before the stop.
    fn drain(&mut self, reader: &Reader<'_>, warn: &dyn Fn(&str)) -> anyhow::Result<()> {
        let end = Instant::now();
        self.deadline = Some(end + DRAIN);
        let mut patient = true;
        while let Some(batch) = reader.next(POLL_TIMEOUT)? {
            batch.iter().for_each(|event| self.take(event));
            if !self.flush()? {
                break;
            }
            if patient && end.elapsed() > NOTICEABLE {
                warn(
                    "printing the calls that were made before you stopped; press Ctrl-C again to quit now",
                );
                patient = false;
            }
        }
        Ok(())
    }

    /// Whether anybody still reads.
    fn take_next(&mut self, reader: &Reader<'_>) -> anyhow::Result<bool> {
        let batch = reader.next(POLL_TIMEOUT)?.unwrap_or_default();
        batch.iter().for_each(|event| self.take(event));
        Ok(self.flush()?)
    }

    fn take(&mut self, event: &Event) {
        if !self.options.filter.wants(event) {
            return;
        }
        if self.deadline.is_some_and(|at| Instant::now() > at) {
            self.unread += 1;
            return;
        }
        let owner = self.owners.of(event);
        let program = self.owners.program(event);
        let filter = &self.options.filter;
        match (
            filter.wants_program(program.as_deref()),
            filter.wants_owner(event.pid, owner.as_ref()),
        ) {
            (Some(true), Some(true)) => {}
            (Some(false), _) | (_, Some(false)) => return,
            _ => {
                self.whole.counts.unplaced += 1;
                self.part.counts.unplaced += 1;
                return;
            }
        }
        let site = if cause::depends_on_place(event) {
            self.owners.site(event)
        } else {
            Site::default()
        };
        let mut call = describe(event, &self.clock, &self.node);
        call.guard = self.guards.refused(event, owner.as_ref());
        let is_self_test = call.guard.is_none() && self.guards.is_self_test(event, owner.as_ref());
        call.owner = owner;
        let verdict = match call.guard {
            Some(_) => cause::by_guard(event),
            None if is_self_test => Verdict::only("the self-test of a guard"),
            None => cause::verdict(event, site, self.node.max_mappings),
        };
        call.cause = sole(&verdict.candidates, verdict.otherwise);
        call.candidates = verdict.candidates;
        call.otherwise = verdict.otherwise.map(str::to_owned);
        self.whole.counts.add(&call);
        if self.options.every.is_some() {
            self.part.counts.add(&call);
        }
        if self.options.lines && matches!(self.read, Ok(true)) {
            if self.options.cmdlines {
                call.cmdline = self.owners.cmdline(event.pid);
            }
            self.read = self.sink.line(&TraceLine::Call(Box::new(call)));
        }
    }

    fn flush(&mut self) -> io::Result<bool> {
        let read = std::mem::replace(&mut self.read, Ok(true))?;
        Ok(self.sink.flush()? && read)
    }

    fn sum_up(&mut self, lost: u64) -> anyhow::Result<()> {
        let part = std::mem::replace(&mut self.part, Interval::new(lost));
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

/// All that the event itself says.
fn describe(event: &Event, clock: &Clock, node: &Node) -> TracedCall {
    let lossy = |raw: &[u8]| String::from_utf8_lossy(raw).into_owned();
    TracedCall {
        time: clock.at(event.time),
        call: event.call.name().to_owned(),
        pid: event.pid,
        tid: event.tid,
        uid: event.uid,
        user_name: node.name(event.uid),
        cmdline: None,
        comm: lossy(&event.comm),
        cgroup: (event.cgroup > NO_CGROUP).then_some(event.cgroup),
        owner: None,
        // AT_FDCWD is negative.
        fd: event.fd.filter(|&fd| i32::try_from(fd).is_ok()),
        path: event.path.as_deref().map(lossy),
        path_cut: event.path_truncated,
        argument: event.argument,
        words: flags::names(event.call, event.argument),
        result: event.result,
        error: errno::name(event.result).map(String::from),
        cause: None,
        candidates: Vec::new(),
        otherwise: None,
        count: event.count.and_then(|count| counted(count, node)),
        guard: None,
        descriptor_limit: Some(event.descriptor_limit).filter(|&limit| limit != u64::MAX),
    }
}

/// The kernel's programs do not know the limit of mappings.
fn counted(count: Count, node: &Node) -> Option<CallCount> {
    let limit = match count.of {
        Counted::Mappings => node.max_mappings?,
        _ => count.limit,
    };
    Some(CallCount {
        of: count.of,
        uid: count.key.map(|key| key.uid),
        user_name: count.key.and_then(|key| node.name(key.uid)),
        user_namespace: count.key.map(|key| key.user_namespace),
        used: count.used,
        limit,
    })
}

fn max_mappings(host: &dyn Host) -> Option<u64> {
    let mut text = Vec::new();
    host.read(proc("sys/vm/max_map_count"), 32, &mut text)
        .ok()?;
    String::from_utf8_lossy(&text).trim().parse().ok()
}
