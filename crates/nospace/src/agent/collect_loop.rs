use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use nospace_core::growth::{self, History};
use tokio::sync::watch;

use super::config::ConfigReceiver;
use super::observation::Observation;
use super::pages::Pages;
use super::refusals::Refusals;
use super::tuner::Tuner;
use crate::collect;
use crate::host::live::Live;

/// Collects once per interval. The eBPF programs stay loaded in its host.
pub struct CollectLoop {
    /// The node.
    pub host: Live,
    /// The agent's settings.
    pub config: ConfigReceiver,
    /// Where observations go.
    pub publish: watch::Sender<Option<Arc<Observation>>>,
    /// Told which pods still exist.
    pub refusals: Arc<Refusals>,
    /// The host's /proc, where limits are raised.
    pub procfs: PathBuf,
    /// Raises limits, once there was `--tune`.
    pub tuner: Option<Tuner>,
}

impl CollectLoop {
    /// Collects once per interval, and at once when something comes through `renew`, until its sender is dropped. A collection that
    /// takes longer than the interval delays the next one.
    pub fn run(mut self, renew: &Receiver<()>) {
        let started = Instant::now();
        let mut history = History::default();
        for number in 1.. {
            let begin = Instant::now();
            let seconds = begin.duration_since(started).as_secs_f64();
            let observation = self.collect(number, begin, &mut history, seconds);
            self.publish.send_replace(Some(Arc::new(observation)));
            let interval = self.config.borrow().interval;
            let rest = interval.saturating_sub(begin.elapsed());
            if renew.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    fn collect(
        &mut self,
        number: u64,
        begin: Instant,
        history: &mut History,
        seconds: f64,
    ) -> Observation {
        self.host.renew();
        let snapshot = collect::collect(&self.host);
        let view = nospace_core::view(&snapshot);
        self.refusals.fold_deleted_pods(&view);
        let growth = history.add(&view, seconds);
        let findings = growth::findings(&view, history, &growth, seconds);
        let config = Arc::clone(&self.config.borrow());
        if config.tune {
            let new = || Tuner::new(self.procfs.clone());
            let tuner = self.tuner.get_or_insert_with(new);
            tuner.adjust(&self.host, &view, number, config.tune_ceiling);
        }
        let mut report = nospace_core::conclude_with(view, findings);
        if let Some(name) = &config.node_name {
            report.node.name.clone_from(name);
        }
        let pages = Pages::new(&report, &growth, config.top);
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
            pages,
        }
    }
}
