//! A row of the table, and what it must show.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::{Budget, Finding, Report, Severity};

use crate::explain::{self, Victim};
use crate::place::Place;
use crate::support::{NOSPACE, report};

/// The kernel frees some things a little later than asked; others may use this machine at the same time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Rows of one cause would see each other: `--only CODE` is about the whole machine.
static ONE_BY_ONE: [Mutex<()>; Cause::ALL.len()] = [const { Mutex::new(()) }; Cause::ALL.len()];

/// One limit.
pub struct Row {
    pub cause: Cause,
    /// Which of the cause's limits, where it has several.
    pub which: &'static str,
    pub how: How,
}

/// How a limit is shown to be found.
pub enum How {
    /// Used up for real, by the scenario of this name of `nospace exhaust`.
    Scenario(&'static str, UseUp),
    /// Used up for real, where `nospace exhaust` has no scenario for it.
    Real(UseUp),
    /// Used up for real, and `check` is known not to find it, or not to find it gone.
    KnownFailure {
        /// Uses it up.
        exhaust: UseUp,
        /// What is wrong with `check`.
        why: &'static str,
    },
    /// Cannot be used up here: a recorded node where it was takes its place.
    Recorded {
        /// Directory below tests/nodes/, and the finding's subject there.
        node: &'static str,
        subject: &'static str,
        unit: &'static str,
        used: u64,
        limit: u64,
        /// Why it cannot be used up here.
        why: &'static str,
    },
    /// Nothing that `check` reads tells: it is recognised in logs alone.
    OnlyInLogs {
        /// A message about it: that of a program which is refused for real where one can be had.
        words: fn() -> anyhow::Result<Option<String>>,
        /// Why `check` cannot tell.
        why: &'static str,
    },
}

/// Uses a limit up. `None`, said in words, where this machine cannot.
pub type UseUp = fn() -> anyhow::Result<Option<Exhausted>>;

/// A limit that is used up until it is freed.
pub struct Exhausted {
    /// Where, and so where nospace runs.
    pub place: Place,
    /// What `check` must find.
    pub expected: Expected,
    /// A program that is refused there now, and prints why; none where none is at hand.
    pub victim: Option<Victim>,
}

/// The figures that `check` must find.
pub struct Expected {
    /// The end of the finding's subject.
    pub subject: String,
    pub unit: &'static str,
    pub used: RangeInclusive<u64>,
    pub limit: u64,
}

impl Expected {
    /// All of it is used.
    pub fn full(subject: impl Into<String>, unit: &'static str, limit: u64) -> Self {
        Self {
            subject: subject.into(),
            unit,
            used: limit..=limit,
            limit,
        }
    }
}

impl Row {
    /// The cause's code, and which limit it is.
    pub fn name(&self) -> String {
        match self.which {
            "" => self.cause.code().to_owned(),
            which => format!("{}: {which}", self.cause),
        }
    }

    /// Shows it.
    pub fn run(&self) -> anyhow::Result<()> {
        let index = Cause::ALL.iter().position(|cause| *cause == self.cause);
        let _alone = ONE_BY_ONE[index.context("no cause")?]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match self.how {
            How::Scenario(_, exhaust) | How::Real(exhaust) => {
                let before = self.check_host()?;
                match exhaust()? {
                    Some(mut exhausted) => self.is_found_and_goes(&mut exhausted, &before),
                    None => Ok(()),
                }
            }
            How::KnownFailure { exhaust, why } => {
                let before = self.check_host()?;
                let Some(mut exhausted) = exhaust()? else {
                    return Ok(());
                };
                let found = self.is_found_and_goes(&mut exhausted, &before);
                ensure!(
                    found.is_err(),
                    "no known failure any more, make it How::Real: {why}"
                );
                Ok(())
            }
            How::Recorded {
                node,
                subject,
                unit,
                used,
                limit,
                why,
            } => {
                let expected = Expected {
                    used: used..=used,
                    ..Expected::full(subject, unit, limit)
                };
                self.is_replayed(node, &expected)
                    .with_context(|| format!("recorded, because {why}"))
            }
            How::OnlyInLogs { words, why } => match words()? {
                Some(words) => explain::names(Command::new(NOSPACE), &words, self.cause)
                    .with_context(|| format!("only in logs, because {why}")),
                None => Ok(()),
            },
        }
    }

    fn is_replayed(&self, node: &str, expected: &Expected) -> anyhow::Result<()> {
        let check = |node| {
            let mut nospace = Command::new(NOSPACE);
            Answer::of(
                self.check_only(&mut nospace)
                    .arg("--from")
                    .arg(recorded(node)),
            )
        };
        let full = check(node)?;
        let code = match self.severity() {
            Severity::Critical => 2,
            _ => 0,
        };
        ensure!(full.code == Some(code), "exit code {:?}", full.code);
        self.holds(&full.report, expected)?;
        let healthy = check("healthy-v2")?;
        ensure!(healthy.code == Some(0), "exit code {:?}", healthy.code);
        Ok(())
    }

