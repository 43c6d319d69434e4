use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Requests to the API server, counted by how they ended: `nospace_kubernetes_requests_total`.
#[derive(Debug, Default)]
pub struct RequestCounter(Mutex<BTreeMap<&'static str, u64>>);

impl RequestCounter {
    /// Counts one that ended as `result`: `ok`, `conflict`, `throttled`, `timeout`, `error`.
    pub fn count(&self, result: &'static str) {
        *self.lock().entry(result).or_default() += 1;
    }

    /// All so far.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
