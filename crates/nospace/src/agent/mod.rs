//! `nospace agent`: every look of `check`, for Prometheus and the Kubernetes API.
//!
//! ```text
//! Looker (thread) ─▶ Seen ─ watch ─┬▶ serve (HTTP)
//! Refusals (thread) ─▶ counters ───┤
//!                                  └▶ kube (node conditions, events)
//! ```

mod seen;

pub use seen::{News, Seen};
