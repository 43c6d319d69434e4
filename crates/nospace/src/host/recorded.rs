//! A node that was recorded before: every question is looked up, nothing is asked of this machine.

use std::ops::ControlFlow;
use std::path::Path;

use nospace_core::model::{Descriptor, FilesystemUsage, UserNamespace};

use super::archive::{Answer, Contents, Question, fdinfo_path, key, load};
use super::lines::each_line;
use super::{Absent, Asked, At, Descriptors, Host, KernelAccounting, Look, Subdirectory, proc};

/// A recorded node.
pub struct Recorded {
    contents: Contents,
}

impl Recorded {
    /// Reads an archive that `nospace record` made.
    ///
    /// # Errors
    ///
    /// Those of [`load`].
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            contents: load(path)?,
        })
    }

    fn lookup<T>(&self, question: &Question, pick: impl Fn(&Answer) -> Option<T>) -> Asked<T> {
        match self.contents.answers.get(question) {
            None => Err(Absent::Gone),
            Some(Answer::Absent(absent)) => Err(absent.clone()),
            Some(answer) => pick(answer).ok_or_else(|| {
                Absent::Failed(format!(
                    "the recording's answer to {question:?} has another type"
                ))
            }),
        }
    }

    fn file(&self, name: &str) -> Asked<Content<'_>> {
        let answer = self.contents.answers.get(&Question::Read(name.to_owned()));
        match (self.contents.files.get(name), answer) {
            (Some(beginning), Some(Answer::Cut)) => Ok(Content::Beginning(beginning)),
            (Some(whole), _) => Ok(Content::Whole(whole)),
            (None, Some(Answer::Absent(absent))) => Err(absent.clone()),
            (None, _) => Err(Absent::Gone),
        }
    }
}

/// What an archive contains of a file.
enum Content<'a> {
    Whole(&'a [u8]),
    Beginning(&'a [u8]),
}

/// The archive holds only the first `length` bytes.
fn incomplete(length: usize) -> Absent {
    Absent::Failed(format!("the recording holds only its first {length} bytes"))
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

    fn read(&self, at: At<'_>, bound: usize, buffer: &mut Vec<u8>) -> Asked<()> {
        buffer.clear();
        match self.file(&key(at))? {
            Content::Whole(bytes) if bytes.len() <= bound => buffer.extend_from_slice(bytes),
            Content::Whole(_) => return Err(Absent::too_long(bound)),
            Content::Beginning(bytes) => return Err(incomplete(bytes.len())),
        }
        Ok(())
    }

    fn lines(&self, at: At<'_>, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Asked<()> {
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

    fn list(&self, at: At<'_>, cap: usize) -> Asked<Vec<String>> {
        let mut names = self.lookup(&Question::List(key(at)), pick!(Names))?;
        names.truncate(cap);
        Ok(names)
    }

    fn subdirectories(&self, at: At<'_>) -> Asked<Vec<Subdirectory>> {
        self.lookup(&Question::Subdirectories(key(at)), pick!(Subdirectories))
    }

    fn link(&self, at: At<'_>) -> Asked<String> {
        self.lookup(&Question::Link(key(at)), pick!(Target))
    }

    fn statfs(&self, at: At<'_>) -> Asked<FilesystemUsage> {
        self.lookup(&Question::Statfs(key(at)), pick!(Space))
    }

    fn pids(&self) -> Asked<Vec<u32>> {
        self.lookup(&Question::Pids, pick!(Pids))
    }

    fn owner(&self, pid: u32) -> Asked<u32> {
        self.lookup(&Question::Owner(pid), pick!(Uid))
    }

    fn descriptors(&self, pid: u32, into: &mut Descriptors) -> Asked<()> {
        into.clone_from(&self.lookup(&Question::Descriptors(pid), pick!(Descriptors))?);
        Ok(())
    }

    fn fdinfo(&self, descriptor: Descriptor, piece: &mut dyn FnMut(&[u8])) -> Asked<()> {
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

    fn same_files(&self, descriptors: &[Descriptor]) -> Asked<Vec<Option<u32>>> {
        let known = self.lookup(&Question::SameFiles, pick!(Files))?;
        let number = |descriptor| {
            let place = known
                .binary_search_by(|(other, _)| other.cmp(descriptor))
                .ok()?;
            Some(known[place].1)
        };
        Ok(descriptors.iter().map(number).collect())
    }

    fn accounting(&self) -> Asked<KernelAccounting> {
        self.lookup(&Question::KernelAccounting, pick!(KernelAccounting))
    }

    fn user_namespace(&self, pid: u32) -> Asked<UserNamespace> {
        self.lookup(&Question::UserNamespace(pid), pick!(UserNamespace))
    }
}
