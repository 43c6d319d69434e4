//! `nospace report`: an incident, for people who were not there.

#[cfg(feature = "agent")]
mod agent;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use nospace_core::explain::{Classifier, Explanation};
use nospace_core::quote;
use nospace_core::report::{Report, SCHEMA_VERSION};
use nospace_core::signatures::Table;

use crate::cli::args::{CheckOutputArg, LOOK, OUTPUT, Shared};
use crate::cli::from::FromArgs;
use crate::collect::collect;
use crate::explain::{Input, files, read_all};
use crate::incident::{Incident, Recorder, html, markdown, text};
use crate::over_time;
use crate::ui::{self, warn};

/// Samples of a timeline that are read.
const SAMPLES: usize = 240;

/// Write a report of an incident: what happened, who holds what, who is affected, what to do
///
/// One HTML page that loads nothing from anywhere. From a timeline it shows how budgets and holders changed up to its last sample, or that of --at; from a
/// running agent, over the hours that it remembers.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ReportArgs {
    #[command(flatten)]
    from: FromArgs,
    #[cfg(feature = "agent")]
    #[command(flatten)]
    agent: agent::AgentArgs,
    /// Explain this log, too; can be repeated
    #[arg(long, value_name = "FILE", help_heading = LOOK)]
    logs: Vec<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t, help_heading = OUTPUT, display_order = 0)]
    output: ReportFormat,
}

const AFTER_HELP: &str = "\
Examples:
  nospace report > report.html
  nospace report --from incident.tar.zst --logs kubelet.log > report.html
  nospace report --agent http://node-7:9409 > report.html  what its agent remembers
  nospace report --from incident.tar.zst -o markdown      for a ticket
  nospace report --from incident.tar.zst -o text          for a channel";

/// What the report is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// One HTML page.
    #[default]
    Html,
    /// Markdown, for tickets.
    Markdown,
    /// A few lines, for a channel.
    Text,
}

/// Writes the report.
///
/// # Errors
///
/// The node, the archive, the agent or a log cannot be read.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &ReportArgs) -> anyhow::Result<ExitCode> {
    if let Some(format) = outer.output {
        bail!(
            "-o {} before report: report has formats of its own, nospace report -o html|markdown|text",
            format.name
        );
    }
    ensure!(
        args.output != ReportFormat::Html || !io::stdout().is_terminal(),
        "the report is a page for browsers: nospace report > report.html, or -o text to read it here"
    );
    let mut incident = incident(shared, args)?;
    if !args.logs.is_empty() {
        incident.logs = Some(logs(&args.logs, &incident.report)?);
    }
    incident.commands = vec![command()];
    let written = match args.output {
        ReportFormat::Html => html(&incident),
        ReportFormat::Markdown => markdown(&incident).into_bytes(),
        ReportFormat::Text => text(&incident).into_bytes(),
    };
    ui::print(&written)?;
    Ok(ExitCode::SUCCESS)
}

fn incident(shared: &Shared, args: &ReportArgs) -> anyhow::Result<Incident> {
    #[cfg(feature = "agent")]
    if let Some(incident) = args.agent.incident(&args.from)? {
        return Ok(incident);
    }
    let mut recorder = Recorder::default();
    let mut gaps = Vec::new();
    if let Some(past) = args.from.open()? {
        gaps.extend(past.replay.gap());
        let samples = past.replay.samples();
        let mut seen = over_time::Past::default();
        over_time::each_of(
            &past.replay,
            past.number,
            SAMPLES,
            &mut |number, view, seconds| {
                let found = seen.add(view, seconds);
                let report = nospace_core::conclude_with(view.clone(), found);
                if let Some(sample) = samples.get(number) {
                    recorder.add(report, sample.taken_at, seconds);
                }
                Ok(())
            },
        )?;
        if past.replay.interval().is_some() {
            match over_time::refusals(&past.replay, None, past.number)? {
                Ok(refused) => recorder.add_refusals(&refused),
                Err(why) => gaps.push(why),
            }
        }
    } else {
        recorder = moment(nospace_core::conclude(&collect(&shared.live()?)))?;
    }
    let mut incident = recorder.finish().context("the recording has no sample")?;
    incident.gaps.extend(gaps);
    Ok(incident)
}

/// A report without a past.
fn moment(report: Report) -> anyhow::Result<Recorder> {
    let when: Timestamp = report.taken_at.parse().context("the time of the check")?;
    let mut recorder = Recorder::default();
    recorder.add(report, when, 0.0);
    Ok(recorder)
}

fn logs(paths: &[PathBuf], report: &Report) -> anyhow::Result<Explanation> {
    let classifier = Classifier::new(Table::builtin()?)?;
    let found = files(paths, false).map_err(|(path, error)| {
        anyhow::Error::from(error).context(format!("cannot read {}", path.display()))
    })?;
    let inputs: Vec<Input> = found.into_iter().map(Input::File).collect();
    let said = read_all(&inputs, &classifier, 0);
    for source in &said.sources {
        if let Some(error) = &source.error {
            bail!("cannot read {}: {error}", source.source);
        }
        if source.cut > 0 {
            warn(&format!(
                "{}: some lines are too long to be read to their end",
                source.source
            ));
        }
    }
    let mut explanation = Explanation {
        schema_version: SCHEMA_VERSION,
        lines: said.lines,
        lines_omitted: said.omitted,
        causes: said.summary.causes(),
        findings: Vec::new(),
        sources: said.sources,
    };
    explanation.ask(Some(report));
    Ok(explanation)
}

/// As it was typed.
fn command() -> String {
    let typed = std::env::args()
        .skip(1)
        .map(|word| quote(&word).unwrap_or(word));
    let mut words = vec!["nospace".to_owned()];
    words.extend(typed);
    words.join(" ")
}
