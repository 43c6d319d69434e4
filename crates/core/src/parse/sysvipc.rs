//! /proc/sysvipc/{sem,shm,msg} (`sysvipc_proc_show`, ipc/util.c): a heading, then one line per set, segment or queue.

use super::{Malformed, Parsed, word};

/// Totals of one of these files, which is read line by line: with the kernel's default limits it can have megabytes.
#[derive(Clone, Debug)]
pub struct Totals {
    file: &'static str,
    /// What is added up.
    column: Option<usize>,
    /// In units of this, each row rounded up.
    unit: u64,
    is_heading: bool,
    rows: u64,
    sum: u64,
}

impl Totals {
    /// For /proc/sysvipc/sem: rows are sets, the sum is that of their semaphores.
    #[must_use]
    pub fn semaphores() -> Self {
        Self::of("sysvipc/sem", Some(3), 1)
    }

    /// For /proc/sysvipc/shm: rows are segments, the sum is that of their pages of `page_size` bytes. A segment takes whole pages
    /// (`newseg`, ipc/shm.c).
    #[must_use]
    pub fn segments(page_size: u64) -> Self {
        Self::of("sysvipc/shm", Some(3), page_size.max(1))
    }

    /// For /proc/sysvipc/msg: rows are queues, nothing is added up.
    #[must_use]
    pub fn queues() -> Self {
        Self::of("sysvipc/msg", None, 1)
    }

    fn of(file: &'static str, column: Option<usize>, unit: u64) -> Self {
        Self {
            file,
            column,
            unit,
            is_heading: true,
            rows: 0,
            sum: 0,
        }
    }

    /// Adds the next line.
    ///
    /// # Errors
    ///
    /// When it lacks the column that is added up, or the sum is beyond 64 bits.
    pub fn add(&mut self, line: &[u8]) -> Parsed<()> {
        if std::mem::take(&mut self.is_heading) {
            return Ok(());
        }
        self.rows += 1;
        if let Some(column) = self.column {
            let value: u64 = word(self.file, line, column)?;
            let sum = self.sum.checked_add(value.div_ceil(self.unit));
            self.sum = sum.ok_or_else(|| Malformed::new(self.file, "the sum is beyond 64 bits"))?;
        }
        Ok(())
    }

    /// Lines but for the heading.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Sum of the column.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;
    use proptest::prelude::*;

    fn read(mut totals: Totals, bytes: &[u8]) -> Parsed<(u64, u64)> {
        lines(bytes).try_for_each(|line| totals.add(line))?;
        Ok((totals.rows(), totals.sum()))
    }

    #[test]
    fn real_files() {
        let sem = b"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n         0          0   600          7     0     0     0     0          0 1792372233\n         0          1   600          3     0     0     0     0          0 1792372233\n";
        assert_eq!(read(Totals::semaphores(), sem).unwrap(), (2, 10));
        let shm = b"       key      shmid perms                  size  cpid  lpid nattch   uid\n         0          0   600                  4096 123 0 0 0\n         0          1   600                     1 123 0 0 0\n         0          2   600                 70000 123 0 0 0\n";
        assert_eq!(read(Totals::segments(4096), shm).unwrap(), (3, 1 + 1 + 18));
        assert_eq!(read(Totals::segments(65_536), shm).unwrap(), (3, 1 + 1 + 2));
        assert_eq!(
            read(Totals::queues(), b"       key      msqid perms\n").unwrap(),
            (0, 0)
        );
    }

    #[test]
    fn a_cut_line_is_malformed() {
        assert!(read(Totals::segments(4096), b"key shmid perms size\n 0 1 600\n").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for totals in [Totals::semaphores(), Totals::segments(4096), Totals::queues()] {
                let _ = read(totals, &bytes);
            }
        }
    }
}
