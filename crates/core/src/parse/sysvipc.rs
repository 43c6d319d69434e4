//! /proc/sysvipc/{sem,shm,msg}: a heading and one line a set, segment or queue.

use super::{Malformed, Parsed, lines, word};

/// Sets and semaphores in all of them, from /proc/sysvipc/sem.
///
/// # Errors
///
/// When a line lacks the column `nsems`.
pub fn semaphores(bytes: &[u8]) -> Parsed<(u64, u64)> {
    sum("sysvipc/sem", bytes, 3)
}

/// Segments and bytes in all of them, from /proc/sysvipc/shm.
///
/// # Errors
///
/// When a line lacks the column `size`.
pub fn segments(bytes: &[u8]) -> Parsed<(u64, u64)> {
    sum("sysvipc/shm", bytes, 3)
}

/// Queues, from /proc/sysvipc/msg.
#[must_use]
pub fn queues(bytes: &[u8]) -> u64 {
    lines(bytes).skip(1).count() as u64
}

fn sum(what: &'static str, bytes: &[u8], column: usize) -> Parsed<(u64, u64)> {
    lines(bytes)
        .skip(1)
        .try_fold((0, 0), |(count, total): (u64, u64), line| {
            let value = word(what, line, column)?;
            let total = total.checked_add(value);
            Ok((
                count + 1,
                total.ok_or_else(|| Malformed::new(what, "the sum is beyond 64 bits"))?,
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn real_files() {
        let sem = b"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n         0          0   600          7     0     0     0     0          0 1792372233\n         0          1   600          3     0     0     0     0          0 1792372233\n";
        assert_eq!(semaphores(sem).unwrap(), (2, 10));
        let shm = b"       key      shmid perms                  size  cpid  lpid nattch   uid\n         0          0   600                  4096 123 0 0 0\n";
        assert_eq!(segments(shm).unwrap(), (1, 4096));
        assert_eq!(queues(b"       key      msqid perms\n"), 0);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (semaphores(&bytes), segments(&bytes), queues(&bytes));
        }
    }
}
