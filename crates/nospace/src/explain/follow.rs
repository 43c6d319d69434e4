//! Following logs by polling, which needs no inotify.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nospace_core::explain::{Classifier, Hit, Scanner, SourceRead};

use super::journal::JournalQuery;
use super::read::{drain, source_read};

/// A log that is read as it grows.
pub struct LogFollower<'c> {
    source: String,
    scanner: Scanner<'c>,
    classifier: &'c Classifier,
    kind: Kind,
}

enum Kind {
    File {
        path: PathBuf,
        open: Option<File>,
        gone_said: bool,
    },
    Journal {
        query: JournalQuery,
    },
    Stdin {
        ended: bool,
    },
}

impl<'c> LogFollower<'c> {
    /// The file at `path`, from its beginning; it need not be there yet.
    #[must_use]
    pub fn file(path: PathBuf, classifier: &'c Classifier) -> Self {
        Self::new(
            path.display().to_string(),
            classifier,
            Kind::File {
                path,
                open: None,
                gone_said: false,
            },
        )
    }

    /// What `query` finds now and later.
    #[must_use]
    pub fn journal(mut query: JournalQuery, classifier: &'c Classifier) -> Self {
        query.show_cursor = true;
        Self::new(query.source.name(), classifier, Kind::Journal { query })
    }

    /// Standard input: each look waits for more of it.
    #[must_use]
    pub fn stdin(classifier: &'c Classifier) -> Self {
        Self::new("-".to_owned(), classifier, Kind::Stdin { ended: false })
    }

    /// A look returns at once when nothing is new.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        !matches!(self.kind, Kind::Stdin { .. })
    }

    /// Nothing more will come: only standard input ends.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.kind, Kind::Stdin { ended: true })
    }

    fn new(source: String, classifier: &'c Classifier, kind: Kind) -> Self {
        Self {
            source,
            scanner: Scanner::new(classifier),
            classifier,
            kind,
        }
    }

    /// As it is called in every output.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What went by, and how the last look ended.
    #[must_use]
    pub fn read(&self, error: Option<io::Error>) -> SourceRead {
        source_read(self.source.clone(), &self.scanner, error)
    }

    /// Takes whatever is new, and decides on every whole line. Rotation (another file under the
    /// name) and truncation are reported to `remark`.
    ///
    /// # Errors
    ///
    /// It cannot be read; a file that is not there is no error.
    pub fn poll(
        &mut self,
        emit: &mut dyn FnMut(Hit),
        remark: &mut dyn FnMut(&str),
    ) -> io::Result<()> {
        match &mut self.kind {
            Kind::File {
                path,
                open,
                gone_said,
            } => {
                let there = match path.metadata() {
                    Ok(metadata) => Some(metadata),
                    Err(e) if e.kind() == io::ErrorKind::NotFound => None,
                    Err(e) => return Err(e),
                };
                if there.is_none() && !std::mem::replace(gone_said, there.is_none()) {
                    remark(&format!(
                        "{}: does not exist yet; waiting for it",
                        self.source
                    ));
                }
                *gone_said = there.is_none();
                if let Some(old) = open {
                    if shrunk(old)? {
                        remark(&format!(
                            "{}: truncated; reading it from the start",
                            self.source
                        ));
                        old.seek(SeekFrom::Start(0))?;
                        self.scanner = Scanner::new(self.classifier);
                    }
                    drain(old, &mut self.scanner, emit)?;
                    if there.as_ref().is_some_and(|new| !same(old, new)) {
                        remark(&format!(
                            "{}: rotated; continuing with the new file",
                            self.source
                        ));
                        self.scanner.finish(emit);
                        self.scanner = Scanner::new(self.classifier);
                        *open = None;
                    }
                }
                if open.is_none() && there.is_some() {
                    let file = open.insert(File::open(path)?);
                    drain(file, &mut self.scanner, emit)?;
                }
            }
            Kind::Journal { query } => {
                let mut journal = WithTail::new(query.open()?);
                let ended = drain(&mut journal, &mut self.scanner, emit);
                if ended.is_err() {
                    // The next look begins at the same entry again: not within a line.
                    self.scanner = Scanner::new(self.classifier);
                }
                ended?;
                if let Some(cursor) = cursor(&journal.tail) {
                    query.after = Some(cursor);
                }
            }
            Kind::Stdin { ended } => {
                let n = self.scanner.fill(|room| io::stdin().read(room), emit)?;
                if n == 0 {
                    *ended = true;
                    self.scanner.finish(emit);
                }
            }
        }
        self.scanner.flush(emit);
        Ok(())
    }
}

