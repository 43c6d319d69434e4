//! `--revert`: values and files as they were before the first `--apply`.

use nospace_core::tune::{
    Action, Change, DROP_IN, DropIn, Entry, FileStep, State, Step, Tuning, knob, takes,
};

use super::{RUNTIME, Scope, Site, live, obstacles, place, platform, refuse, words};
use crate::collect::limits;

/// What tune has left here.
struct Left {
    drop_in: Option<DropIn>,
    runtime: Option<DropIn>,
}

/// Takes everything back; with `only_show` tells what that would be.
///
/// # Errors
///
/// When there is nothing that tune could take back, or a file of tune is not readable.
pub fn revert(site: &Site<'_>, scope: Scope, only_show: bool) -> anyhow::Result<Tuning> {
    let left = Left {
        drop_in: read(site, DROP_IN)?,
        runtime: read(site, RUNTIME)?,
    };
    let mut tuning = describe(site, &left, scope);
    if only_show {
        return Ok(tuning);
    }
    refuse(site, &obstacles(site, &tuning, scope))?;
    for change in &mut tuning.changes {
        if let (State::Planned, Some(value)) = (change.live.state, change.proposed) {
            change.live = match live::set(site.host, &site.procfs, &change.key, value) {
                Ok(()) => State::Done.into(),
                Err(why) => Step::failed(why),
            };
        }
    }
    remove(site, &mut tuning, &left);
    Ok(tuning)
}

fn read(site: &Site<'_>, path: &'static str) -> anyhow::Result<Option<DropIn>> {
    let bytes = place(site, path).and_then(|place| place.read());
    let bytes = bytes.map_err(|error| anyhow::anyhow!("{}", words(path, error)))?;
    let parsed = bytes.map(|bytes| DropIn::parse(&bytes)).transpose();
    parsed.map_err(|foreign| anyhow::anyhow!("{path} {foreign}"))
}

fn describe(site: &Site<'_>, left: &Left, scope: Scope) -> Tuning {
    let reader = limits::reader(site.host, site.is_image());
    let boot = limits::boot(site.host, reader, &mut Vec::new());
    let without = boot.without(DROP_IN);
    let change = |(entry, written): (&Entry, Vec<u64>)| {
        let key = &entry.key;
        let winner =
            |boot: &nospace_core::parse::sysctl::Boot| boot.winner(key, |value| takes(key, value));
        let current = super::current(site, key);
        Change {
            key: key.clone(),
            current,
            proposed: entry.before,
            reason: "as it was before tune".to_owned(),
            memory_bytes: None,
            each: knob(key).map_or("", |knob| knob.each).to_owned(),
            live: back(site, entry, &written, current, scope),
            persistent: State::Unneeded.into(),
            at_boot: winner(&boot),
            next_boot: winner(&without),
            setters: Vec::new(),
        }
    };
    let step = match (&left.drop_in, scope.persistent) {
        (None, _) => State::Unneeded.into(),
        (Some(_), false) => Step::skipped("--runtime-only"),
        (Some(_), true) => State::Planned.into(),
    };
    Tuning {
        schema_version: 1,
        taken_at: site.host.look().taken_at,
        node: super::name(site),
        memory_bytes: None,
        action: Action::Revert,
        reader,
        platform: platform(site, &[]),
        changes: left.entries().into_iter().map(change).collect(),
        file: FileStep {
            path: DROP_IN.to_owned(),
            existed: left.drop_in.is_some(),
            remains: step.state == State::Skipped,
            step,
        },
        notes: Vec::new(),
        namespaces: Vec::new(),
    }
}

impl Left {
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
        (Some(current), Some(before)) if current == before => State::Unneeded.into(),
        (Some(current), Some(_)) if written.contains(&current) || scope.force => {
            State::Planned.into()
        }
        (Some(current), Some(before)) => Step::skipped(format!(
            "somebody has set it to {current} since; --force puts it back to {before} all the same"
        )),
        (None, _) => Step::failed("the live value cannot be read"),
        (_, None) => Step::skipped("what it was before is not known"),
    }
}

/// Takes tune's files away, once the kernel has its values back.
fn remove(site: &Site<'_>, tuning: &mut Tuning, left: &Left) {
    let failed = |change: &Change| change.live.state == State::Failed;
    if tuning.changes.iter().any(failed) {
        // The file knows what to try again.
        tuning.file.step = Step::skipped("kept until every value is back");
        tuning.file.remains = true;
        return;
    }
    let take = |path, file: &DropIn| {
        place(site, path).and_then(|place| place.hold()?.remove(file.made_directory))
    };
    if let (State::Planned, Some(file)) = (tuning.file.step.state, &left.drop_in) {
        match take(DROP_IN, file) {
            Ok(()) => tuning.file.step = State::Done.into(),
            Err(error) => {
                tuning.file.step = Step::failed(words(DROP_IN, error));
                tuning.file.remains = true;
            }
        }
    }
    let live = tuning
        .changes
        .iter()
        .any(|change| change.live.reason.as_deref() != Some("--persist-only"));
    if let (true, Some(file)) = (live, &left.runtime)
        && let Err(error) = take(RUNTIME, file)
    {
        tuning.notes.push(words(RUNTIME, error));
    }
}
