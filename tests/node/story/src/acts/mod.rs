//! The acts, in their order; each leaves the node as it found it.

pub mod cadvisor;
mod causes;
mod forecast;
mod healthy;
mod instances;
mod limits;
mod pods;
mod watches;

use crate::Stage;

type Act = fn(&mut Stage) -> anyhow::Result<()>;

/// Every act by its name.
pub const ACTS: [(&str, Act); 7] = [
    ("healthy", healthy::healthy),
    ("healthy-oracle", healthy::oracle),
    ("watches-exhausted", watches::exhausted),
    ("watches-forecast", forecast::watches),
    ("instances-exhausted", instances::exhausted),
    ("instances-forecast", forecast::instances),
    ("other-causes", causes::named),
];
