//! Reading logs, several at once.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nospace_core::explain::{Classifier, ExplainedLine, Hit, Scanner, SourceRead, Summary};

use super::input::Input;
use super::progress::Progress;

/// What was read in one or more logs.
#[derive(Debug, Default)]
pub struct LogReading {
    /// Added up.
    pub summary: Summary,
    /// The first messages, as many as were asked for.
    pub lines: Vec<ExplainedLine>,
    /// Messages beyond those.
    pub omitted: u64,
    /// What was read.
    pub sources: Vec<SourceRead>,
}

impl LogReading {
    /// Adds `hit`; keeps its line while there are fewer than `keep`.
    pub fn add(&mut self, source: &str, hit: &Hit, classifier: &Classifier, keep: usize) {
        self.summary.add(source, hit, classifier.table());
        if self.lines.len() < keep {
            let line = ExplainedLine::new(source, hit, classifier.table());
            self.lines.push(line);
        } else {
            self.omitted += 1;
        }
    }

    /// Adds what a later log said.
    fn merge(&mut self, later: Self, keep: usize) {
        self.summary.merge(later.summary);
        let room = keep.saturating_sub(self.lines.len());
        let over = later.lines.len().saturating_sub(room);
        self.lines.extend(later.lines.into_iter().take(room));
        self.omitted += later.omitted + over as u64;
        self.sources.extend(later.sources);
    }
}

/// Reads `inputs`, as many at once as there are processors, and keeps `keep` lines in all. What is
/// said is in the order of `inputs`, whichever was read first.
#[must_use]
pub fn read_all(inputs: &[Input], classifier: &Classifier, keep: usize) -> LogReading {
    let progress = Progress::new(inputs.iter().map(Input::size).sum());
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<LogReading>>> = Mutex::new(inputs.iter().map(|_| None).collect());
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(at) else {
                break;
            };
            let said = read_one(input, classifier, keep, &progress);
            if let Ok(mut done) = done.lock() {
                done[at] = Some(said);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 1..threads.min(inputs.len()) {
            scope.spawn(work);
        }
        work();
    });
    progress.done();
    let mut all = LogReading::default();
    for said in done.into_inner().unwrap_or_default().into_iter().flatten() {
        all.merge(said, keep);
    }
    all
}

fn read_one(
    input: &Input,
    classifier: &Classifier,
    keep: usize,
    progress: &Progress,
) -> LogReading {
    let source = input.name();
    let mut said = LogReading::default();
    let mut scanner = Scanner::new(classifier);
    let ended = input.open(progress).and_then(|mut text| {
        drain(&mut text, &mut scanner, &mut |hit| {
            said.add(&source, &hit, classifier, keep);
        })
    });
    scanner.finish(&mut |hit| said.add(&source, &hit, classifier, keep));
    said.sources = vec![source_read(source, &scanner, ended.err())];
    said
}

/// Reads `text` to its end.
///
/// # Errors
///
/// Those of `text`; what came before was taken.
pub fn drain(
    text: &mut dyn Read,
    scanner: &mut Scanner<'_>,
    emit: &mut dyn FnMut(Hit),
) -> io::Result<()> {
    loop {
        match scanner.fill(|room| text.read(room), emit) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// What went through `scanner`, and how it ended.
pub fn source_read(source: String, scanner: &Scanner<'_>, error: Option<io::Error>) -> SourceRead {
    let stats = scanner.stats();
    SourceRead {
        source,
        bytes: stats.bytes,
        lines: stats.lines,
        matched: stats.hits,
        cut: stats.cut,
        error: error.map(|e| e.to_string()),
    }
}
