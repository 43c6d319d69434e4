//! `nospace explain`: what log lines really mean.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use nospace_core::cause::Cause;
use nospace_core::explain::{Classifier, ExplainedLine, Explanation, Hit};
use nospace_core::report::{SCHEMA_VERSION, Severity};
use nospace_core::signatures::Table;

use super::{Output, OutputArg, Shared, UNKNOWN};
use crate::collect::collect;
use crate::explain::{
    Followed, Input, JournalQuery, Place, Said, files, is_journal, pages, read_all,
};
use crate::ui::{self, explain as draw, json, screen::Screen, warn};

/// Say what log lines really mean, and whether it is still so on this node
///
/// Reads logs (files, directories, rotated sets, .gz and .zst, standard input, the journal), names the
/// real cause of each refusal in them, and asks the node. A cause code instead of a file prints the
/// page about that cause.
#[derive(Args, Debug)]
#[command(after_long_help = HELP)]
pub struct ExplainArgs {
    #[command(flatten)]
    output: OutputArg,
    /// Logs, directories of logs, - for standard input; or one cause code
    #[arg(value_name = "FILE|CODE")]
    what: Vec<PathBuf>,
    /// Take the rotated siblings of each file as well, the oldest first
    #[arg(long)]
    rotated: bool,
    /// Read the journal
    #[arg(long)]
    journal: bool,
    /// Read the journal files of this directory, which may be another machine's
    #[arg(short = 'D', long, value_name = "DIR", requires = "journal")]
    directory: Option<PathBuf>,
    /// Only this unit of the journal; may be given again
    #[arg(short, long, value_name = "UNIT", requires = "journal")]
    unit: Vec<String>,
    /// Only entries from this moment or age on: 1h, yesterday
    #[arg(
        long,
        value_name = "TIME",
        requires = "journal",
        allow_hyphen_values = true
    )]
    since: Option<String>,
    /// Only entries up to this moment or age
    #[arg(
        long,
        value_name = "TIME",
        requires = "journal",
        allow_hyphen_values = true
    )]
    until: Option<String>,
    /// Only this boot: 0 is the running one, -1 the one before
    #[arg(short, long, value_name = "BOOT", requires = "journal", allow_negative_numbers = true,
          num_args = 0..=1, default_missing_value = "0")]
    boot: Option<String>,
    /// Go on with what is written later; polls, and so needs no inotify
    #[arg(short, long)]
    follow: bool,
    /// How often to look, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000, requires = "follow",
          value_parser = clap::value_parser!(u64).range(10..))]
    interval: u64,
    /// Ask a node that `nospace record` saved instead of this one
    #[arg(long, value_name = "ARCHIVE", conflicts_with = "no_node")]
    from: Option<PathBuf>,
    /// Ask no node: the logs are of another machine
    #[arg(long)]
    no_node: bool,
    /// Print cause codes only, the most frequent first
    #[arg(short, long)]
    quiet: bool,
    /// Add the signatures of this file; `--list -o json` shows the fields
    #[arg(long, value_name = "FILE.toml")]
    signatures: Vec<PathBuf>,
    /// Print the table of signatures
    #[arg(long)]
    list: bool,
    /// Keep at most N lines in the JSON document
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    max_lines: usize,
}

const HELP: &str = "Exit codes: 0 nothing was refused; 1 it was, and there is room again, or the text only \
                    allows it; 2 it was, and still is or nobody can tell; 3 a log could not be read or \
                    wrong usage.";

/// Explains.
///
/// # Errors
///
/// Wrong usage, a table of signatures that is wrong, or output that cannot be written.
pub fn run(shared: &Shared, outer: OutputArg, args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let output = args.output.or(outer);
    if let Some(cause) = args.cause() {
        return print_page(cause);
    }
    let classifier = Classifier::new(args.table()?)?;
    if args.list {
        return print_list(&classifier, output, shared.verbose);
    }
    let task = Task {
        shared,
        args,
        output,
        classifier: &classifier,
    };
    if args.follow {
        return task.follow();
    }
    let said = read_all(&task.inputs()?, &classifier, args.max_lines);
    task.conclude(said)
}

impl ExplainArgs {
    /// The cause whose page is asked for: the one argument is its code, and no file is called so.
    fn cause(&self) -> Option<Cause> {
        match self.what.as_slice() {
            [one] if !one.exists() => pages::cause(one.to_str()?),
            _ => None,
        }
    }

    fn table(&self) -> anyhow::Result<Table> {
        let mut files = Vec::new();
        for path in &self.signatures {
            let text = fs::read_to_string(path)
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
                Some(directory) => Place::Directory(directory.clone()),
                None if shared.rootfs == Path::new("/") => Place::Own,
                None => Place::Root(shared.rootfs.clone()),
            })
        }
    }
}

