use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use nospace_core::growth::{self, History};
use tokio::sync::watch;

use super::config::Config;
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
    pub config: Arc<Config>,
    /// Where observations go.
    pub publish: watch::Sender<Option<Arc<Observation>>>,
    /// Told which pods still exist.
    pub refusals: Arc<Refusals>,
    /// Raises limits, with `--tune`.
    pub tuner: Option<Tuner>,
}

impl CollectLoop {
    /// Collects until the sender of `stop` is dropped. A collection that takes longer than the interval delays the next one.
    pub fn run(mut self, stop: &Receiver<()>) {
        let started = Instant::now();
        let mut history = History::default();
        for number in 1.. {
            let begin = Instant::now();
            let seconds = begin.duration_since(started).as_secs_f64();
            let observation = self.collect(number, begin, &mut history, seconds);
            self.publish.send_replace(Some(Arc::new(observation)));
            let rest = self.config.interval.saturating_sub(begin.elapsed());
            if stop.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
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
        let growth = history.look(&view, seconds);
        let findings = growth::findings(&view, history, &growth, seconds);
        if let Some(tuner) = &mut self.tuner {
            tuner.adjust(&self.host, &view, number);
        }
        let mut report = nospace_core::conclude_with(view, findings);
        if let Some(name) = &self.config.node_name {
            report.node.name.clone_from(name);
        }
        let pages = Pages::new(&report, &growth, self.config.top);
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
