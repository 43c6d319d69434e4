use rustix::io::Errno;

/// A resource that is taken bit by bit, and given back.
pub trait Consumer {
    /// Takes `count` more, or as many as the kernel gives.
    ///
    /// # Errors
    ///
    /// Whatever is not the refusal that is wanted.
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult>;

    /// Gives `count` back, the last first.
    ///
    /// # Errors
    ///
    /// The kernel does not take them.
    fn give_back(&mut self, count: u64) -> anyhow::Result<()>;

    /// How many are held.
    fn held(&self) -> u64;

    /// Units that are taken between two looks at the clock: some milliseconds' work.
    fn step(&self) -> u64 {
        1024
    }

    /// Units that are left for others, by the kernel's own count; `None` where it cannot be read.
    fn left(&mut self) -> Option<u64>;

    /// What it needs to hold what it holds.
    fn overhead(&self) -> Overhead {
        Overhead::default()
    }

    /// Gives all back.
    ///
    /// # Errors
    ///
    /// What could not be given back, and how to do it by hand.
    fn release(&mut self) -> anyhow::Result<()>;
}

/// What else is in use while a resource is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overhead {
    /// Inodes.
    pub inodes: u64,
    /// inotify instances.
    pub instances: u64,
}

/// How far an attempt to take got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeResult {
    /// Units that were taken.
    pub count: u64,
    /// The error that ended it; `None` where all were given.
    pub refusal: Option<Errno>,
}
