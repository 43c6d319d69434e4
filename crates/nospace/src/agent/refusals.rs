use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nospace_bpf::trace::{Call, Event, Options, Tracer};
use nospace_core::attribute::View;
use nospace_core::cause::Cause;
use nospace_core::limits::{LIMITS, Refusal};
use nospace_core::metrics::{AgentMetrics, InotifyRefusals, OTHER};
use nospace_core::report::{Owner, PodPart};

use crate::host::live::Live;
use crate::trace::{GuardCache, OwnerCache, candidates, depends_on_place, errno};
use crate::ui::warn;

/// Rows, not counting `other`.
const MAX_ROWS: usize = 200;
/// How long one poll of the ring waits, and so how late a stop is noticed.
const POLL_TIMEOUT: Duration = Duration::from_millis(250);
/// How often lost events are read.
const LOST_INTERVAL: Duration = Duration::from_secs(1);
/// A pod that is not in the latest collection is kept this long: it may be newer.
const GRACE: Duration = Duration::from_secs(60);

/// Causes that a call can be refused for, told from the start: a counter that begins at 1 has not grown.
fn causes() -> impl Iterator<Item = Cause> {
    let is_traced = |refusal: &Refusal| refusal.call.is_none_or(Call::is_traced);
    let refusing = LIMITS
        .iter()
        .filter(move |limit| limit.refusals.iter().any(is_traced));
    refusing.map(|limit| limit.cause)
}

/// Refused calls, counted as the kernel refuses them.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// The trace is being attached.
    starting: bool,
    /// By cause; `None` without a trace.
    causes: Option<BTreeMap<String, u64>>,
    rows: BTreeMap<Row, CallCount>,
    lost: u64,
}

/// Error, call, namespace, pod, container.
type Row = [String; 5];

#[derive(Debug)]
struct CallCount {
    calls: u64,
    last: Instant,
}

/// The calls of one poll, grouped: finding an owner takes long, and the ring fills up meanwhile. With the first call of
/// each group, and how many they are.
type Batch = HashMap<CallGroup, (Event, u64)>;

/// All that is counted of a call: its result, process, cgroup and causes.
type CallGroup = (Call, i64, u32, u64, Vec<Cause>);

fn add(batch: &mut Batch, event: Event, owners: &OwnerCache<'_>) {
    let site = depends_on_place(&event).then(|| owners.site(&event));
    let causes = candidates(&event, site.unwrap_or_default());
    if !causes.is_empty() {
        let group = (event.call, event.result, event.pid, event.cgroup, causes);
        batch.entry(group).or_insert((event, 0)).1 += 1;
    }
}

impl Refusals {
    /// A thread is about to call [`Refusals::count`].
    pub fn begin(&self) {
        self.lock().starting = true;
    }

    /// Whether the trace is still being attached.
    pub fn starting(&self) -> bool {
        self.lock().starting
    }

    /// Counts until the sender of `stop` is dropped. Where the kernel cannot be traced it says so once, and counts nothing.
    pub fn count(&self, host: &Live, stop: &Receiver<()>) {
        let options = Options {
            failed_only: true,
            low_memory: true,
            ..Options::default()
        };
        let done = match Tracer::start(options) {
            Ok(tracer) => self.follow(tracer, host, stop),
            Err(why) => Err(anyhow::anyhow!("{why}")),
        };
        if let Err(why) = done {
            warn(&format!("refused calls are not counted: {why}"));
        }
        let mut counted = self.lock();
        counted.starting = false;
        counted.causes = None;
    }

    fn follow(&self, mut tracer: Tracer, host: &Live, stop: &Receiver<()>) -> anyhow::Result<()> {
        let mut owners = OwnerCache::new(host);
        let mut guards = GuardCache::new(host);
        owners.gaps.iter().for_each(|gap| warn(gap));
        let none = causes().map(|cause| (cause.code().to_owned(), 0));
        let mut counted = self.lock();
        counted.starting = false;
        counted.causes = Some(none.collect());
        drop(counted);
        let mut asked = Instant::now();
        let mut batch = Batch::default();
        while stop.try_recv() == Err(TryRecvError::Empty) {
            tracer.poll(POLL_TIMEOUT, |event| add(&mut batch, event, &owners))?;
            for ((.., causes), (event, calls)) in batch.drain() {
                // It is refused each minute, and nothing is used up.
                if guards.is_self_test(&event) {
                    continue;
                }
                self.record(&event, &causes, calls, &mut owners);
            }
            if asked.elapsed() >= LOST_INTERVAL {
                self.lock().lost = tracer.lost();
                asked = Instant::now();
            }
        }
        Ok(())
    }

    fn record(&self, event: &Event, causes: &[Cause], calls: u64, owners: &mut OwnerCache<'_>) {
        let codes: Vec<_> = causes.iter().map(|cause| cause.code()).collect();
        let row = event.call.is_inotify().then(|| row(event, owners));
        let mut counted = self.lock();
        let causes = counted.causes.get_or_insert_default();
        *causes.entry(codes.join(" or ")).or_default() += calls;
        if let Some(row) = row {
            counted.add(row, calls, Instant::now());
        }
    }

