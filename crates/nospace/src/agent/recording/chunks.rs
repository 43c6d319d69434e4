use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use rustix::fs::OFlags;

use crate::host::archive::TimelineWriter;
use crate::host::archive::chunk::Chunk;
use crate::ui::warn;

/// Bytes of all chunks.
pub const MAX_BYTES: u64 = 16 << 20;
const PREFIX: &str = "recording-";
const SUFFIX: &str = ".zst";
/// The newest chunk, while one that was cut is ended.
const NEW: &str = "recording.new";

/// The chunks in the state directory, oldest first.
pub struct Chunks {
    directory: PathBuf,
    whole: VecDeque<Kept>,
    /// The one that is written, with its bytes so far.
    open: Option<(PathBuf, u64)>,
    /// Number of the sample that the next chunk begins with.
    next: usize,
    last: Option<Last>,
}

/// A chunk that is complete.
#[derive(Clone, Debug)]
pub struct Kept {
    pub path: PathBuf,
    pub bytes: u64,
    /// Seconds of its last sample.
    seconds: f64,
}

/// The newest sample.
#[derive(Clone, Copy, Debug)]
pub struct Last {
    pub taken_at: Timestamp,
    pub seconds: f64,
}

impl Chunks {
    /// Finds what is there: of chunks one after another the newest, without those before one that cannot be read.
    pub fn open(directory: &Path) -> Self {
        let mut chunks = Self {
            directory: directory.to_owned(),
            whole: VecDeque::new(),
            open: None,
            next: 0,
            last: None,
        };
        let _ = std::fs::remove_file(directory.join(NEW));
        for path in chunks.paths() {
            chunks.take_up(path);
        }
        chunks
    }

    fn paths(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten();
        let is_chunk = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            let number = name.and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut paths: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(is_chunk)
            .collect();
        paths.sort();
        paths
    }

    /// Adds what was on disk: whole, or ended where it was cut.
    fn take_up(&mut self, path: PathBuf) {
        let found = open(OpenOptions::new().read(true), &path).map(Chunk::inspect);
        let chunk = found.ok().flatten();
        let Some(chunk) = chunk else {
            warn(&format!(
                "{} has no complete sample and is removed",
                path.display()
            ));
            let _ = std::fs::remove_file(&path);
            return;
        };
        let follows = self.whole.is_empty() || chunk.first == self.next;
        let is_later = self.last.is_none_or(|last| chunk.seconds >= last.seconds);
        if !follows || !is_later {
            warn(&format!(
                "samples before {} are missing: the recording begins there",
                path.display()
            ));
            self.drop_oldest(self.whole.len());
        }
        if let Err(why) = self.ended(&chunk, &path) {
            warn(&format!("{} cannot be used: {why:#}", path.display()));
            let _ = std::fs::remove_file(&path);
            return;
        }
        let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        self.next = chunk.first + chunk.samples;
        self.last = Some(Last {
            taken_at: chunk.taken_at,
            seconds: chunk.seconds,
        });
        self.whole.push_back(Kept {
            path,
            bytes,
            seconds: chunk.seconds,
        });
    }

    /// Makes a chunk that was cut whole.
    fn ended(&self, chunk: &Chunk, path: &Path) -> anyhow::Result<()> {
        if chunk.whole {
            return Ok(());
        }
        let new = self.directory.join(NEW);
        let result = (|| {
            let out = create(&new)?;
            chunk.rewrite(open(OpenOptions::new().read(true), path)?, &out)?;
            out.sync_all()?;
            std::fs::rename(&new, path)?;
            Ok(())
        })();
        if result.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        result
    }

    /// The newest sample of those that were there.
    pub fn last(&self) -> Option<Last> {
        self.last
    }

    /// Begins a chunk.
    pub fn begin(&mut self) -> anyhow::Result<TimelineWriter<File>> {
        let path = self
            .directory
            .join(format!("{PREFIX}{:012}{SUFFIX}", self.next));
        let file = create(&path).with_context(|| path.display().to_string())?;
        self.open = Some((path, 0));
        TimelineWriter::chunk(file, self.next)
    }

    /// Bytes of the chunk that is written.
    pub fn measure(&mut self) -> anyhow::Result<u64> {
        let Some((path, bytes)) = &mut self.open else {
            return Ok(0);
        };
        *bytes = std::fs::metadata(&*path)?.len();
        ensure!(
            *bytes <= MAX_BYTES,
            "a sample takes more than {} MiB",
            MAX_BYTES >> 20
        );
        Ok(*bytes)
    }

    /// The chunk that is written has ended.
    pub fn end(&mut self, samples: usize, seconds: f64) -> anyhow::Result<()> {
        let bytes = self.measure()?;
        if let Some((path, _)) = self.open.take() {
            self.next += samples;
            self.whole.push_back(Kept {
                path,
                bytes,
                seconds,
            });
        }
        Ok(())
    }

    /// Ends the chunk that is written after its last complete sample: the next could not be written.
    pub fn seal(&mut self) {
        let Some((path, bytes)) = self.open.take() else {
            return;
        };
        if bytes == 0 {
            // Not even one sample.
            let _ = std::fs::remove_file(path);
            return;
        }
        self.take_up(path);
    }

