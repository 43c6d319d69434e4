//! The host's inotify limits, lowered for a moment and put back whatever happens.

use std::path::PathBuf;

use anyhow::Context as _;

/// `fs.inotify.max_user_watches` or its sibling, until this is dropped.
pub struct Limit {
    path: PathBuf,
    before: String,
}

impl Limit {
    /// Remembers `fs.inotify.NAME`.
    pub fn of(name: &str) -> anyhow::Result<Self> {
        let path = PathBuf::from("/proc/sys/fs/inotify").join(name);
        let before = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Self { path, before })
    }

    /// Sets it.
    pub fn set(&self, value: u64) -> anyhow::Result<()> {
        std::fs::write(&self.path, value.to_string())
            .with_context(|| self.path.display().to_string())
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Err(error) = std::fs::write(&self.path, self.before.trim()) {
            eprintln!("story: {} is not put back: {error}", self.path.display());
        }
    }
}
