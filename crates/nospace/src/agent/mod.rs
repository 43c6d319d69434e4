//! `nospace agent`: every look of `check`, for Prometheus and the Kubernetes API.
//!
//! ```text
//! Looker (thread) ─▶ Seen ─ watch ─┬▶ serve (HTTP)
//! Refusals (thread) ─▶ counters ───┤
//!                                  └▶ kube (node conditions, events)
//! ```

pub mod kube;
mod requests;
mod seen;

pub use requests::Requests;
pub use seen::{News, Raised, Seen, Stop};
