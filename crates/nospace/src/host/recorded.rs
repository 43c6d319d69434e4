//! A node that was recorded before: every question is looked up, nothing is asked of this machine.

use std::path::Path;

use nospace_core::model::{Descriptor, FilesystemUsage, UserNamespace};

use super::archive::{Answer, Contents, Question, fdinfo_path, key, load};
use super::{Absent, Asked, At, Books, Descriptors, Host, Look, Subdirectory, proc};

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
                    "the archive answers {question:?} with something else"
                ))
            }),
        }
    }

    fn file(&self, name: &str) -> Asked<(&[u8], bool)> {
        let answer = self.contents.answers.get(&Question::Read(name.to_owned()));
        match (self.contents.files.get(name), answer) {
            (Some(bytes), answer) => Ok((bytes, answer != Some(&Answer::Cut))),
            (None, Some(Answer::Absent(absent))) => Err(absent.clone()),
            (None, _) => Err(Absent::Gone),
        }
    }
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

    fn read(&self, at: At<'_>, cap: usize, buffer: &mut Vec<u8>) -> Asked<bool> {
        buffer.clear();
        let (bytes, whole) = self.file(&key(at))?;
        buffer.extend_from_slice(&bytes[..bytes.len().min(cap)]);
        Ok(whole && bytes.len() <= cap)
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
        piece(self.file(&key(proc(&path)))?.0);
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

    fn books(&self) -> Asked<Books> {
        self.lookup(&Question::Books, pick!(Books))
    }

    fn user_namespace(&self, pid: u32) -> Asked<UserNamespace> {
        self.lookup(&Question::UserNamespace(pid), pick!(UserNamespace))
    }
}
