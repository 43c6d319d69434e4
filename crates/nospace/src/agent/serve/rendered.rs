use std::collections::HashMap;
use std::time::{Duration, Instant};

use hyper::body::Bytes;

use crate::agent::Packing;

/// What is to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// /metrics in Prometheus' text format.
    Metrics,
    /// /metrics in OpenMetrics.
    OpenMetrics,
    /// /api/v1/report.
    Report,
    /// /.
    Html,
}

/// Bodies of the newest look, made once for however many ask.
#[derive(Debug, Default)]
pub struct Rendered {
    look: u64,
    bodies: HashMap<(Page, Packing), (Instant, Bytes)>,
}

impl Rendered {
    /// The body of `page` for look number `look`, if it is not older than `fresh`; else `make` makes it.
    pub fn body(
        &mut self,
        look: u64,
        (page, packing): (Page, Packing),
        fresh: Duration,
        make: impl FnOnce() -> Bytes,
    ) -> Bytes {
        if self.look != look {
            self.bodies.clear();
            self.look = look;
        }
        if let Some((made, body)) = self.bodies.get(&(page, packing))
            && made.elapsed() <= fresh
        {
            return body.clone();
        }
        let body = make();
        self.bodies
            .insert((page, packing), (Instant::now(), body.clone()));
        body
    }
}
