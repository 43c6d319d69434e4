//! `nospace agent`: every look of `check`, for Prometheus and the Kubernetes API.
//!
//! ```text
//! Looker (thread) ─▶ Seen, and what of it is wanted, written and packed ─ watch ─┬▶ serve (HTTP)
//! Refusals (thread) ─▶ counters ───┤
//!                                  └▶ kube (node conditions, events)
//! ```

mod config;
pub mod kube;
mod looker;
mod own;
mod packed;
mod page;
mod ready;
mod refusals;
mod requests;
mod run;
mod seen;
mod serve;
mod tuner;

pub use config::{Config, Kube, Settings, Trace, interval, listen, node_name, top};

pub use packed::{Packing, Piece};
pub use page::draw as page;
pub use ready::{Content, Ready, Wishes};
pub use requests::Requests;
pub use run::run;
pub use seen::{News, Raised, Seen, Stop};
