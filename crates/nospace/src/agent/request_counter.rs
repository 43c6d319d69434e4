use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Requests by result: `nospace_kubernetes_requests_total` and `nospace_webhook_requests_total`.
#[derive(Debug, Default)]
pub struct RequestCounter(Mutex<BTreeMap<&'static str, u64>>);

impl RequestCounter {
    /// Counts a request that ended as `result`: `ok`, `conflict`, `throttled`, `refused`, `timeout` or `error`.
    pub fn count(&self, result: &'static str) {
        *self.lock().entry(result).or_default() += 1;
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