    /// What is wrong with this machine anyway.
    fn check_host(&self) -> anyhow::Result<Answer> {
        Answer::of(self.check_only(&mut Command::new(NOSPACE)))
    }

    fn is_found_and_goes(&self, exhausted: &mut Exhausted, before: &Answer) -> anyhow::Result<()> {
        let Exhausted {
            place,
            expected,
            victim,
        } = exhausted;
        let whole = report(place.nospace()?.args(["check", "-o", "json"]))?;
        self.holds(&whole, expected)?;
        let alone = Answer::of(self.check_only(&mut place.nospace()?))?;
        ensure!(alone.code == Some(2), "exit code {:?}", alone.code);
        self.holds(&alone.report, expected)?;
        if let Some(victim) = victim {
            victim.explained(place, self.cause)?;
        }
        place.free()?;
        let begin = Instant::now();
        loop {
            let freed = Answer::of(self.check_only(&mut place.nospace()?))?;
            match freed.is_as(before) {
                Err(_) if begin.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                done => return done,
            }
        }
    }

    fn check_only<'c>(&self, nospace: &'c mut Command) -> &'c mut Command {
        nospace.args(["check", "-o", "json", "--only", self.cause.code()])
    }

    /// How bad it is that all of it is used: a pool of huge pages is there to be used up.
    fn severity(&self) -> Severity {
        match self.cause {
            Cause::Hugepages => Severity::Info,
            _ => Severity::Critical,
        }
    }

    /// A finding with these figures.
    fn holds(&self, report: &Report, expected: &Expected) -> anyhow::Result<()> {
        let is_it = |f: &&Finding| {
            f.cause == self.cause
                && f.severity == self.severity()
                && f.subject.to_string().ends_with(&expected.subject)
        };
        let finding = report.findings.iter().find(is_it);
        let (used, limit) = self.figures(report, expected)?;
        ensure!(
            expected.used.contains(&used) && limit == expected.limit,
            "{used} of {limit} {}, and not {:?} of {}",
            expected.unit,
            expected.used,
            expected.limit
        );
        let subject = &expected.subject;
        finding.map(drop).with_context(|| {
            let found: Vec<_> = report
                .findings
                .iter()
                .map(|f| (f.cause, f.subject.to_string()))
                .collect();
            format!(
                "no {:?} {} of {subject:?}, but {found:?}",
                self.severity(),
                self.cause
            )
        })
    }

    fn figures(&self, report: &Report, expected: &Expected) -> anyhow::Result<(u64, u64)> {
        let of_user = |part: fn(&nospace_core::report::User) -> Budget| {
            let mut users = report.users.iter();
            let user = users.find(|user| user.subject().to_string().ends_with(&expected.subject));
            user.map(|user| (part(user).used, part(user).limit.unwrap_or(0)))
        };
        let figures = match self.cause {
            Cause::InotifyInstances => of_user(|user| user.instances),
            Cause::InotifyWatches => of_user(|user| user.watches),
            _ => {
                let mut resources = report.resources.iter();
                let found = resources.find(|one| {
                    one.cause == self.cause
                        && one.unit == expected.unit
                        && one.subject.to_string().ends_with(&expected.subject)
                });
                found.map(|one| (one.used, one.limit))
            }
        };
        figures.with_context(|| {
            let of_cause: Vec<_> = report
                .resources
                .iter()
                .filter(|one| one.cause == self.cause)
                .collect();
            format!("{:?} is not in the report: {of_cause:?}", expected.subject)
        })
    }
}

/// What nospace answered.
struct Answer {
    report: Report,
    code: Option<i32>,
}

impl Answer {
    fn of(nospace: &mut Command) -> anyhow::Result<Self> {
        let output = nospace.output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(errors.is_empty(), "it says {errors}");
        Ok(Self {
            report: serde_json::from_slice(&output.stdout)?,
            code: output.status.code(),
        })
    }

    /// What makes it answer anything but 0.
    fn troubles(&self) -> Vec<&Finding> {
        let findings = self.report.findings.iter();
        findings
            .filter(|one| one.severity > Severity::Info)
            .collect()
    }

    /// Nothing is wrong that was not wrong before: on a machine with room, nothing, or nothing that can be seen from there.
    fn is_as(&self, before: &Self) -> anyhow::Result<()> {
        let is_new = |one: &&&Finding| {
            let known = before.troubles();
            !known
                .iter()
                .any(|two| two.subject == one.subject && two.rule == one.rule)
        };
        let troubles = self.troubles();
        let new: Vec<_> = troubles.iter().filter(is_new).collect();
        ensure!(new.is_empty(), "still: {new:?}");
        let code = self.code;
        let unseen = &self.report.unseen;
        let fits = match code {
            Some(0) => unseen.is_empty(),
            Some(3) => !unseen.is_empty(),
            _ => !troubles.is_empty(),
        };
        ensure!(fits, "exit code {code:?}, {unseen:?}, and {troubles:?}");
        Ok(())
    }
}

fn recorded(node: &str) -> PathBuf {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes");
    nodes.join(node).join("node.tar.zst")
}
