//! The acts, in their order; each leaves the node as it found it.

pub mod cadvisor;
mod causes;
mod forecast;
mod healthy;
mod instances;
mod limits;
mod plan;
mod pods;
mod small_pods;
mod watches;

use crate::Stage;

type Act = fn(&mut Stage) -> anyhow::Result<()>;

/// Every act by its name.
pub const ACTS: [(&str, Act); 9] = [
    ("healthy", healthy::healthy),
    ("healthy-oracle", healthy::oracle),
    ("plan", plan::terms),
    ("watches-exhausted", watches::exhausted),
    ("watches-forecast", forecast::watches),
    ("instances-exhausted", instances::exhausted),
    ("instances-forecast", forecast::instances),
    ("small-pods", small_pods::exhausted),
    ("other-causes", causes::named),
];
