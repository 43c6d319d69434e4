//! Another host, with every answer kept: what `nospace record` saves is what a look asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use nospace_core::limits;
use nospace_core::model::{Descriptor, FilesystemUsage, UserNamespace};
use nospace_core::parse::kubelet;
use nospace_core::parse::{maps, passwd, sysctl::redact};
use nospace_core::report::Refusals;
use nospace_core::tune::DropIn;

use super::archive::{Answer, Question, Sink, fdinfo_path, key};
use super::{
    At, Descriptors, Host, KernelAccounting, Look, PASSWD, ReadResult, Subdirectory, Tree,
    network_key, proc, root,
};

/// Bytes that are kept of a file that is read in pieces: 500,000 watches of one instance, or as many mounts.
const MAX_FILE: usize = 64 << 20;

/// A host that remembers.
pub struct Recording<'h, S: Sink> {
    host: &'h dyn Host,
    /// Command lines are kept as they are, up to 4,096 bytes.
    with_arguments: bool,
    sink: Mutex<S>,
}

impl<'h, S: Sink> Recording<'h, S> {
    /// Keeps what `host` answers in `sink`; of command lines the names of flags and what names a shim's container, all of them
    /// `with_arguments`.
    pub fn new(host: &'h dyn Host, sink: S, with_arguments: bool) -> Self {
        Self {
            host,
            with_arguments,
            sink: Mutex::new(sink),
        }
    }

    /// Keeps what was refused since the sample before, which no collector asks for.
    pub fn keep_refusals(&self, seen: &ReadResult<Refusals>) {
        self.keep(Question::Refusals, Answer::of(seen, Answer::Refusals));
    }

    /// What has the answers, to be finished.
    pub fn into_writer(self) -> S {
        self.sink
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, question: Question, answer: Answer) {
        self.sink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer(question, answer);
    }

    fn keep_beginning(&self, at: At<'_>, kept: &Beginning, answer: &ReadResult<()>) {
        match answer {
            Ok(()) => self.keep_file(at, &kept.bytes, !kept.more),
            Err(error) => self.keep(Question::Read(key(at)), Answer::Error(error.clone())),
        }
    }

    fn keep_file(&self, at: At<'_>, contents: &[u8], whole: bool) {
        self.sink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .file(at, contents, whole);
    }
}

/// The beginning of a file, as it comes.
#[derive(Default)]
struct Beginning {
    bytes: Vec<u8>,
    more: bool,
}

impl Beginning {
    fn add(&mut self, piece: &[u8]) {
        let room = MAX_FILE - self.bytes.len();
        self.more |= piece.len() > room;
        self.bytes
            .extend_from_slice(&piece[..piece.len().min(room)]);
    }
}

/// What may be kept of a file, when not all of it may.
fn redacted(at: At<'_>, contents: &[u8], with_arguments: bool) -> Option<Vec<u8>> {
    let name = at.path.file_name()?.as_encoded_bytes();
    match (at.tree, name) {
        (Tree::Proc, b"cmdline") if !with_arguments => Some(kubelet::redact_cmdline(contents)),
        (Tree::Proc, b"cmdline") => Some(kubelet::whole_cmdline(contents)),
        // A kubelet's configuration may have a header with a password.
        (Tree::Root, _) if kubelet::is_config(at.path) => Some(kubelet::redact(contents)),
        // Of a container in another one they are below /proc/PID/root.
        (Tree::Root | Tree::Proc, b"config.json" | b"config.v2.json" | b"containers.json") => {
            Some(nospace_core::parse::bundle::redact_config(contents))
        }
        (Tree::Root, name) if is_sysctl_file(at, name) => Some(redacted_sysctls(contents)),
        _ => None,
    }
}

/// Which lines may be kept of a file that is read line by line: of /proc/PID/maps not the names of files and the addresses.
fn kept_lines(at: At<'_>) -> fn(&[u8]) -> bool {
    match at.path.file_name() {
        Some(name) if at.tree == Tree::Proc && name == "maps" => maps::is_aio_ring,
        _ => |_| true,
    }
}

/// One of those that sysctl.d(5) and sysctl.conf(5) name.
fn is_sysctl_file(at: At<'_>, name: &[u8]) -> bool {
    let parent = at.path.parent().and_then(|parent| parent.file_name());
    name == b"sysctl.conf" || parent.is_some_and(|parent| parent == "sysctl.d")
}

/// The settings that nospace knows; of tune's own file also what it was before.
fn redacted_sysctls(contents: &[u8]) -> Vec<u8> {
    match DropIn::parse(contents) {
        Ok(own) => own.render().into_bytes(),
        Err(_) => {
            let known: Vec<&str> = limits::sysctls().map(|sysctl| sysctl.key).collect();
            redact(contents, &known)
        }
    }
}

