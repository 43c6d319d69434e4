//! `nospace agent`: every look of `check`, for Prometheus and the Kubernetes API.
//!
//! ```text
//! Looker (thread) ─▶ Seen with its Pages ─ watch ─┬▶ http
//! Refusals (thread) ─▶ counters ──────────────────┤
//!                                                 └▶ kube (node conditions, events)
//! ```

mod config;
mod http;
pub mod kube;
mod looker;
mod own;
mod page;
mod pages;
mod refusals;
mod requests;
mod run;
mod seen;
mod tuner;

pub use config::{Config, Kube, Settings, Trace, interval, listen, node_name, top};

pub use page::draw as page;
pub use pages::Pages;
pub use requests::Requests;
pub use run::run;
pub use seen::{News, Raised, Seen, Stop};
