//! `--apply`: the file first, then the kernel, so that whatever is live can be taken back.

use rustix::io::Errno;

use nospace_core::tune::{Action, Change, DROP_IN, DropIn, Step, StepState, Tuning};

use super::dry_run::{DryRun, overridden};
use super::live;
use super::lock::TuneLock;
use super::obstacle::{ensure_none, file_error};
use super::site::{RUNTIME, Scope, Site};

/// Does what the dry run shows.
///
/// # Errors
///
/// When it is known beforehand that something would fail: nothing is changed then. What fails on the way is in the
/// answer instead.
pub fn apply(site: &Site<'_>, dry_run: DryRun, scope: Scope) -> anyhow::Result<Tuning> {
    let mut tuning = dry_run.tuning;
    tuning.action = Action::Apply;
    ensure_none(site, &tuning, scope)?;
    let _lock = TuneLock::acquire(site)?;
    let runtime = runtime(site);
    if tuning.file.step.state == StepState::Planned {
        write(site, &mut tuning, &runtime);
    }
    let kept = tuning.file.step.state == StepState::Done;
    if planned(&tuning, |change| &change.live) && !kept {
        remember(site, &mut tuning, runtime);
    }
    for change in &mut tuning.changes {
        if let (StepState::Planned, Some(value)) = (change.live.state, change.proposed) {
            change.live = raise(site, &change.key, value);
        }
    }
    Ok(tuning)
}

/// Sets it, unless another has raised it further since.
fn raise(site: &Site<'_>, key: &str, value: u64) -> Step {
    if live::value(site.host, key).is_some_and(|now| now >= value) {
        return StepState::Unneeded.into();
    }
    match live::set(site.host, &site.procfs, key, value) {
        Ok(()) => StepState::Done.into(),
        Err(why) => Step::failed(why),
    }
}

fn planned(tuning: &Tuning, step: impl Fn(&Change) -> &Step) -> bool {
    tuning
        .changes
        .iter()
        .any(|change| step(change).state == StepState::Planned)
}

/// What earlier runs kept that changed the running kernel alone.
fn runtime(site: &Site<'_>) -> DropIn {
    let bytes = site.file(RUNTIME).and_then(|file| file.read());
    let kept = bytes
        .ok()
        .flatten()
        .and_then(|bytes| DropIn::parse(&bytes).ok());
    kept.unwrap_or_default()
}

/// The value from before tune: what an earlier run kept, or what is live.
fn before(kept: &DropIn, change: &Change) -> Option<u64> {
    let entry = kept.entries.iter().find(|entry| entry.key == change.key);
    entry.map_or(change.current, |entry| entry.before)
}

fn write(site: &Site<'_>, tuning: &mut Tuning, runtime: &DropIn) {
    let done = site.file(DROP_IN).and_then(|drop_in| {
        let directory = drop_in.directory()?;
        // Another nospace may have written or removed it since.
        let now = drop_in.read()?.map(|bytes| DropIn::parse(&bytes));
        let mut file = now
            .transpose()
            .map_err(|_| Errno::EXIST)?
            .unwrap_or_default();
        file.made_directory |= directory.created;
        for change in &tuning.changes {
            if let (StepState::Planned, Some(value)) = (change.persistent.state, change.proposed) {
                let value = file.value(&change.key).unwrap_or(0).max(value);
                file.set(&change.key, value, before(runtime, change));
            }
        }
        directory.replace(file.render().as_bytes())
    });
    tuning.file.remains = done.is_ok() || tuning.file.existed;
    match done {
        Ok(()) => tuning.file.step = StepState::Done.into(),
        Err(error) => tuning.file.step = Step::failed(file_error(DROP_IN, error)),
    }
    for change in &mut tuning.changes {
        if change.persistent.state == StepState::Planned {
            change.persistent = persisted(change, &tuning.file.step);
        }
    }
}

fn persisted(change: &Change, file: &Step) -> Step {
    match &change.next_boot {
        _ if file.state != StepState::Done => Step::failed("the file could not be written"),
        Some(winner) if winner.file == DROP_IN => StepState::Done.into(),
        winner => overridden(winner.as_ref(), &change.key),
    }
}

/// Keeps the previous values where the drop-in does not.
fn remember(site: &Site<'_>, tuning: &mut Tuning, mut kept: DropIn) {
    for change in &tuning.changes {
        if let (StepState::Planned, Some(value)) = (change.live.state, change.proposed) {
            kept.set(&change.key, value, change.current);
        }
    }
    let done = site.file(RUNTIME).and_then(|file| {
        let directory = file.directory()?;
        kept.made_directory |= directory.created;
        directory.replace(kept.render().as_bytes())
    });
    if let Err(error) = done {
        let values: Vec<String> = kept
            .entries
            .iter()
            .filter_map(|e| Some(format!("{}={}", e.key, e.before?)))
            .collect();
        tuning.notes.push(format!(
            "the previous values could not be saved for --revert ({}): {}",
            file_error(RUNTIME, error),
            values.join(" ")
        ));
    }
}
