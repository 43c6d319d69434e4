//! What nospace says of a scenario, and what the kernel does then.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use nospace_core::explain::{Explanation, Verdict};
use nospace_core::report::{KubeletStart, Report, StartVerdict, Status};
use nospace_holder::{Holder, Tried};

use crate::scenario::{Rights, Scenario};

/// Lines that any program may print.
const WORDS: [(&str, Resource); 2] = [
    (
        "app: inotify_init1: too many open files",
        Resource::Instances,
    ),
    (
        "app: inotify_add_watch /srv/data: no space left on device",
        Resource::Watches,
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource {
    Instances,
    Watches,
}

/// What an answer comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Room,
    Trouble,
    Unknown,
}

/// All answers to one scenario, and what the kernel granted.
#[derive(Debug)]
pub struct Answers {
    check: Says,
    lines: Vec<(Resource, Says)>,
    start: Option<(KubeletStart, Says)>,
    /// The next call of each kind, by the holder.
    instance: Tried,
    watch: Tried,
    /// What a kubelet would still need beyond what it holds.
    kubelet: Option<(Tried, Tried)>,
}

impl Answers {
    pub fn of(scenario: &Scenario) -> anyhow::Result<Self> {
        let (mut holder, _beside) = scenario.hold()?;
        let report = check(scenario.nospace(
            &holder,
            "check -o json --only inotify-instances --only inotify-watches --only kubelet-start",
        )?)?;
        let lines = WORDS.iter().map(|(words, resource)| {
            let nospace = scenario.nospace(&holder, "explain -o json -")?;
            Ok((*resource, explain(nospace, words)?))
        });
        let lines = lines.collect::<anyhow::Result<_>>()?;
        let start = report.forecast.kubelet_start.clone();
        let start = start.filter(|start| start.kubelet_pid == Some(holder.pid()));
        let start = start.map(|start| {
            let says = match start.verdict {
                StartVerdict::Starts => Says::Room,
                StartVerdict::Barely | StartVerdict::Fails => Says::Trouble,
                StartVerdict::Unknown => Says::Unknown,
            };
            (start, says)
        });
        let (instance, watch) = (holder.tell("open 1")?, holder.tell("add 1")?);
        let kubelet = start.as_ref().map(|(start, _)| more(&mut holder, start));
        Ok(Self {
            check: match report.status() {
                Status::Ok(_) => Says::Room,
                Status::Unknown => Says::Unknown,
                Status::Warning | Status::Critical => Says::Trouble,
            },
            lines,
            start,
            instance,
            watch,
            kubelet: kubelet.transpose()?,
        })
    }

    /// No promise was broken.
    pub fn are_kept(&self) -> anyhow::Result<()> {
        let refused = |tried: Tried| tried.errno.is_some();
        let is_refused = |resource| match resource {
            Resource::Instances => refused(self.instance),
            Resource::Watches => refused(self.watch),
        };
        if self.check == Says::Room {
            ensure!(
                !refused(self.instance) && !refused(self.watch),
                "check says OK"
            );
        }
        for (resource, says) in &self.lines {
            ensure!(
                *says != Says::Room || !is_refused(*resource),
                "explain says that there is room"
            );
        }
        if let (Some((_, Says::Room)), Some((instances, watches))) = (&self.start, self.kubelet) {
            ensure!(
                !refused(instances) && !refused(watches),
                "the kubelet is said to start"
            );
        }
        Ok(())
    }

    fn says(&self) -> impl Iterator<Item = Says> {
        let start = self.start.iter().map(|(_, says)| *says);
        let lines = self.lines.iter().map(|(_, says)| *says);
        std::iter::once(self.check).chain(lines).chain(start)
    }
}

/// The kubelet that starts has given back what it held: the rest of what it needs comes on top. One of each was taken already.
fn more(holder: &mut Holder, start: &KubeletStart) -> anyhow::Result<(Tried, Tried)> {
    let instances = start
        .instances_needed
        .saturating_sub(start.instances_given_back + 1);
    let watches = start
        .watches_needed
        .saturating_sub(start.watches_given_back + 1);
    Ok((
        holder.tell(&format!("open {instances}"))?,
        holder.tell(&format!("add {watches}"))?,
    ))
}

fn check(mut nospace: Command) -> anyhow::Result<Report> {
    let output = nospace.output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(errors.is_empty(), "{nospace:?}: {errors}");
    serde_json::from_slice(&output.stdout).context("no report")
}

fn explain(mut nospace: Command, words: &str) -> anyhow::Result<Says> {
    let mut running = nospace
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = running.stdin.take().context("no pipe")?;
    writeln!(input, "{words}")?;
    drop(input);
    let output = running.wait_with_output()?;
    let said: Explanation = serde_json::from_slice(&output.stdout)?;
    let first = said
        .causes
        .first()
        .with_context(|| format!("nothing in {words:?}"))?;
    Ok(match first.node {
        Verdict::Recovered => Says::Room,
        Verdict::Contradicts if first.decided.is_none() => Says::Room,
        Verdict::Confirms | Verdict::Contradicts => Says::Trouble,
        Verdict::Unknown => Says::Unknown,
    })
}

/// Answers by rights and by what they say.
#[derive(Default)]
pub struct Tally {
    answers: BTreeMap<Rights, BTreeMap<Says, u64>>,
    refused: u64,
}

impl Tally {
    pub fn count(&mut self, rights: Rights, answers: &Answers) {
        let of_rights = self.answers.entry(rights).or_default();
        for says in answers.says() {
            *of_rights.entry(says).or_default() += 1;
        }
        let refused = [answers.instance, answers.watch]
            .iter()
            .any(|tried| tried.errno.is_some());
        self.refused += u64::from(refused);
    }

    /// Scenarios in which the next call was refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Answers that promise room.
    pub fn promised(&self) -> u64 {
        self.answers
            .values()
            .filter_map(|says| says.get(&Says::Room))
            .sum()
    }

    /// Answers that are not "unknown", in percent; `None` where none was asked for.
    pub fn known_percent(&self, rights: Rights) -> Option<u64> {
        let says = self.answers.get(&rights)?;
        let all: u64 = says.values().sum();
        let unknown = says.get(&Says::Unknown).copied().unwrap_or(0);
        Some((all - unknown) * 100 / all)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rights, says) in &self.answers {
            let of = |one| says.get(&one).copied().unwrap_or(0);
            writeln!(
                f,
                "{rights:?}: {} room, {} trouble, {} unknown",
                of(Says::Room),
                of(Says::Trouble),
                of(Says::Unknown)
            )?;
        }
        write!(f, "the next call was refused in {} scenarios", self.refused)
    }
}
