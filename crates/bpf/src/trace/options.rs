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
    /// Failures of calls without a variant of [`Call`](super::Call) that are reported as well; not empty: attached to the end of every call.
    pub any_call: &'static [Refused],
}

/// A call that fails with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Name of the call, or [`ANY`].
    pub call: &'static str,
    /// The error, a positive number.
    pub errno: i32,
}

impl Refused {
    /// `call` fails with `errno`.
    #[must_use]
    pub const fn of(call: &'static str, errno: i32) -> Self {
        Self { call, errno }
    }
}

/// Every call.
pub const ANY: &str = "*";
