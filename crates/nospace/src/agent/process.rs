use std::fs;

use nospace_core::metrics::ProcessMetrics;

/// CPU time, memory and descriptors of this process; `None` without /proc.
pub fn metrics(started: jiff::Timestamp) -> Option<ProcessMetrics> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name may contain spaces; utime and stime are the 12th and 13th field after it, proc_pid_stat(5).
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    let ticks = f64::from(ticks()?) + f64::from(ticks()?);
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let seconds = started.as_duration().as_secs_f64();
    Some(ProcessMetrics {
        cpu_seconds: ticks
            / f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).ok()?),
        resident_bytes: pages * rustix::param::page_size() as u64,
        // Without the descriptor that reads the directory.
        open_fds: fs::read_dir("/proc/self/fd")
            .ok()?
            .count()
            .saturating_sub(1) as u64,
        start_seconds: (seconds * 1e3).round() / 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_this_process() {
        let own = metrics(jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert!(own.resident_bytes > 100_000 && own.open_fds >= 3, "{own:?}");
        // More than other tests close meanwhile.
        let open = || fs::File::open("/proc/self/stat").unwrap();
        let files: Vec<_> = std::iter::repeat_with(open).take(300).collect();
        let more = metrics(jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert!(more.open_fds > own.open_fds + 200, "{own:?} {more:?}");
        drop(files);
    }
}
