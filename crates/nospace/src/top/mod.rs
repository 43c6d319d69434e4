//! `nospace top`: the node, live, or as it was recorded.
//!
//! ```text
//! Feed (thread): Worker or Player ───┐
//! trace (thread): refused calls ─────┴─ Update ─▶ State ─ draw ─▶ Buffer ─▶ Terminal
//!                                       keys ────▲   └─ Effect: Request ─▶ Feed
//! ```
//!
//! `State` is pure: what came in and which keys were pressed decide what is drawn, and drawing depends on nothing else.

pub mod budgets;
mod data;
mod draw;
pub mod drill;
mod feed;
pub mod holders;
mod host;
mod input;
mod live;
mod player;
pub mod refusals;
pub mod sample;
mod session;
pub mod state;
mod terminal;
pub mod update;

pub use data::Data;
pub use draw::{Look, draw};
pub use live::Pace;
pub use session::{Options, What, run};
