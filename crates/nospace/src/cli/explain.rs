//! `nospace explain`: what log lines really mean.

use std::fs;
use std::io::{self, IsTerminal, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use nospace_core::amount::{bytes, count};
use nospace_core::cause::Cause;
use nospace_core::explain::{Classifier, ExplainedLine, Explanation, Hit, LONGEST_LINE};
use nospace_core::report::SCHEMA_VERSION;
use nospace_core::signatures::Table;

use super::args::{CheckOutputArg, HOST, LOOK, OUTPUT, OutputArg, Shared, UNKNOWN};
use super::from::FromArgs;
use crate::collect::collect;
use crate::explain::{
    Input, JournalQuery, JournalSource, LogFollower, LogReading, files, is_journal, pages, read_all,
};
use crate::output::{Format, document};
use crate::ui::{self, explain as draw, screen::Screen, warn};

/// Bytes of a file of signatures; the built-in table has 60 KiB.
const MAX_SIGNATURES: u64 = 4 << 20;

/// Explain log messages: the real cause, and whether it still holds on this node
///
/// Reads logs (files, directories, rotated sets, .gz and .zst, standard input, the journal), names the real cause of each
/// misleading error in them, and checks the node for it. Given a cause code instead of a file, prints the page about that cause.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ExplainArgs {
    /// Logs, directories of logs, or - for standard input; or one cause code
    #[arg(value_name = "FILE|CODE")]
    what: Vec<PathBuf>,
    /// Include the rotated siblings of each file, oldest first
    #[arg(long, help_heading = LOOK)]
    rotated: bool,
    /// Read the journal
    #[arg(long, help_heading = LOOK)]
    journal: bool,
    /// Read the journal files in this directory, possibly another machine's
    #[arg(short = 'D', long, value_name = "DIR", requires = "journal", help_heading = LOOK)]
    directory: Option<PathBuf>,
    /// Only this systemd unit; can be repeated
    #[arg(short, long, value_name = "UNIT", requires = "journal", help_heading = LOOK)]
    unit: Vec<String>,
    /// Only journal entries since this time, or this long ago: 1h, yesterday
    #[arg(long, value_name = "TIME", requires = "journal", allow_hyphen_values = true, help_heading = LOOK)]
    since: Option<String>,
    /// Only journal entries until this time, or this long ago
    #[arg(long, value_name = "TIME", requires = "journal", allow_hyphen_values = true, help_heading = LOOK)]
    until: Option<String>,
    /// Only this boot: 0 is the current one, -1 the one before
    #[arg(short, long, value_name = "BOOT", requires = "journal", allow_negative_numbers = true,
          num_args = 0..=1, default_missing_value = "0", help_heading = LOOK)]
    boot: Option<String>,
    /// Keep following the logs (polls, so it needs no inotify)
    #[arg(short, long, help_heading = LOOK)]
    follow: bool,
    /// Polling interval in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000, requires = "follow",
          value_parser = clap::value_parser!(u64).range(10..), help_heading = LOOK)]
    interval: u64,
    /// Add signatures from this file; `--list -o json` shows the fields; can be repeated
    #[arg(long, value_name = "FILE.toml", help_heading = LOOK)]
    signatures: Vec<PathBuf>,
    /// Print only cause codes, most frequent first
    #[arg(short, long, help_heading = OUTPUT)]
    quiet: bool,
    /// Print the table of signatures
    #[arg(long, help_heading = OUTPUT)]
    list: bool,
    /// Keep at most N lines in the JSON document
    #[arg(long, value_name = "N", default_value_t = 10_000, help_heading = OUTPUT)]
    max_lines: usize,
    #[command(flatten)]
    output: OutputArg,
    #[command(flatten)]
    from: FromArgs,
    /// Do not check the node: the logs come from another machine
    #[arg(long, conflicts_with = "from", help_heading = HOST)]
    no_node: bool,
}

const AFTER_HELP: &str = "\
Exit codes: 0 nothing found; 1 found, but there is room now or the message is ambiguous; 2 found, and still true or not \
checked; 3 a log could not be read, or wrong usage.

Examples:
  nospace explain /var/log/syslog
  kubectl logs POD | nospace explain -
  nospace explain --journal -u kubelet --since 1h
  nospace explain inotify-watches                the page about this cause";

/// Explains.
///
/// # Errors
///
/// Wrong usage, a table of signatures that is wrong, or output that cannot be written.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let format = args.output.or(outer);
    if let Some(cause) = args.cause() {
        return print_page(cause);
    }
    args.check_codes()?;
    let classifier = Classifier::new(args.table()?)?;
    if args.list {
        return print_list(&classifier, format, shared.verbose);
    }
    let task = Task {
        shared,
        args,
        format,
        classifier: &classifier,
    };
    if args.follow {
        return task.follow();
    }
    let said = read_all(&task.inputs()?, &classifier, args.max_lines);
    task.conclude(said)
}