struct Task<'a> {
    shared: &'a Shared,
    args: &'a ExplainArgs,
    output: Output,
    classifier: &'a Classifier,
}

impl<'a> Task<'a> {
    /// What is to be read: what was named, else the journal, else standard input.
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
        let mut inputs: Vec<Input> = found.into_iter().map(Input::File).collect();
        if self.args.journal {
            inputs.push(Input::Journal(self.args.query(self.shared)));
        }
        if !stdin.is_empty() || inputs.is_empty() && named.is_empty() {
            if io::stdin().is_terminal() && stdin.is_empty() {
                bail!("nothing to read: name a log, give --journal, or pipe a log in");
            }
            inputs.push(Input::Stdin);
        }
        Ok(inputs)
    }

    /// Asks the node about what was said, prints it, and says how bad it is.
    fn conclude(&self, said: Said) -> anyhow::Result<ExitCode> {
        for source in &said.sources {
            if let Some(error) = &source.error {
                warn(&format!("{}: {error}", source.source));
            }
        }
        let failed = said.sources.iter().any(|s| s.error.is_some());
        let nothing = said.summary.is_empty() && said.sources.iter().all(|s| s.error.is_some());
        if failed && nothing && self.output == Output::Human {
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
            let host = self.shared.host(self.args.from.as_ref())?;
            Some(nospace_core::conclude(&collect(host.as_ref())))
        };
        explanation.ask(report.as_ref());
        let mut text = Vec::new();
        if self.args.quiet {
            for cause in &explanation.causes {
                text.extend(format!("{}\n", cause.decided.unwrap_or(cause.cause)).bytes());
            }
        } else if self.output == Output::Json {
            json::write(&explanation, &mut text)?;
        } else {
            let page = draw::story(
                &explanation,
                &summary,
                &Screen::of_stdout(),
                self.shared.verbose,
            );
            page.write(&mut text)?;
        }
        ui::print(&text)?;
        Ok(ExitCode::from(match explanation.severity() {
            Some(Severity::Critical) => 2,
            _ if failed => UNKNOWN,
            Some(Severity::Warning) => 1,
            _ => 0,
        }))
    }

    /// Tells the story of what is there, then each message as it comes; JSON is one line a message.
    fn follow(&self) -> anyhow::Result<ExitCode> {
        let inputs = self.inputs()?;
        if inputs.len() > 1 && inputs.iter().any(|i| matches!(i, Input::Stdin)) {
            bail!("standard input cannot be followed together with other logs");
        }
        let mut logs: Vec<Followed<'_>> = inputs.into_iter().map(|i| self.followed(i)).collect();
        let at_once = logs.iter().all(|l| l.can_wait());
        if at_once && self.output == Output::Human && !self.args.quiet {
            let mut said = Said::default();
            for log in &mut logs {
                let name = log.source().to_owned();
                let mut emit = |hit: Hit| said.add(&name, &hit, self.classifier, 0);
                let ended = log.poll(&mut emit, &mut warn);
                said.sources.push(log.read(ended.err()));
            }
            self.conclude(said)?;
        }
        warn(&format!(
            "following by looking every {} ms, which needs no inotify",
            self.args.interval
        ));
        loop {
            for log in &mut logs {
                self.look(log)?;
            }
            if logs.iter().all(Followed::has_ended) {
                return Ok(ExitCode::SUCCESS);
            }
            if at_once {
                std::thread::sleep(Duration::from_millis(self.args.interval));
            }
        }
    }

    fn followed(&self, input: Input) -> Followed<'a> {
        match input {
            Input::File(path) if is_journal(&path) => {
                Followed::journal(JournalQuery::all_of(Place::File(path)), self.classifier)
            }
            Input::File(path) => Followed::file(path, self.classifier),
            Input::Journal(query) => Followed::journal(query, self.classifier),
            Input::Stdin => Followed::stdin(self.classifier),
        }
    }

    fn look(&self, log: &mut Followed<'a>) -> anyhow::Result<()> {
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
        } else if self.output == Output::Json {
            let line = ExplainedLine::new(source, hit, self.classifier.table());
            json::write_line(&line, &mut text)?;
        } else {
            draw::hit(source, hit, &Screen::of_stdout()).write(&mut text)?;
        }
        Ok(ui::print(&text)?)
    }
}

fn print_page(cause: Cause) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    draw::manual(pages::page(cause), &Screen::of_stdout()).write(&mut text)?;
    ui::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn print_list(classifier: &Classifier, output: Output, verbose: bool) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    match output {
        Output::Json => json::write(&classifier.table().signatures(), &mut text)?,
        Output::Human => {
            draw::list(classifier.table(), &Screen::of_stdout(), verbose).write(&mut text)?
        }
    }
    ui::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