    /// Removes what is older, or too much.
    pub fn forget(&mut self, before: f64) -> anyhow::Result<()> {
        let old = |one: &&Kept| one.seconds < before;
        self.drop_oldest(self.whole.iter().take_while(old).count());
        let open = self.open.as_ref().map_or(0, |(_, bytes)| *bytes);
        while self.whole.iter().map(|one| one.bytes).sum::<u64>() + open > MAX_BYTES {
            ensure!(!self.whole.is_empty(), "a chunk takes more than 16 MiB");
            self.drop_oldest(1);
        }
        Ok(())
    }

    fn drop_oldest(&mut self, count: usize) {
        for one in self.whole.drain(..count) {
            let _ = std::fs::remove_file(one.path);
        }
    }

    /// All that is there, oldest first: a path and the bytes that can be read.
    pub fn all(&self) -> (Vec<Kept>, Option<(PathBuf, u64)>) {
        (self.whole.iter().cloned().collect(), self.open.clone())
    }
}

/// Links are not followed, and nothing waits for a pipe.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    #[expect(clippy::cast_possible_wrap, reason = "flags")]
    let file = options
        .mode(0o600)
        .custom_flags(flags.bits() as i32)
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

fn create(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    open(OpenOptions::new().write(true).create_new(true), path)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::serve::{Answer, Recordings};
    use super::*;
    use crate::host::Look;
    use crate::host::archive::Timeline;

    fn look() -> Look {
        Look {
            taken_at: "2026-01-01T00:00:00Z".to_owned(),
            uid: 0,
            mounts_of: "self".to_owned(),
            page_size: 4096,
        }
    }

    /// A chunk of three samples, a minute apart.
    fn add(chunks: &mut Chunks, minute: f64) {
        let mut writer = chunks.begin().unwrap();
        for n in [0.0, 1.0, 2.0] {
            writer.end_sample(look(), (minute + n) * 60.0).unwrap();
        }
        writer.finish_chunk().unwrap();
        chunks.end(3, (minute + 2.0) * 60.0).unwrap();
    }

    fn timeline(chunks: &Chunks) -> Timeline {
        let recordings = Recordings::default();
        recordings.begin(chunks, Duration::from_mins(1));
        assert!(matches!(recordings.read().unwrap(), Answer::Nothing));
        recordings.update(chunks, look());
        let Answer::Timeline(reader) = recordings.read().unwrap() else {
            panic!("nothing");
        };
        let mut file = tempfile::tempfile().unwrap();
        let mut each = |piece: Vec<u8>| io::Write::write_all(&mut file, &piece).is_ok();
        reader.each_piece(&mut each).unwrap();
        Timeline::open(file).unwrap().unwrap()
    }

    #[test]
    fn a_recording_that_cannot_be_written_is_not_said_to_be_coming() {
        let directory = tempfile::tempdir().unwrap();
        let recordings = Recordings::default();
        assert!(matches!(recordings.read().unwrap(), Answer::Off));
        recordings.begin(&Chunks::open(directory.path()), Duration::from_mins(1));
        assert!(matches!(recordings.read().unwrap(), Answer::Nothing));
        recordings.failed(Some("no space left on device".to_owned()));
        assert!(matches!(recordings.read().unwrap(), Answer::Failed(why) if why.contains("space")));
        recordings.failed(None);
        assert!(matches!(recordings.read().unwrap(), Answer::Nothing));
        // What has been forgotten meanwhile is left out, and what is left is a timeline.
        let mut chunks = Chunks::open(directory.path());
        add(&mut chunks, 0.0);
        add(&mut chunks, 3.0);
        std::fs::remove_file(&chunks.whole[0].path).unwrap();
        assert_eq!(timeline(&chunks).samples().len(), 3);
        // A sample that could not be written leaves nothing behind.
        drop(chunks.begin().unwrap());
        chunks.seal();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_rest_is_a_timeline() {
        let directory = tempfile::tempdir().unwrap();
        let mut chunks = Chunks::open(directory.path());
        for chunk in 0..5 {
            add(&mut chunks, f64::from(chunk) * 3.0);
        }
        assert_eq!(timeline(&chunks).samples().len(), 15);
        chunks.forget(6.5 * 60.0).unwrap();
        let kept = timeline(&chunks);
        let minutes: Vec<f64> = kept
            .samples()
            .iter()
            .map(|one| one.seconds / 60.0)
            .collect();
        assert_eq!(minutes, [6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0]);
        assert!(kept.sample(8).is_ok() && kept.sample(9).is_err());
        // The next agent goes on; too much is forgotten as well.
        let mut chunks = Chunks::open(directory.path());
        assert_eq!(chunks.last().unwrap().seconds, 14.0 * 60.0);
        chunks.whole[0].bytes = MAX_BYTES;
        add(&mut chunks, 15.0);
        chunks.forget(0.0).unwrap();
        assert_eq!(timeline(&chunks).samples().len(), 9);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
    }
}