impl ExplainArgs {
    /// The cause to print the page of: the only argument is its code, and no file has that name.
    fn cause(&self) -> Option<Cause> {
        match self.what.as_slice() {
            [one] if !one.exists() => pages::cause(one.to_str()?),
            _ => None,
        }
    }

    /// An argument that is no file and reads like a cause code is taken for a mistyped one. A lone word that is neither is an
    /// error too; a missing log among others is reported when they have been read.
    fn check_codes(&self) -> anyhow::Result<()> {
        let is_missing = |path: &&PathBuf| path.as_os_str() != "-" && !path.exists();
        for word in self.what.iter().filter(is_missing) {
            let like = word.to_str().map(Cause::closest).unwrap_or_default();
            if !like.is_empty() {
                bail!(
                    "there is no file and no cause {word:?}; did you mean {}?",
                    like.join(" or ")
                );
            }
        }
        if let [word] = self.what.as_slice()
            && is_missing(&word)
            && word.parent() == Some(Path::new(""))
        {
            bail!(
                "{word:?} is neither a file nor a cause code; name a log, or a code such as {} or {} (`nospace explain --list` shows all)",
                Cause::InotifyWatches,
                Cause::DiskSpace
            );
        }
        Ok(())
    }

    fn table(&self) -> anyhow::Result<Table> {
        let mut files = Vec::new();
        for path in &self.signatures {
            let text = signatures(path)
                .with_context(|| format!("cannot read signatures from {}", path.display()))?;
            files.push((path.display().to_string(), text));
        }
        Ok(Table::with_user(&files)?)
    }

    fn query(&self, shared: &Shared) -> JournalQuery {
        JournalQuery {
            units: self.unit.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            boot: self.boot.clone(),
            ..JournalQuery::all_of(match &self.directory {
                Some(directory) => JournalSource::Directory(directory.clone()),
                None if shared.rootfs == Path::new("/") => JournalSource::Own,
                None => JournalSource::Root(shared.rootfs.clone()),
            })
        }
    }
}

struct Task<'a> {
    shared: &'a Shared,
    args: &'a ExplainArgs,
    format: &'static Format,
    classifier: &'a Classifier,
}

impl<'a> Task<'a> {
    /// The logs to read: those named, else the journal, else standard input.
    fn inputs(&self) -> anyhow::Result<Vec<Input>> {
        let (stdin, named): (Vec<_>, Vec<_>) = self
            .args
            .what
            .iter()
            .cloned()
            .partition(|p| p.as_os_str() == "-");
        let found = files(&named, self.args.rotated).map_err(|(path, e)| {
            anyhow::Error::from(e).context(format!("cannot list {}", path.display()))
        })?;
        for path in found.iter().filter(|path| is_named_pipe(path)) {
            warn(&format!(
                "{}: a named pipe: waiting until a program writes to it (Ctrl-C stops)",
                path.display()
            ));
        }
        let mut inputs: Vec<Input> = found.into_iter().map(Input::File).collect();
        if self.args.journal {
            inputs.push(Input::Journal(self.args.query(self.shared)));
        }
        if !stdin.is_empty() || inputs.is_empty() && named.is_empty() {
            if io::stdin().is_terminal() && stdin.is_empty() {
                bail!("nothing to read: name a log, use --journal, or pipe a log in");
            }
            inputs.push(Input::Stdin);
        }
        Ok(inputs)
    }

    /// Whether there was not a byte to read. Of a journal that is an answer: no entry is like the query.
    fn is_empty(&self, said: &LogReading) -> bool {
        let journal = self.args.journal || self.args.what.iter().any(|path| is_journal(path));
        !journal
            && said
                .sources
                .iter()
                .all(|s| s.bytes == 0 && s.error.is_none())
    }

    /// Checks the node for the causes found, prints them, and says how bad it is.
    fn conclude(&self, said: LogReading) -> anyhow::Result<ExitCode> {
        for source in &said.sources {
            if let Some(error) = &source.error {
                warn(&format!("{}: {error}", source.source));
            }
            if source.cut > 0 {
                let lines = count(source.cut, "line is", "lines are");
                let name = &source.source;
                warn(&format!(
                    "{name}: {lines} too long: only the first {} of each was searched",
                    bytes(LONGEST_LINE as u64)
                ));
            }
        }
        let empty = self.is_empty(&said);
        if empty {
            warn("nothing was read: the input is empty");
            if self.format.is_for_people() {
                return Ok(ExitCode::from(UNKNOWN));
            }
        }
        let failed = said.sources.iter().any(|s| s.error.is_some());
        let nothing = said.summary.is_empty() && said.sources.iter().all(|s| s.error.is_some());
        if failed && nothing && self.format.is_for_people() {
            return Ok(ExitCode::from(UNKNOWN));
        }
        let summary = said.summary;
        let mut explanation = Explanation {
            schema_version: SCHEMA_VERSION,
            lines: said.lines,
            lines_omitted: said.omitted,
            causes: summary.causes(),
            findings: Vec::new(),
            sources: said.sources,
        };
        let report = if self.args.no_node || summary.is_empty() {
            None
        } else {
            let host = self.args.from.host(self.shared)?;
            Some(nospace_core::conclude(&collect(host.as_ref())))
        };
        explanation.ask(report.as_ref());
        if self.args.quiet {
            let mut text = Vec::new();
            for cause in &explanation.causes {
                text.extend(format!("{}\n", cause.decided.unwrap_or(cause.cause)).bytes());
            }
            ui::print(&text)?;
        } else {
            let verbose = self.shared.verbose;
            let draw = |screen: &Screen| draw::causes(&explanation, &summary, screen, verbose);
            self.format.print(&document(&explanation, draw))?;
        }
        Ok(ExitCode::from(if empty {
            UNKNOWN
        } else {
            explanation.status().exit_code()
        }))
    }

