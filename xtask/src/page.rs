//! The page that an agent serves, of a recorded node: docs/images/agent.png is made of `watches-v1` by scripts/page-pictures.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nospace::agent::{Observation, Pages, page};
use nospace::collect::collect;
use nospace::host::recorded::Recorded;
use nospace_core::metrics::AgentMetrics;

pub fn write(archive: &str) -> Result<()> {
    let begin = Instant::now();
    let observation = Observation {
        number: 1,
        report: nospace_core::conclude(&collect(&Recorded::open(Path::new(archive))?)),
        finished_at: Instant::now(),
        duration: begin.elapsed(),
        growth: Vec::new(),
        raise_counts: BTreeMap::new(),
        limit_raises: Vec::new(),
        guard: None,
        pages: Pages::default(),
    };
    let page = page::draw(
        &observation,
        &AgentMetrics::default(),
        Duration::from_secs(15),
        None,
    );
    io::stdout().write_all(&page).context("standard output")
}
