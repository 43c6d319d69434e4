//! Draws what people see.
//!
//! Everything here draws into memory; [`screen`] alone knows a terminal. A line is built of pieces that are
//! cleaned as they are put in ([`Line`]), so nothing from the node reaches a terminal raw.

pub mod bar;
mod charset;
pub mod cluster;
pub mod cmdline;
pub mod diff;
pub mod exhaust;
pub mod explain;
pub mod guard;
pub mod html;
pub mod human;
mod line;
pub mod markdown;
pub mod number;
mod page;
pub mod plan;
pub mod screen;
pub mod style;
pub mod table;
pub mod text;
pub mod trace;
pub mod tune;
pub mod watches;

pub use charset::{Charset, is_invisible};
pub use line::Line;
pub use page::Page;
pub use screen::{complain, offer, offer_from, print, warn};