    /// Explains what is there, then each message as it comes; JSON is one line per message.
    fn follow(&self) -> anyhow::Result<ExitCode> {
        let inputs = self.inputs()?;
        if inputs.len() > 1 && inputs.iter().any(|i| matches!(i, Input::Stdin)) {
            bail!("standard input cannot be followed together with other logs");
        }
        let mut logs: Vec<LogFollower<'_>> = inputs.into_iter().map(|i| self.followed(i)).collect();
        let at_once = logs.iter().all(|l| l.can_wait());
        if at_once && self.format.is_for_people() && !self.args.quiet {
            let mut said = LogReading::default();
            for log in &mut logs {
                let name = log.source().to_owned();
                let mut emit = |hit: Hit| said.add(&name, &hit, self.classifier, 0);
                let ended = log.poll(&mut emit, &mut warn);
                said.sources.push(log.read(ended.err()));
            }
            self.conclude(said)?;
        }
        warn(&format!(
            "following; polls every {} ms, so it needs no inotify",
            self.args.interval
        ));
        loop {
            for log in &mut logs {
                self.look(log)?;
            }
            if logs.iter().all(LogFollower::has_ended) {
                return Ok(ExitCode::SUCCESS);
            }
            if at_once {
                std::thread::sleep(Duration::from_millis(self.args.interval));
            }
        }
    }

    fn followed(&self, input: Input) -> LogFollower<'a> {
        match input {
            Input::File(path) if is_journal(&path) => LogFollower::journal(
                JournalQuery::all_of(JournalSource::File(path)),
                self.classifier,
            ),
            Input::File(path) => LogFollower::file(path, self.classifier),
            Input::Journal(query) => LogFollower::journal(query, self.classifier),
            Input::Stdin => LogFollower::stdin(self.classifier),
        }
    }

    fn look(&self, log: &mut LogFollower<'a>) -> anyhow::Result<()> {
        let name = log.source().to_owned();
        let mut printed = Ok(());
        let mut emit = |hit: Hit| {
            if printed.is_ok() {
                printed = self.print_hit(&name, &hit);
            }
        };
        if let Err(error) = log.poll(&mut emit, &mut warn) {
            warn(&format!("{name}: {error}"));
        }
        printed
    }

    fn print_hit(&self, source: &str, hit: &Hit) -> anyhow::Result<()> {
        let mut text = Vec::new();
        if self.args.quiet {
            text.extend(format!("{}\n", hit.meaning.cause).bytes());
        } else {
            let line = ExplainedLine::new(source, hit, self.classifier.table());
            let draw = |screen: &Screen| draw::hit(source, hit, screen);
            self.format
                .append(&document(&line, draw), &Screen::of_stdout(), &mut text)?;
        }
        Ok(ui::print(&text)?)
    }
}

fn print_page(cause: Cause) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    draw::manual(&pages::with_platforms(cause), &Screen::of_stdout()).write(&mut text)?;
    ui::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn print_list(classifier: &Classifier, format: &Format, verbose: bool) -> anyhow::Result<ExitCode> {
    let table = classifier.table();
    let draw = |screen: &Screen| draw::list(table, screen, verbose);
    format.print(&document(&table.signatures(), draw))?;
    Ok(ExitCode::SUCCESS)
}

/// A named pipe, and not a link to one: behind /dev/fd somebody writes already.
fn is_named_pipe(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|meta| meta.file_type().is_fifo())
}

/// A table of signatures, which is a file of a few KiB.
fn signatures(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    file.take(MAX_SIGNATURES + 1).read_to_string(&mut text)?;
    anyhow::ensure!(
        text.len() as u64 <= MAX_SIGNATURES,
        "longer than {} MiB, the most that nospace reads of it; split it, and name each part",
        MAX_SIGNATURES >> 20
    );
    Ok(text)
}
