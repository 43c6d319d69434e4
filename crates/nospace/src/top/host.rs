//! What is asked of a host besides samples, be it live or recorded.

use std::sync::Arc;

use nospace_core::watches::WatchesReport;

use crate::host::Host;
use crate::watches;

/// The watches of these processes, or why there are none.
///
/// # Errors
///
/// They cannot be listed, or the recording does not have them.
pub fn watches_of(host: &dyn Host, pids: &[u32]) -> Result<Arc<WatchesReport>, String> {
    let wanted: Vec<String> = pids.iter().map(u32::to_string).collect();
    let report = watches::report(host, &wanted).map_err(|why| format!("{why:#}"))?;
    let held: u64 = report.holders.iter().map(|process| process.watches).sum();
    if host.is_recording() && report.watches.is_empty() && held > 0 {
        return Err("the recording has no list of watches".to_owned());
    }
    Ok(Arc::new(report))
}