fn shrunk(file: &mut File) -> io::Result<bool> {
    Ok(file.metadata()?.len() < file.stream_position()?)
}

fn same(open: &File, named: &Metadata) -> bool {
    open.metadata()
        .is_ok_and(|m| (m.dev(), m.ino()) == (named.dev(), named.ino()))
}

/// Keeps the end of what was read.
struct WithTail<R> {
    reader: R,
    tail: Vec<u8>,
}

impl<R> WithTail<R> {
    const KEPT: usize = 1024;

    fn new(reader: R) -> Self {
        Self {
            reader,
            tail: Vec::new(),
        }
    }
}

impl<R: Read> Read for WithTail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.tail
            .extend_from_slice(&buffer[n.saturating_sub(Self::KEPT)..n]);
        let old = self.tail.len().saturating_sub(Self::KEPT);
        self.tail.drain(..old);
        Ok(n)
    }
}

/// The last line of `journalctl --show-cursor`.
fn cursor(tail: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(tail);
    let line = text.lines().next_back()?;
    line.strip_prefix("-- cursor: ").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use nospace_core::signatures::Table;

    use super::*;

    const LINE: &str = "tail: inotify resources exhausted\n";

    struct Log {
        dir: tempfile::TempDir,
        numbers: Vec<u64>,
        remarks: Vec<String>,
    }

    impl Log {
        fn path(&self) -> PathBuf {
            self.dir.path().join("x.log")
        }

        fn append(&self, text: &str) {
            let mut options = fs::OpenOptions::new();
            let mut file = options.create(true).append(true).open(self.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn poll(&mut self, follower: &mut LogFollower<'_>) -> Vec<u64> {
            self.numbers.clear();
            let remarks = &mut self.remarks;
            let numbers = &mut self.numbers;
            follower
                .poll(&mut |h| numbers.push(h.number), &mut |r| {
                    remarks.push(r.to_owned())
                })
                .unwrap();
            self.numbers.clone()
        }
    }

    #[test]
    fn growth_rotation_and_truncation_are_follower() {
        let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
        let mut log = Log {
            dir: tempfile::tempdir().unwrap(),
            numbers: Vec::new(),
            remarks: Vec::new(),
        };
        let mut follower = LogFollower::file(log.path(), &classifier);
        assert_eq!(log.poll(&mut follower), [] as [u64; 0]);
        log.append(&format!("a\n{LINE}tail: inotify reso"));
        assert_eq!(log.poll(&mut follower), [2]);
        log.append("urces exhausted\n");
        assert_eq!(log.poll(&mut follower), [3]);
        assert_eq!(log.poll(&mut follower), [] as [u64; 0]);

        // Rotation: what was written to the old file after the last look is not lost.
        log.append(LINE);
        fs::rename(log.path(), log.dir.path().join("x.log.1")).unwrap();
        log.append(&format!("b\n{LINE}"));
        assert_eq!(log.poll(&mut follower), [4, 2]);

        // Truncation in place.
        fs::write(log.path(), LINE).unwrap();
        assert_eq!(log.poll(&mut follower), [1]);

        // Gone for a while.
        fs::remove_file(log.path()).unwrap();
        assert_eq!(log.poll(&mut follower), [] as [u64; 0]);
        log.append(LINE);
        assert_eq!(log.poll(&mut follower), [1]);
        let words = ["waiting", "rotated", "truncated", "waiting", "rotated"];
        assert_eq!(log.remarks.len(), words.len(), "{:?}", log.remarks);
        for (remark, word) in log.remarks.iter().zip(words) {
            assert!(remark.contains(word), "{remark}");
        }
    }

    #[test]
    fn the_cursor_is_the_last_line() {
        assert_eq!(
            cursor(b"x\n-- cursor: s=1;i=2\n").as_deref(),
            Some("s=1;i=2")
        );
        assert_eq!(cursor(b"x\n"), None);
        assert_eq!(cursor(b""), None);
    }
}
