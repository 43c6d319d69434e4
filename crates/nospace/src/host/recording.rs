//! Another host, with every answer kept: what `nospace record` saves is what a look asked for.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use nospace_core::model::{Descriptor, FilesystemUsage, UserNamespace};

use super::archive::{Answer, Question, Writer, fdinfo_path, key};
use super::{Asked, At, Books, Descriptors, Host, Look, Subdirectory, Tree, proc};

/// fdinfo of one instance is kept up to this many bytes: about 500,000 watches.
const FDINFO_CAP: usize = 64 << 20;

/// A host that remembers.
pub struct Recording<'h, W: Write> {
    host: &'h dyn Host,
    /// Command-line arguments are kept as they are.
    with_arguments: bool,
    writer: Mutex<Writer<W>>,
}

impl<'h, W: Write> Recording<'h, W> {
    /// Keeps what `host` answers in `writer`; command lines are cut to what names a shim's
    /// container unless `with_arguments`.
    pub fn new(host: &'h dyn Host, writer: Writer<W>, with_arguments: bool) -> Self {
        Self {
            host,
            with_arguments,
            writer: Mutex::new(writer),
        }
    }

    /// The archive so far, to be finished.
    pub fn into_writer(self) -> Writer<W> {
        self.writer
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, question: Question, answer: Answer) {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer(question, answer);
    }

    fn keep_file(&self, at: At<'_>, contents: &[u8], whole: bool) {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .file(at, contents, whole);
    }
}

/// What may be kept of a file, when not all of it may.
fn redacted(at: At<'_>, contents: &[u8], with_arguments: bool) -> Option<Vec<u8>> {
    let name = at.path.file_name()?.as_encoded_bytes();
    match (at.tree, name) {
        (Tree::Proc, b"cmdline") if !with_arguments => {
            Some(nospace_core::parse::cmdline::redact(contents))
        }
        (Tree::Root, b"config.json" | b"config.v2.json" | b"containers.json") => {
            Some(nospace_core::parse::bundle::redact_config(contents))
        }
        _ => None,
    }
}

impl<W: Write + Send> Host for Recording<'_, W> {
    fn look(&self) -> Look {
        self.host.look()
    }

    fn read(&self, at: At<'_>, cap: usize, buffer: &mut Vec<u8>) -> Asked<bool> {
        let answer = self.host.read(at, cap, buffer);
        match &answer {
            Ok(whole) => {
                let kept = redacted(at, buffer, self.with_arguments);
                self.keep_file(at, kept.as_deref().unwrap_or(buffer), *whole);
            }
            Err(absent) => self.keep(Question::Read(key(at)), Answer::Absent(absent.clone())),
        }
        answer
    }

    fn list(&self, at: At<'_>, cap: usize) -> Asked<Vec<String>> {
        let answer = self.host.list(at, cap);
        self.keep(Question::List(key(at)), Answer::of(&answer, Answer::Names));
        answer
    }

    fn subdirectories(&self, at: At<'_>) -> Asked<Vec<Subdirectory>> {
        let answer = self.host.subdirectories(at);
        self.keep(
            Question::Subdirectories(key(at)),
            Answer::of(&answer, Answer::Subdirectories),
        );
        answer
    }

    fn link(&self, at: At<'_>) -> Asked<String> {
        let answer = self.host.link(at);
        self.keep(Question::Link(key(at)), Answer::of(&answer, Answer::Target));
        answer
    }

    fn statfs(&self, at: At<'_>) -> Asked<FilesystemUsage> {
        let answer = self.host.statfs(at);
        self.keep(
            Question::Statfs(key(at)),
            Answer::of(&answer, Answer::Space),
        );
        answer
    }

    fn pids(&self) -> Asked<Vec<u32>> {
        let answer = self.host.pids();
        self.keep(Question::Pids, Answer::of(&answer, Answer::Pids));
        answer
    }

    fn owner(&self, pid: u32) -> Asked<u32> {
        let answer = self.host.owner(pid);
        self.keep(Question::Owner(pid), Answer::of(&answer, Answer::Uid));
        answer
    }

    fn descriptors(&self, pid: u32, into: &mut Descriptors) -> Asked<()> {
        let answer = self.host.descriptors(pid, into);
        let kept = answer.clone().map(|()| into.clone());
        self.keep(
            Question::Descriptors(pid),
            Answer::of(&kept, Answer::Descriptors),
        );
        answer
    }

    fn fdinfo(&self, descriptor: Descriptor, piece: &mut dyn FnMut(&[u8])) -> Asked<()> {
        let mut kept = Vec::new();
        let mut whole = true;
        let answer = self.host.fdinfo(descriptor, &mut |bytes| {
            let room = FDINFO_CAP - kept.len();
            whole &= bytes.len() <= room;
            kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            piece(bytes);
        });
        let path = fdinfo_path(descriptor);
        match &answer {
            Ok(()) => self.keep_file(proc(&path), &kept, whole),
            Err(absent) => {
                self.keep(
                    Question::Read(key(proc(&path))),
                    Answer::Absent(absent.clone()),
                );
            }
        }
        answer
    }

    fn same_files(&self, descriptors: &[Descriptor]) -> Asked<Vec<Option<u32>>> {
        let answer = self.host.same_files(descriptors);
        let kept = answer.as_ref().map_err(Clone::clone).map(|numbers| {
            let pairs = descriptors.iter().zip(numbers);
            let mut pairs: Vec<_> = pairs
                .filter_map(|(descriptor, number)| Some((*descriptor, (*number)?)))
                .collect();
            pairs.sort_unstable();
            pairs
        });
        self.keep(Question::SameFiles, Answer::of(&kept, Answer::Files));
        answer
    }

    fn books(&self) -> Asked<Books> {
        let answer = self.host.books();
        self.keep(Question::Books, Answer::of(&answer, Answer::Books));
        answer
    }

    fn user_namespace(&self, pid: u32) -> Asked<UserNamespace> {
        let answer = self.host.user_namespace(pid);
        self.keep(
            Question::UserNamespace(pid),
            Answer::of(&answer, Answer::UserNamespace),
        );
        answer
    }
}
