//! /proc/PID/maps (`show_map_vma`, fs/proc/task_mmu.c): `from-to rights offset device inode  name`, a line a mapping.

use super::{Malformed, Parsed};

/// The name of a ring of asynchronous I/O (`aio_private_file`, fs/aio.c); ` (deleted)` follows.
const RING: &[u8] = b"/[aio]";
/// `struct aio_ring` and each `struct io_event` in it (fs/aio.c) take as much.
const EVENT_BYTES: u64 = 32;
/// Events beyond two a request (`ioctx_alloc`, `aio_setup_ring`).
const SPARE_EVENTS: u64 = 2;

/// Whether the mapping is a ring of asynchronous I/O.
#[must_use]
pub fn is_aio_ring(line: &[u8]) -> bool {
    // The name is last and the only field with a slash.
    memchr::memchr(b'/', line).is_some_and(|name| line[name..].starts_with(RING))
}

/// Requests that the ring which this line shows has room for: at least as many as io_setup(2) reserved, for the kernel rounds up
/// to whole pages.
///
/// # Errors
///
/// When the line does not begin with two addresses in order.
pub fn aio_requests(line: &[u8]) -> Parsed<u64> {
    let broken = || Malformed::new("maps", "no two addresses");
    let address = |text: &str| u64::from_str_radix(text, 16).ok();
    let range = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    let range = std::str::from_utf8(range).map_err(|_| broken())?;
    let (from, to) = range.split_once('-').ok_or_else(broken)?;
    let size = address(to)
        .zip(address(from))
        .and_then(|(to, from)| to.checked_sub(from));
    let events = size.ok_or_else(broken)? / EVENT_BYTES;
    Ok(events.saturating_sub(1 + SPARE_EVENTS) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_real_ring() {
        // io_setup(1024) on a machine of two processors.
        let line = b"7f2c5e6d6000-7f2c5e6e7000 rw-s 00000000 00:0b 40157                      /[aio] (deleted)";
        assert!(is_aio_ring(line));
        assert_eq!(aio_requests(line).unwrap(), 1_086);
        assert!(!is_aio_ring(
            b"7f2c5e6d6000-7f2c5e6e7000 rw-s 00000000 00:0b 40157 /tmp/[aio]"
        ));
        assert!(!is_aio_ring(
            b"7f2c5e6d6000-7f2c5e6e7000 rw-p 00000000 00:00 0 [heap]"
        ));
        assert!(aio_requests(b"2000-1000 rw-s").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = (is_aio_ring(&bytes), aio_requests(&bytes));
        }

        #[test]
        fn never_less_than_was_reserved(requests in 1_u64..1 << 40) {
            let bytes = ((requests * 2 + SPARE_EVENTS + 1) * EVENT_BYTES).next_multiple_of(4_096);
            let line = format!("1000-{:x} rw-s 00000000 00:0b 1 /[aio] (deleted)", 0x1000 + bytes);
            let found = aio_requests(line.as_bytes()).unwrap();
            prop_assert!((requests..requests + 65).contains(&found), "{found}");
        }
    }
}
