use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nospace_bpf::trace::{Call, Event, Options, Tracer};
use nospace_core::attribute::View;
use nospace_core::cause::Cause;
use nospace_core::limits::{LIMITS, Refusal};
use nospace_core::metrics::{AgentMetrics, InotifyRefusals};
use nospace_core::report::{Owner, PodPart};

use super::call_rows::CallRows;
use crate::host::live::Live;
use crate::trace::{GuardCache, OwnerCache, Verdict, depends_on_place, errno, verdict};
use crate::ui::warn;

/// How long one poll of the ring waits, and so how late a stop is noticed.
const POLL_TIMEOUT: Duration = Duration::from_millis(250);
/// How often lost events are read.
const LOST_INTERVAL: Duration = Duration::from_secs(1);
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
    rows: CallRows<5, 2>,
    lost: u64,
}

/// Error, call, namespace, pod, container.
type Row = [String; 5];

/// The calls of one poll, grouped: finding an owner takes long, and the ring fills up meanwhile. With the first call of
/// each group, and how many they are.
type Batch = HashMap<CallGroup, (Event, u64)>;

/// All that is counted of a call: its result, process, cgroup and what refused it.
type CallGroup = (Call, i64, u32, u64, Verdict);

fn add(batch: &mut Batch, event: Event, owners: &OwnerCache<'_>) {
    let site = depends_on_place(&event).then(|| owners.site(&event));
    let refused = verdict(&event, site.unwrap_or_default(), None);
    if !refused.candidates.is_empty() {
        let group = (event.call, event.result, event.pid, event.cgroup, refused);
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
            for ((.., verdict), (event, calls)) in batch.drain() {
                let owner = event.call.is_inotify().then(|| owners.of(&event)).flatten();
                // It is refused each minute, and nothing is used up.
                if guards.is_self_test(&event, owner.as_ref()) {
                    continue;
                }
                // Nothing is used up where a guard refused.
                let by_guard = guards.refused(&event, owner.as_ref()).is_some();
                self.record(&event, (!by_guard).then_some(&verdict), calls, owner);
            }
            if asked.elapsed() >= LOST_INTERVAL {
                self.lock().lost = tracer.lost();
                asked = Instant::now();
            }
        }
        Ok(())
    }

    fn record(&self, event: &Event, verdict: Option<&Verdict>, calls: u64, owner: Option<Owner>) {
        let row = event.call.is_inotify().then(|| row(event, owner));
        let mut counted = self.lock();
        if let Some(verdict) = verdict {
            let causes = counted.causes.get_or_insert_default();
            *causes.entry(reasons(verdict)).or_default() += calls;
        }
        if let Some(row) = row {
            counted.rows.add(row, calls, Instant::now());
        }
    }

    /// Moves the counts of pods that no longer exist to `other`.
    pub fn fold_deleted_pods(&self, view: &View<'_>) {
        self.lock().rows.fold_deleted_pods(view);
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
                    calls,
                }
            })
            .collect();
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `inotify-watches`; `inotify-watches or another reason` where it is not certain that it was a limit.
fn reasons(verdict: &Verdict) -> String {
    let codes = verdict.candidates.iter().map(|cause| cause.code());
    let otherwise = verdict.otherwise.map(|_| "another reason");
    codes.chain(otherwise).collect::<Vec<_>>().join(" or ")
}

fn row(event: &Event, owner: Option<Owner>) -> Row {
    let errno = errno::name(event.result).unwrap_or_default().into_owned();
    let [namespace, pod, container] = pod_labels(owner);
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

    #[test]
    fn what_is_not_certain_is_counted_apart() {
        let watches = Verdict::of([Cause::InotifyWatches]);
        assert_eq!(reasons(&watches), "inotify-watches");
        let unknown = watches.or("a BPF program");
        assert_eq!(reasons(&unknown), "inotify-watches or another reason");
        let either = Verdict::of([Cause::InotifyInstances, Cause::ProcessFiles]);
        assert_eq!(reasons(&either), "inotify-instances or process-files");
    }
}
