//! The agent's history: what is kept of earlier collections, and what is asked of it.
//!
//! ```text
//! CollectLoop ─ Keeper::add ─▶ History (Recent) ─┬▶ http: /api/v1/history, /
//!                  └─▶ StateFile (--state-dir) ◀─┘ read at the start
//! ```

mod clock;
mod lines;
mod query;
mod restore;
mod state;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nospace_core::history::{HistoryDocument, Query, Recent, Sample};
use nospace_core::report::Report;

use clock::Clock;
use state::{Save, StateFile};

/// What is kept of earlier collections. Collecting adds to it, HTTP reads it.
#[derive(Debug)]
pub struct History(Mutex<Recent>);

impl History {
    /// Keeps the last `keep`.
    pub fn new(keep: Duration) -> Self {
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        Self(Mutex::new(Recent::new(keep)))
    }

    /// All of it, of `node`; `None` before the first collection.
    pub fn whole(&self, node: &str) -> Option<HistoryDocument> {
        let recent = self.lock();
        recent.newest()?;
        Some(document(&recent, node, &Query::default(), &Clock::now()))
    }

    /// What the query of a request asks for; `None` before the first collection.
    ///
    /// # Errors
    ///
    /// The query is wrong: says what, and what to ask for instead.
    pub fn ask(&self, node: &str, query: &str) -> Result<Option<HistoryDocument>, String> {
        let recent = self.lock();
        let clock = Clock::now();
        let query = query::parse(query, &recent, &clock)?;
        Ok(recent
            .newest()
            .map(|_| document(&recent, node, &query, &clock)))
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn document(recent: &Recent, node: &str, query: &Query, clock: &Clock) -> HistoryDocument {
    recent.document(node, query, &|at| clock.time_of_day(at).to_string())
}

/// Adds collections to the history, and to the state directory where there is one.
pub struct Keeper {
    history: Arc<History>,
    state: Option<StateFile>,
    /// Refused calls up to the collection before.
    refused: BTreeMap<String, u64>,
}

impl Keeper {
    /// Takes up the history where an earlier agent has left it in `state_dir`. What cannot be used is said on standard error; the history
    /// is kept in memory in any case.
    pub fn open(history: Arc<History>, state_dir: Option<&Path>) -> Self {
        let state = state_dir.and_then(|directory| {
            let mut recent = history.lock();
            StateFile::open(directory, &mut recent, &Clock::now())
        });
        Self {
            history,
            state,
            refused: BTreeMap::new(),
        }
    }

    /// Whether the state directory is this agent's.
    pub fn has_directory(&self) -> bool {
        self.state.is_some()
    }

    /// Adds a collection; `refused` are all calls since the agent started, by cause. Returns what is to be saved.
    pub fn add(
        &mut self,
        report: &Report,
        every: Duration,
        refused: Option<BTreeMap<String, u64>>,
    ) -> Option<Save> {
        let clock = Clock::now();
        let new = refused.map(|all| {
            let since = all.iter().map(|(cause, calls)| {
                let before = self.refused.get(cause).copied().unwrap_or(0);
                (cause.clone(), calls.saturating_sub(before))
            });
            let since = since.filter(|(_, calls)| *calls > 0).collect();
            self.refused = all;
            since
        });
        let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        let sample = Sample::of(report, clock.at, every, new);
        let mut recent = self.history.lock();
        recent.add(sample);
        self.state.as_ref()?.prepare(&recent, &clock)
    }

    /// Saves it, as long as the disk takes: nobody waits for that but the next collection.
    pub fn save(&mut self, save: Option<Save>) {
        if let (Some(state), Some(save)) = (&mut self.state, save) {
            state.save(&save);
        }
    }
}
