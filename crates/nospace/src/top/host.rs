//! What is asked of a host besides samples, be it live or recorded.

use std::sync::Arc;

use nospace_core::parse::passwd;
use nospace_core::watches::WatchesReport;

use super::sample::UserNames;
use crate::host::{Host, root};
use crate::watches;

/// /etc/passwd is read up to here.
const MAX_PASSWD: usize = 4 << 20;

/// The users that the node's /etc/passwd names; without it they have numbers.
pub fn user_names(host: &dyn Host) -> UserNames {
    let mut text = Vec::new();
    match host.read(root("etc/passwd"), MAX_PASSWD, &mut text) {
        Ok(()) => UserNames::new(passwd::names(&text)),
        Err(_) => UserNames::default(),
    }
}

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
