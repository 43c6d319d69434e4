use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use nospace_core::fleet::MorePods;
use tokio::sync::watch;

use super::config::ConfigReceiver;
use super::guard::GuardState;
use super::history::Keeper;
use super::observation::Observation;
use super::pages::{Asked, Pages};
use super::recording::Recorder;
use super::refusals::Refusals;
use super::tuner::Tuner;
use crate::collect::collect;
use crate::host::live::Live;
use crate::sampling::{Sampled, Sampler};

/// After this collection the pages of the program that only its start needed are given back.
const FIRST_RELEASE: u64 = 2;
/// And after each of this many collections, those that only rare work needed: once an hour at the usual interval.
const RELEASE_EVERY: u64 = 240;

/// Collects once per interval.
pub struct CollectLoop {
    /// Collects from the node.
    pub sampler: Sampler,
    /// The agent's settings.
    pub config: ConfigReceiver,
    /// Where observations go.
    pub publish: watch::Sender<Option<Arc<Observation>>>,
    /// Told which pods still exist.
    pub refusals: Arc<Refusals>,
    /// What the agent's guard does, told likewise.
    pub guard: Arc<GuardState>,
    /// The host's /proc, where limits are raised.
    pub procfs: PathBuf,
    /// Raises limits, once there was `--tune`.
    pub tuner: Option<Tuner>,
    /// Keeps what was collected.
    pub keeper: Keeper,
    /// Records what was collected, where there is a place for it.
    pub recorder: Option<Recorder>,
    /// Which pages are written in advance.
    pub asked: Arc<Asked>,
}

impl CollectLoop {
    /// Collects once per interval, and at once when something comes through `renew`, until its sender is dropped. A collection that
    /// takes longer than the interval delays the next one.
    pub fn run(mut self, renew: &Receiver<()>) {
        for number in 1.. {
            let begin = Instant::now();
            let observation = self.collect(number, begin);
            observation.write_pages();
            let interval = self.config.borrow().interval;
            let refused = self.refusals.by_cause();
            let save = self.keeper.add(&observation.report, interval, refused);
            self.publish.send_replace(Some(Arc::new(observation)));
            self.keeper.save(save);
            if number == FIRST_RELEASE || number % RELEASE_EVERY == 0 {
                nospace_bpf::memory::release_program_pages();
            }
            let rest = interval.saturating_sub(begin.elapsed());
            if renew.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    fn collect(&mut self, number: u64, begin: Instant) -> Observation {
        let config = Arc::clone(&self.config.borrow());
        let mut more_pods = None;
        let recorder = &mut self.recorder;
        let look = |host: &Live| match recorder {
            Some(recorder) => recorder.collect(host),
            None => collect(host),
        };
        let Sampled { mut report, growth } = self.sampler.sample(look, |host, view| {
            more_pods = MorePods::of(view);
            self.refusals.fold_deleted_pods(view);
            self.guard.fold_deleted_pods(view);
            if config.tune {
                let new = || Tuner::new(self.procfs.clone());
                let tuner = self.tuner.get_or_insert_with(new);
                tuner.adjust(host, view, number, config.tune_ceiling);
            }
        });
        if let Some(name) = &config.node_name {
            report.node.name.clone_from(name);
        }
        let tuner = self.tuner.as_ref();
        Observation {
            number,
            report,
            finished_at: Instant::now(),
            duration: begin.elapsed(),
            growth,
            limit_raises: tuner
                .map(|tuner| tuner.limit_raises.clone())
                .unwrap_or_default(),
            raise_counts: tuner
                .map(|tuner| tuner.raise_counts.clone())
                .unwrap_or_default(),
            guard: self.guard.view(),
            pages: Pages::new(Arc::clone(&self.asked), more_pods, config.top),
        }
    }
}
