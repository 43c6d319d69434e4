use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use super::journal::{JournalQuery, JournalSource, is_journal};
use super::progress::Progress;
use super::unpack::unpacked;

/// Something to read.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file, packed or not; or one of journald's.
    File(PathBuf),
    /// Standard input, packed or not.
    Stdin,
    /// The journal.
    Journal(JournalQuery),
}

impl Input {
    /// As it is called in every output.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "-".to_owned(),
            Self::Journal(query) => query.source.name(),
        }
    }

    /// Bytes on disk, where they are known beforehand.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::File(path) => path.metadata().map_or(0, |m| m.len()),
            _ => 0,
        }
    }

    /// Its text.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or its first bytes cannot be read.
    pub fn open<'p>(&self, progress: &'p Progress) -> io::Result<Box<dyn Read + Send + 'p>> {
        match self {
            Self::File(path) if is_journal(path) => {
                let query = JournalQuery::all_of(JournalSource::File(path.clone()));
                Ok(Box::new(query.open()?))
            }
            Self::File(path) => {
                let file = File::open(path)?;
                if file.metadata()?.is_dir() {
                    return Err(io::Error::from(io::ErrorKind::IsADirectory));
                }
                unpacked(progress.counting(file))
            }
            Self::Stdin => unpacked(progress.counting(io::stdin())),
            Self::Journal(query) => Ok(Box::new(query.open()?)),
        }
    }
}
