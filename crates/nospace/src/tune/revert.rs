//! `--revert`: values and files as they were before the first `--apply`.

use nospace_core::tune::{
    Action, Change, DROP_IN, DropIn, Entry, FileStep, Step, StepState, Tuning, sysctl, takes,
};

use super::live;
use super::lock::TuneLock;
use super::obstacle::{ensure_none, file_error};
use super::site::{RUNTIME, Scope, Site};
use crate::collect::limits;

/// The files that hold the previous values.
struct PreviousValues {
    drop_in: Option<DropIn>,
    runtime: Option<DropIn>,
}

/// Takes everything back; with `only_show` it says what that would be.
///
/// # Errors
///
/// When there is nothing that tune could take back, or a file of tune is not readable.
pub fn revert(site: &Site<'_>, scope: Scope, only_show: bool) -> anyhow::Result<Tuning> {
    let _lock = (!only_show).then(|| TuneLock::acquire(site)).transpose()?;
    let previous = PreviousValues {
        drop_in: read(site, DROP_IN)?,
        runtime: read(site, RUNTIME)?,
    };
    let mut tuning = describe(site, &previous, scope);
    if only_show {
        return Ok(tuning);
    }
    ensure_none(site, &tuning, scope)?;
    for change in &mut tuning.changes {
        if let (StepState::Planned, Some(value)) = (change.live.state, change.proposed) {
            change.live = match live::set(site.host, &site.procfs, &change.key, value) {
                Ok(()) => StepState::Done.into(),
                Err(why) => Step::failed(why),
            };
        }
    }
    remove(site, &mut tuning, &previous, scope);
    Ok(tuning)
}

fn read(site: &Site<'_>, path: &'static str) -> anyhow::Result<Option<DropIn>> {
    let bytes = site.file(path).and_then(|file| file.read());
    let bytes = bytes.map_err(|error| anyhow::anyhow!("{}", file_error(path, error)))?;
    let parsed = bytes.map(|bytes| DropIn::parse(&bytes)).transpose();
    parsed.map_err(|foreign| anyhow::anyhow!("{path} {foreign}"))
}

fn describe(site: &Site<'_>, previous: &PreviousValues, scope: Scope) -> Tuning {
    let reader = limits::reader(site.host, site.is_image());
    let boot = limits::boot(site.host, reader, &mut Vec::new());
    let without = boot.without(DROP_IN);
    let change = |(entry, written): (&Entry, Vec<u64>)| {
        let key = &entry.key;
        let winner =
            |boot: &nospace_core::parse::sysctl::Boot| boot.winner(key, |value| takes(key, value));
        let current = site.current(key);
        Change {
            key: key.clone(),
            current,
            proposed: entry.before,
            reason: "value before tune".to_owned(),
            memory_bytes: None,
            each: sysctl(key).map_or("", |sysctl| sysctl.each).to_owned(),
            live: back(site, entry, &written, current, scope),
            persistent: StepState::Unneeded.into(),
            at_boot: winner(&boot),
            next_boot: winner(&without),
            setters: Vec::new(),
        }
    };
    let step = match (&previous.drop_in, scope.persistent) {
        (None, _) => StepState::Unneeded.into(),
        (Some(_), false) => Step::skipped("--runtime-only"),
        (Some(_), true) => StepState::Planned.into(),
    };
    Tuning {
        schema_version: 1,
        taken_at: site.host.look().taken_at,
        node: site.name(),
        memory_bytes: None,
        action: Action::Revert,
        reader,
        platform: site.platform(&[]),
        changes: previous.entries().into_iter().map(change).collect(),
        file: FileStep {
            path: DROP_IN.to_owned(),
            existed: previous.drop_in.is_some(),
            remains: step.state == StepState::Skipped,
            step,
        },
        notes: Vec::new(),
        namespaces: Vec::new(),
    }
}

impl PreviousValues {
    /// Each key with what it was before, and every value that tune gave it.
    fn entries(&self) -> Vec<(&Entry, Vec<u64>)> {
        let mut all: Vec<(&Entry, Vec<u64>)> = Vec::new();
        for entry in [&self.drop_in, &self.runtime]
            .into_iter()
            .flatten()
            .flat_map(|file| &file.entries)
        {
            match all.iter_mut().find(|(first, _)| first.key == entry.key) {
                Some((_, written)) => written.push(entry.value),
                None => all.push((entry, vec![entry.value])),
            }
        }
        all
    }
}

/// What becomes of the live value.
fn back(
    site: &Site<'_>,
    entry: &Entry,
    written: &[u64],
    current: Option<u64>,
    scope: Scope,
) -> Step {
    if site.is_image() {
        return Step::skipped("an image has no live values");
    }
    match (current, entry.before) {
        _ if !scope.live => Step::skipped("--persist-only"),
        (Some(current), Some(before)) if current == before => StepState::Unneeded.into(),
        (Some(current), Some(_)) if written.contains(&current) || scope.force => {
            StepState::Planned.into()
        }
        (Some(current), Some(before)) => Step::skipped(format!(
            "changed to {current} since; --force restores {before} anyway"
        )),
        (None, _) => Step::failed("the live value cannot be read"),
        (_, None) => Step::skipped("the previous value is unknown"),
    }
}

/// Takes tune's files away, once the kernel has its values back.
fn remove(site: &Site<'_>, tuning: &mut Tuning, previous: &PreviousValues, scope: Scope) {
    let failed = |change: &Change| change.live.state == StepState::Failed;
    if tuning.changes.iter().any(failed) {
        // The file knows what to try again.
        tuning.file.step = Step::skipped("kept until every value is restored");
        tuning.file.remains = true;
        return;
    }
    let take = |path, file: &DropIn| {
        site.file(path)
            .and_then(|place| place.directory()?.remove(file.made_directory))
    };
    if let (StepState::Planned, Some(file)) = (tuning.file.step.state, &previous.drop_in) {
        match take(DROP_IN, file) {
            Ok(()) => tuning.file.step = StepState::Done.into(),
            Err(error) => {
                tuning.file.step = Step::failed(file_error(DROP_IN, error));
                tuning.file.remains = true;
            }
        }
    }
    if let (true, Some(file)) = (scope.live, &previous.runtime)
        && let Err(error) = take(RUNTIME, file)
    {
        tuning.notes.push(file_error(RUNTIME, error));
    }
}
