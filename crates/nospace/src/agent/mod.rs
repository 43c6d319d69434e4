//! `nospace agent`: collects what `check` does again and again, for Prometheus and the Kubernetes API.
//!
//! ```text
//! CollectLoop (thread) ─▶ Observation ─ watch ─┬▶ http
//! Refusals (thread) ─▶ counters ───────────────┤
//! GuardThread ─▶ GuardState ───────────────────┤
//!        └▶ Keeper ─▶ History (last hours) ───┤
//!                                              ├▶ kube (node conditions, events)
//!                                              └▶ webhook (changes of findings)
//! ```

mod call_rows;
mod collect_loop;
mod config;
mod guard;
mod history;
mod http;
pub mod kube;
mod observation;
pub mod page;
mod pages;
mod process;
mod recording;
mod refusals;
mod reload;
mod request_counter;
mod run;
mod tuner;
mod webhook;

pub use config::{Config, Settings, SettingsSource};
pub use http::{ASKS_FOR_TOKEN, CLIENT_HEADER, STARTING};
pub(crate) use kube::jittered;
pub use observation::{LimitRaise, Observation};
pub use pages::Pages;
pub use request_counter::RequestCounter;
pub use run::run;
