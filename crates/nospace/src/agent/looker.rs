use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use tokio::sync::watch;

use super::{Config, Seen};
use crate::collect::collect;
use crate::host::live::Live;

/// Looks at the node again and again. The programs stay loaded in its host.
pub struct Looker {
    host: Live,
    config: Arc<Config>,
    news: watch::Sender<Option<Arc<Seen>>>,
    looks: u64,
}

impl Looker {
    /// Has not looked yet.
    pub fn new(host: Live, config: Arc<Config>, news: watch::Sender<Option<Arc<Seen>>>) -> Self {
        Self {
            host,
            config,
            news,
            looks: 0,
        }
    }

    /// Looks until `stop` has lost its sender. A look that takes longer than the interval delays the next: none are made up for.
    pub fn run(mut self, stop: &Receiver<()>) {
        loop {
            let begin = Instant::now();
            let seen = self.look(begin);
            self.news.send_replace(Some(Arc::new(seen)));
            let rest = self.config.interval.saturating_sub(begin.elapsed());
            if stop.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn look(&mut self, begin: Instant) -> Seen {
        self.looks += 1;
        self.host.renew();
        let mut report = nospace_core::conclude(&collect(&self.host));
        if let Some(name) = &self.config.node_name {
            report.node.name.clone_from(name);
        }
        Seen {
            number: self.looks,
            report,
            at: Instant::now(),
            took: begin.elapsed(),
            raised: Vec::new(),
        }
    }
}
