//! What people and scripts see.

use std::io::Write as _;

/// Writes to standard output.
///
/// # Errors
///
/// When standard output cannot be written.
pub fn print(bytes: &[u8]) -> anyhow::Result<()> {
    std::io::stdout().write_all(bytes)?;
    Ok(())
}
