//! Reading the records that the programs send (src/bpf/records.h).

use crate::skeleton::{accounting, guard, trace, watches};

/// A record that can be copied out of bytes.
///
/// # Safety
/// Every pattern of bits is a valid value, as it is for integers and arrays of them.
pub unsafe trait Record: Copy {}

// SAFETY: they consist of integers, enums that are integers in Rust, and arrays of integers.
unsafe impl Record for accounting::types::process_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::instance_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::user_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::epoll_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::namespaces_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::features_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::fanotify_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::fanotify_user_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::near_record {}
// SAFETY: as above.
unsafe impl Record for accounting::types::published_record {}
// SAFETY: as above.
unsafe impl Record for watches::types::watch_record {}
// SAFETY: as above.
unsafe impl Record for watches::types::file_record {}
// SAFETY: as above.
unsafe impl Record for watches::types::entry_record {}
// SAFETY: as above.
unsafe impl Record for trace::types::trace_record {}
// SAFETY: as above.
unsafe impl Record for guard::types::guard_record {}
// SAFETY: as above.
unsafe impl Record for guard::types::guard_counts {}
// SAFETY: as above.
unsafe impl Record for guard::types::guard_published {}

/// Takes one record off the front of `bytes`; `None` if they are too short.
pub fn take<T: Record>(bytes: &mut &[u8]) -> Option<T> {
    let (record, rest) = bytes.split_at_checked(size_of::<T>())?;
    *bytes = rest;
    // SAFETY: there are as many bytes as the record has, and any bytes are one; its alignment does not matter.
    Some(unsafe { record.as_ptr().cast::<T>().read_unaligned() })
}

/// The text in front of the NUL that ends a C string.
pub fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|&b| b == 0).next().unwrap_or_default()
}
