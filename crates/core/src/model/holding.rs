use serde::{Deserialize, Serialize};

use crate::cause::Cause;

/// What one process holds of the budgets of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Cause code that the budget's exhaustion has.
    pub cause: Cause,
    /// Thread-group id.
    pub pid: u32,
    /// How much, in the unit of the budget.
    pub amount: u64,
}
