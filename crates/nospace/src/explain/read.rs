//! Reading logs, several at once.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nospace_core::explain::{Classifier, ExplainedLine, Hit, Scanner, SourceRead, Summary};

use super::input::Input;
use super::progress::Progress;

/// Processors that one log is read on: more of them wait for what unpacks or reads it.
const MOST_PROCESSORS: usize = 4;

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

/// Reads `inputs`, as many at once as there are processors, or one on several processors, and keeps `keep` lines in all. What is
/// said is in the order of `inputs`, whichever was read first.
#[must_use]
pub fn read_all(inputs: &[Input], classifier: &Classifier, keep: usize) -> LogReading {
    let progress = Progress::new(inputs.iter().map(Input::size).sum());
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<LogReading>>> = Mutex::new(inputs.iter().map(|_| None).collect());
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let side_by_side = processors.min(inputs.len()).max(1);
    let processors = (processors / side_by_side).min(MOST_PROCESSORS);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(at) else {
                break;
            };
            let mut scanner = Scanner::on_processors(classifier, processors);
            let said = read_one(input, &mut scanner, classifier, keep, &progress);
            if let Ok(mut done) = done.lock() {
                done[at] = Some(said);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..side_by_side {
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
    scanner: &mut Scanner<'_>,
    classifier: &Classifier,
    keep: usize,
    progress: &Progress,
) -> LogReading {
    let source = input.name();
    let mut said = LogReading::default();
    let mut emit = |hit: Hit| said.add(&source, &hit, classifier, keep);
    let ended = input.open(progress).and_then(|mut text| {
        let mut failed = None;
        while scanner.fill_beside(|room| fill(&mut text, room, &mut failed), &mut emit)? > 0 {}
        Ok(())
    });
    scanner.finish(&mut emit);
    said.sources = vec![source_read(source, scanner, ended.err())];
    said
}

/// Reads until `room` is full, or `text` ends: a pipe gives little at a time. What came before an error is returned first, the
/// error, which waits in `failed`, with the next call.
fn fill(text: &mut dyn Read, room: &mut [u8], failed: &mut Option<io::Error>) -> io::Result<usize> {
    if let Some(error) = failed.take() {
        return Err(error);
    }
    let mut n = 0;
    while n < room.len() {
        match text.read(&mut room[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if n == 0 => return Err(e),
            Err(e) => {
                *failed = Some(e);
                break;
            }
        }
    }
    Ok(n)
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
