//! Owners: processes to units, containers and pods; instances summed, each once.

mod forecast;
mod holders;
pub(crate) mod kubelet;
mod names;
mod owners;
mod pods;
mod processes;
mod room;
mod running;
mod users;
mod view;

pub use holders::{Holder, Part};
pub use kubelet::{is_starting, kubelets, may_be_kubelet_in_container, node_kubelet};
pub use owners::owners;
pub use room::Room;
pub use running::{Running, running};
pub use users::{below, chain, find, most_used, user_ref};
pub use view::View;

#[cfg(test)]
mod forecast_tests;
#[cfg(test)]
mod sums_tests;
