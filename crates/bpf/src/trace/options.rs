/// What to trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Of inotify calls, only those that fail. Of other calls, failures are always the only ones.
    pub failed_only: bool,
    /// Only calls of this process (pid in the initial pid namespace).
    pub pid: Option<u32>,
    /// Only calls of this real uid.
    pub uid: Option<u32>,
    /// For long-running programs: a ring buffer of 1 MiB (some thousand calls), not 8 MiB, as it counts as resident memory;
    /// polled every 100 ms, not every 25 ms.
    pub low_memory: bool,
}