impl<S: Sink + Send> Host for Recording<'_, S> {
    fn look(&self) -> Look {
        self.host.look()
    }

    fn read(&self, at: At<'_>, bound: usize, buffer: &mut Vec<u8>) -> ReadResult<()> {
        let answer = self.host.read(at, bound, buffer);
        match &answer {
            Ok(()) => {
                let kept = redacted(at, buffer, self.with_arguments);
                self.keep_file(at, kept.as_deref().unwrap_or(buffer), true);
            }
            Err(error) => self.keep(Question::Read(key(at)), Answer::Error(error.clone())),
        }
        answer
    }

    fn lines(&self, at: At<'_>, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> ReadResult<()> {
        let mut kept = Beginning::default();
        let is_kept = kept_lines(at);
        let mut flow = ControlFlow::Continue(());
        // A reader of the recording may want the lines after those that this reader wants.
        let answer = self.host.lines(at, &mut |line| {
            if is_kept(line) {
                kept.add(line);
                kept.add(b"\n");
            }
            if flow.is_continue() {
                flow = each(line);
            }
            ControlFlow::Continue(())
        });
        self.keep_beginning(at, &kept, &answer);
        if flow.is_break() { Ok(()) } else { answer }
    }

    fn network_sysctl(&self, pid: u32, path: &str) -> ReadResult<Vec<u8>> {
        let answer = self.host.network_sysctl(pid, path);
        let name = network_key(pid, path);
        let at = proc(&name);
        match &answer {
            Ok(bytes) => self.keep_file(at, bytes, true),
            Err(error) => self.keep(Question::Read(key(at)), Answer::Error(error.clone())),
        }
        answer
    }

    fn list(&self, at: At<'_>, cap: usize) -> ReadResult<Vec<String>> {
        let answer = self.host.list(at, cap);
        self.keep(Question::List(key(at)), Answer::of(&answer, Answer::Names));
        answer
    }

    fn subdirectories(&self, at: At<'_>) -> ReadResult<Vec<Subdirectory>> {
        let answer = self.host.subdirectories(at);
        self.keep(
            Question::Subdirectories(key(at)),
            Answer::of(&answer, Answer::Subdirectories),
        );
        answer
    }

    fn link(&self, at: At<'_>) -> ReadResult<String> {
        let answer = self.host.link(at);
        self.keep(Question::Link(key(at)), Answer::of(&answer, Answer::Target));
        answer
    }

    fn statfs(&self, at: At<'_>) -> ReadResult<FilesystemUsage> {
        let answer = self.host.statfs(at);
        self.keep(
            Question::Statfs(key(at)),
            Answer::of(&answer, Answer::Space),
        );
        answer
    }

    fn pids(&self) -> ReadResult<Vec<u32>> {
        let answer = self.host.pids();
        self.keep(Question::Pids, Answer::of(&answer, Answer::Pids));
        answer
    }

    fn owner(&self, pid: u32) -> ReadResult<u32> {
        let answer = self.host.owner(pid);
        self.keep(Question::Owner(pid), Answer::of(&answer, Answer::Uid));
        answer
    }

    /// Of the file only these users are kept, and of them only uid and name.
    fn user_names(&self, uids: &BTreeSet<u32>) -> ReadResult<BTreeMap<u32, String>> {
        let answer = self.host.user_names(uids);
        let at = root(PASSWD);
        match &answer {
            Ok(names) => self.keep_file(at, &passwd::of(names), true),
            Err(error) => self.keep(Question::Read(key(at)), Answer::Error(error.clone())),
        }
        answer
    }

    fn descriptors(&self, pid: u32, into: &mut Descriptors) -> ReadResult<()> {
        let answer = self.host.descriptors(pid, into);
        let kept = answer.clone().map(|()| into.clone());
        self.keep(
            Question::Descriptors(pid),
            Answer::of(&kept, Answer::Descriptors),
        );
        answer
    }

    fn fdinfo(&self, descriptor: Descriptor, piece: &mut dyn FnMut(&[u8])) -> ReadResult<()> {
        let mut kept = Beginning::default();
        let answer = self.host.fdinfo(descriptor, &mut |bytes| {
            kept.add(bytes);
            piece(bytes);
        });
        self.keep_beginning(proc(&fdinfo_path(descriptor)), &kept, &answer);
        answer
    }

    fn same_files(&self, descriptors: &[Descriptor]) -> ReadResult<Vec<Option<u32>>> {
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

    fn accounting(&self) -> ReadResult<KernelAccounting> {
        let answer = self.host.accounting();
        self.keep(
            Question::KernelAccounting,
            Answer::of(&answer, Answer::KernelAccounting),
        );
        answer
    }

    fn user_namespace(&self, pid: u32) -> ReadResult<UserNamespace> {
        let answer = self.host.user_namespace(pid);
        self.keep(
            Question::UserNamespace(pid),
            Answer::of(&answer, Answer::UserNamespace),
        );
        answer
    }
}