    /// Moves the counts of pods that no longer exist to `other`.
    pub fn fold_deleted_pods(&self, view: &View<'_>) {
        let mut counted = self.lock();
        if counted.rows.is_empty() {
            return;
        }
        let logs = &view.snapshot.containers.pod_logs;
        let logs = logs.iter().map(|p| (p.name.as_str(), p.uid.as_str()));
        let holders = view.pods.iter().map(|p| (p.name.as_str(), p.uid.as_str()));
        let there: BTreeSet<&str> = logs.chain(holders).flat_map(|(n, u)| [n, u]).collect();
        let gone = |row: &Row, calls: &CallCount| {
            !row[3].is_empty()
                && row[3] != OTHER
                && !there.contains(row[3].as_str())
                && calls.last.elapsed() > GRACE
        };
        for (row, calls) in counted
            .rows
            .extract_if(.., |row, calls| gone(row, calls))
            .collect::<Vec<_>>()
        {
            counted.add(other(row), calls.calls, calls.last);
        }
    }

    /// Refused calls since the agent started, by what was used up; `None` where they are not counted.
    pub fn by_cause(&self) -> Option<BTreeMap<String, u64>> {
        self.lock().causes.clone()
    }

    /// Copies the counts into the agent's metrics.
    pub fn fill(&self, metrics: &mut AgentMetrics) {
        let counted = self.lock();
        metrics.refusals.clone_from(&counted.causes);
        metrics.lost_events = counted.lost;
        metrics.inotify_refusals = counted
            .rows
            .iter()
            .map(|(row, calls)| {
                let [errno, call, namespace, pod, container] = row.clone();
                InotifyRefusals {
                    errno,
                    call,
                    namespace,
                    pod,
                    container,
                    calls: calls.calls,
                }
            })
            .collect();
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn add(&mut self, row: Row, calls: u64, last: Instant) {
        let full = self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&row);
        let row = if full { other(row) } else { row };
        let entry = self.rows.entry(row).or_insert(CallCount { calls: 0, last });
        entry.calls += calls;
        entry.last = entry.last.max(last);
    }
}

fn other([errno, call, ..]: Row) -> Row {
    let other = || OTHER.to_owned();
    [errno, call, other(), other(), other()]
}

fn row(event: &Event, owners: &mut OwnerCache<'_>) -> Row {
    let errno = errno::name(event.result).unwrap_or_default().into_owned();
    let [namespace, pod, container] = pod_labels(owners.of(event));
    [
        errno,
        event.call.name().to_owned(),
        namespace,
        pod,
        container,
    ]
}

/// Namespace, pod and container as labels.
fn pod_labels(owner: Option<Owner>) -> [String; 3] {
    match owner {
        Some(Owner::Pod {
            namespace,
            name,
            uid,
            container,
            part,
        }) => {
            let container = match (part, container) {
                (PodPart::Sandbox, _) => "sandbox".to_owned(),
                (PodPart::Shim, _) => "shim".to_owned(),
                (PodPart::Container, Some(c)) if c.name.is_empty() => short(&c.id),
                (PodPart::Container, Some(c)) => c.name,
                (PodPart::Container, None) => String::new(),
            };
            [
                namespace,
                if name.is_empty() { uid } else { name },
                container,
            ]
        }
        Some(Owner::Container { id, name, .. }) => {
            let name = name.unwrap_or_else(|| short(&id));
            [String::new(), String::new(), name]
        }
        Some(Owner::Host | Owner::Unit { .. }) | None => Default::default(),
    }
}

fn short(id: &str) -> String {
    id.get(..13).unwrap_or(id).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pod: &str) -> Row {
        ["ENOSPC", "inotify_add_watch", "default", pod, "app"].map(str::to_owned)
    }

    fn rows(refusals: &Refusals) -> Vec<InotifyRefusals> {
        let mut metrics = AgentMetrics::default();
        refusals.fill(&mut metrics);
        metrics.inotify_refusals
    }

    #[test]
    fn rows_are_bounded_and_none_is_lost() {
        let refusals = Refusals::default();
        for n in 0..MAX_ROWS + 50 {
            refusals.lock().add(row(&n.to_string()), 2, Instant::now());
        }
        let rows = rows(&refusals);
        assert_eq!(rows.len(), MAX_ROWS + 1);
        assert_eq!(
            rows.iter().map(|r| r.calls).sum::<u64>(),
            2 * (MAX_ROWS as u64 + 50)
        );
        let other = rows.iter().find(|r| r.pod == OTHER).unwrap();
        assert_eq!((other.calls, other.errno.as_str()), (100, "ENOSPC"));
    }

    #[test]
    fn pods_that_have_gone_go_over_to_other() {
        let refusals = Refusals::default();
        let long_ago = Instant::now().checked_sub(GRACE * 2).unwrap();
        refusals.lock().add(row("here"), 1, long_ago);
        refusals.lock().add(row("gone"), 5, long_ago);
        refusals.lock().add(row("new"), 3, Instant::now());
        refusals.lock().add(row(""), 4, long_ago);
        let mut snapshot = nospace_core::model::Snapshot::default();
        snapshot
            .containers
            .pod_logs
            .push(nospace_core::model::PodLog {
                namespace: "default".to_owned(),
                name: "here".to_owned(),
                uid: "1".to_owned(),
            });
        refusals.fold_deleted_pods(&nospace_core::view(&snapshot));
        let rows = rows(&refusals);
        let rows: Vec<_> = rows.iter().map(|r| (r.pod.as_str(), r.calls)).collect();
        assert_eq!(rows, [("", 4), ("here", 1), ("new", 3), (OTHER, 5)]);
    }
}
