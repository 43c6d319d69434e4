//! Single files of the whole system: file-nr, loadavg, kernel.sem, meminfo.

use super::{Malformed, Parsed, lines, number, word, words};

/// Allocated files and their maximum, of /proc/sys/fs/file-nr (proc_sys_fs(5)).
///
/// # Errors
///
/// When it is not three numbers.
pub fn file_nr(bytes: &[u8]) -> Parsed<(u64, u64)> {
    const WHAT: &str = "file-nr";
    Ok((word(WHAT, bytes, 0)?, word(WHAT, bytes, 2)?))
}

/// Threads of the whole system, the second number of `running/all` in /proc/loadavg.
///
/// # Errors
///
/// When there is no such pair.
pub fn threads(loadavg: &[u8]) -> Parsed<u64> {
    const WHAT: &str = "loadavg";
    let pair = words(loadavg)
        .nth(3)
        .and_then(|pair| pair.split(|byte| *byte == b'/').nth(1));
    number(
        WHAT,
        pair.ok_or_else(|| Malformed::new(WHAT, "no «running/all»"))?,
    )
}

/// Reads kernel.sem: SEMMSL, SEMMNS, SEMOPM, SEMMNI; gives (SEMMNS, SEMMNI).
///
/// # Errors
///
/// When it is not four numbers.
pub fn sem(bytes: &[u8]) -> Parsed<(u64, u64)> {
    Ok((word("kernel.sem", bytes, 1)?, word("kernel.sem", bytes, 3)?))
}

/// Physical memory in bytes, `MemTotal` of /proc/meminfo.
///
/// # Errors
///
/// When there is no such line.
pub fn memory_bytes(meminfo: &[u8]) -> Parsed<u64> {
    memory(meminfo, "MemTotal")
}

/// What vmalloc has given, in bytes, `VmallocUsed` of /proc/meminfo; Linux before 5.3 says 0.
///
/// # Errors
///
/// When there is no such line.
pub fn vmalloc_bytes(meminfo: &[u8]) -> Parsed<u64> {
    memory(meminfo, "VmallocUsed")
}

/// Stacks of all threads in the kernel, in bytes, `KernelStack` of /proc/meminfo. They are from vmalloc with `CONFIG_VMAP_STACK`.
///
/// # Errors
///
/// When there is no such line.
pub fn stack_bytes(meminfo: &[u8]) -> Parsed<u64> {
    memory(meminfo, "KernelStack")
}

/// The line `NAME: N kB`, in bytes.
fn memory(meminfo: &[u8], name: &str) -> Parsed<u64> {
    const WHAT: &str = "meminfo";
    let line = lines(meminfo).find_map(|line| {
        let rest = line.strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b":")
    });
    let no_line = || Malformed::new(WHAT, format!("no {name}"));
    let kib = word(WHAT, line.ok_or_else(no_line)?, 0)?;
    kib.checked_mul(1024)
        .ok_or_else(|| Malformed::new(WHAT, format!("{name} is beyond 64 bits")))
}

/// The bytes of a line of /proc/vmallocinfo whose caller begins with one of these; `None` for any other line.
#[must_use]
pub fn vmalloc_of(line: &[u8], callers: &[&str]) -> Option<u64> {
    let mut words = words(line).skip(1);
    let (bytes, caller) = (words.next()?, words.next()?);
    let is_one = callers.iter().any(|one| caller.starts_with(one.as_bytes()));
    is_one.then(|| number("vmallocinfo", bytes).ok())?
}

/// Time since the machine was started, in ticks of a hundredth of a second, the first number of /proc/uptime.
///
/// # Errors
///
/// When it is no number with two decimals.
pub fn uptime_ticks(uptime: &[u8]) -> Parsed<u64> {
    const WHAT: &str = "uptime";
    let first = words(uptime).next().unwrap_or_default();
    let digits: Vec<u8> = first.iter().copied().filter(|byte| *byte != b'.').collect();
    if first.len() != digits.len() + 1 || first.get(first.len().wrapping_sub(3)) != Some(&b'.') {
        return Err(Malformed::new(WHAT, "no number with two decimals"));
    }
    number(WHAT, &digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn real_files() {
        assert_eq!(file_nr(b"1088\t0\t2408871\n").unwrap(), (1088, 2_408_871));
        assert_eq!(threads(b"0.20 0.18 0.12 1/80 11206\n").unwrap(), 80);
        assert_eq!(
            sem(b"32000\t1024000000\t500\t32000\n").unwrap(),
            (1_024_000_000, 32_000)
        );
        assert_eq!(
            memory_bytes(b"MemTotal:       24684096 kB\nMemFree: 1 kB\n").unwrap(),
            25_276_514_304
        );
    }

    #[test]
    fn cut_files_are_malformed() {
        assert!(file_nr(b"1088\t0").is_err());
        assert!(threads(b"0.20 0.18 0.12 1").is_err());
        assert!(sem(b"32000 1").is_err());
        assert!(memory_bytes(b"").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (file_nr(&bytes), threads(&bytes), sem(&bytes), memory_bytes(&bytes));
        }
    }
}
