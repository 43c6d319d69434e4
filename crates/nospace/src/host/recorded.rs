//! A node that was recorded before: every question is looked up, nothing is asked of this machine.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use nospace_core::model::{Descriptor, FilesystemUsage, UserNamespace};
use nospace_core::report::Refusals;
use nospace_core::watches::MountTable;

use super::archive::{Answer, Contents, Question, fdinfo_path, key, load};
use super::lines::each_line;
use super::{
    At, Descriptors, Host, KernelAccounting, Look, ReadError, ReadResult, Subdirectory,
    network_key, proc,
};

/// A recorded node.
pub struct Recorded {
    contents: Arc<Contents>,
    /// Once they were asked for.
    mounts: Mutex<Option<Arc<MountTable>>>,
}

impl Recorded {
    /// Reads an archive of one moment that `nospace record` made; for others see [`super::replay::Replay`].
    ///
    /// # Errors
    ///
    /// Those of [`load`].
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        load(path).map(Self::of)
    }

    /// The node that was recorded so.
    #[must_use]
    pub fn of(contents: Contents) -> Self {
        Self {
            contents: Arc::new(contents),
            mounts: Mutex::default(),
        }
    }

    /// The same node once more, without a copy.
    pub(super) fn share(&self) -> Self {
        Self {
            contents: Arc::clone(&self.contents),
            mounts: Mutex::default(),
        }
    }

    /// Lets `ask` ask the node, and gives its contents back.
    pub(super) fn lend<T>(
        contents: &mut Contents,
        ask: impl FnOnce(&Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let empty = Contents::empty(&contents.head);
        let recorded = Self::of(std::mem::replace(contents, empty));
        let answer = ask(&recorded);
        if let Some(lent) = Arc::into_inner(recorded.contents) {
            *contents = lent;
        }
        answer
    }

    fn lookup<T>(&self, question: &Question, pick: impl Fn(&Answer) -> Option<T>) -> ReadResult<T> {
        match self.contents.answers.get(question) {
            None => Err(ReadError::Gone),
            Some(Answer::Error(error)) => Err(error.clone()),
            Some(answer) => pick(answer).ok_or_else(|| {
                ReadError::Failed(format!(
                    "the recording's answer to {question:?} has another type"
                ))
            }),
        }
    }

    fn file(&self, name: &str) -> ReadResult<Content<'_>> {
        let answer = self.contents.answers.get(&Question::Read(name.to_owned()));
        match (self.contents.files.get(name), answer) {
            (Some(beginning), Some(Answer::Cut)) => Ok(Content::Beginning(beginning)),
            (Some(whole), _) => Ok(Content::Whole(whole)),
            (None, Some(Answer::Error(error))) => Err(error.clone()),
            (None, _) => Err(ReadError::Gone),
        }
    }
}

/// What an archive contains of a file.
enum Content<'a> {
    Whole(&'a [u8]),
    Beginning(&'a [u8]),
}

/// The archive holds only the first `length` bytes.
fn incomplete(length: usize) -> ReadError {
    ReadError::Failed(format!("the recording holds only its first {length} bytes"))
}

macro_rules! pick {
    ($variant:ident) => {
        |answer| match answer {
            Answer::$variant(found) => Some(found.clone()),
            _ => None,
        }
    };
}

impl Host for Recorded {
    fn look(&self) -> Look {
        self.contents.head.look.clone()
    }

    fn is_recording(&self) -> bool {
        true
    }

    fn read(&self, at: At<'_>, bound: usize, buffer: &mut Vec<u8>) -> ReadResult<()> {
        buffer.clear();
        match self.file(&key(at))? {
            Content::Whole(bytes) if bytes.len() <= bound => buffer.extend_from_slice(bytes),
            Content::Whole(_) => return Err(ReadError::too_long(bound)),
            Content::Beginning(bytes) => return Err(incomplete(bytes.len())),
        }
        Ok(())
    }

    fn lines(&self, at: At<'_>, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> ReadResult<()> {
        match self.file(&key(at))? {
            Content::Whole(bytes) => each_line(bytes, each).map(drop),
            Content::Beginning(bytes) => {
                let end = bytes.iter().rposition(|byte| *byte == b'\n');
                match each_line(&bytes[..end.map_or(0, |end| end + 1)], each)? {
                    ControlFlow::Break(()) => Ok(()),
                    ControlFlow::Continue(()) => Err(incomplete(bytes.len())),
                }
            }
        }
    }

    fn mounts(
        &self,
        read: &dyn Fn() -> anyhow::Result<MountTable>,
    ) -> anyhow::Result<Arc<MountTable>> {
        let mut known = self.mounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known {
            return Ok(Arc::clone(known));
        }
        let table = Arc::new(read()?);
        *known = Some(Arc::clone(&table));
        Ok(table)
    }

    fn network_sysctl(&self, pid: u32, path: &str) -> ReadResult<Vec<u8>> {
        let mut bytes = Vec::new();
        let bound = usize::MAX;
        self.read(proc(&network_key(pid, path)), bound, &mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, at: At<'_>, cap: usize) -> ReadResult<Vec<String>> {
        self.lookup(&Question::List(key(at)), |answer| match answer {
            Answer::Names(names) => Some(names.iter().take(cap).cloned().collect()),
            _ => None,
        })
    }

    fn subdirectories(&self, at: At<'_>) -> ReadResult<Vec<Subdirectory>> {
        self.lookup(&Question::Subdirectories(key(at)), pick!(Subdirectories))
    }

    fn link(&self, at: At<'_>) -> ReadResult<String> {
        self.lookup(&Question::Link(key(at)), pick!(Target))
    }

    fn statfs(&self, at: At<'_>) -> ReadResult<FilesystemUsage> {
        self.lookup(&Question::Statfs(key(at)), pick!(Space))
    }

    fn pids(&self) -> ReadResult<Vec<u32>> {
        self.lookup(&Question::Pids, pick!(Pids))
    }

    fn owner(&self, pid: u32) -> ReadResult<u32> {
        self.lookup(&Question::Owner(pid), pick!(Uid))
    }

    fn descriptors(&self, pid: u32, into: &mut Descriptors) -> ReadResult<()> {
        into.clone_from(&self.lookup(&Question::Descriptors(pid), pick!(Descriptors))?);
        Ok(())
    }

    fn fdinfo(&self, descriptor: Descriptor, piece: &mut dyn FnMut(&[u8])) -> ReadResult<()> {
        let path = fdinfo_path(descriptor);
        match self.file(&key(proc(&path)))? {
            Content::Whole(bytes) => piece(bytes),
            Content::Beginning(bytes) => {
                piece(bytes);
                return Err(incomplete(bytes.len()));
            }
        }
        Ok(())
    }

    fn same_files(&self, descriptors: &[Descriptor]) -> ReadResult<Vec<Option<u32>>> {
        let known = self.lookup(&Question::SameFiles, pick!(Files))?;
        let number = |descriptor| {
            let place = known
                .binary_search_by(|(other, _)| other.cmp(descriptor))
                .ok()?;
            Some(known[place].1)
        };
        Ok(descriptors.iter().map(number).collect())
    }

    fn accounting(&self) -> ReadResult<KernelAccounting> {
        self.lookup(&Question::KernelAccounting, pick!(KernelAccounting))
    }

    fn refusals(&self) -> ReadResult<Refusals> {
        self.lookup(&Question::Refusals, pick!(Refusals))
    }

    fn user_namespace(&self, pid: u32) -> ReadResult<UserNamespace> {
        self.lookup(&Question::UserNamespace(pid), pick!(UserNamespace))
    }
}
