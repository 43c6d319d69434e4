//! What is, and what should be; changes nothing.

use nospace_core::model::{BootValue, Snapshot};
use nospace_core::parse::sysctl::{Boot, number};
use nospace_core::tune::formats::{PlatformFormat, of_node};
use nospace_core::tune::{
    Action, Change, DROP_IN, DropIn, FileStep, Step, StepState, SysctlProposal, SysctlRequest,
    Tuning, namespaces, profile, propose, requests_of_node, takes,
};

use super::obstacle::obstacles;
use super::other_settings::{self, SettingQuery};
use super::site::{Scope, Site};
use crate::collect::{collect, limits, read};
use crate::host::{ReadError, root};

/// What tune would do, and what apply needs to do it.
pub struct DryRun {
    /// For people, and for scripts.
    pub tuning: Tuning,
    /// The format in which the node's platform takes sysctls, and what decided on it.
    pub format: Option<(&'static PlatformFormat, String)>,
}

/// Compares the node with what it should be. Without requests the node's own use decides.
///
/// # Errors
///
/// When a request is refused, or tune's file was written by something else.
pub fn dry_run(
    site: &Site<'_>,
    requests: Vec<SysctlRequest>,
    scope: Scope,
) -> anyhow::Result<DryRun> {
    let snapshot = if site.is_image() {
        Snapshot::default()
    } else {
        collect(site.host)
    };
    let view = nospace_core::view(&snapshot);
    let memory = snapshot.node.memory_bytes;
    let requests = if requests.is_empty() {
        let mut requests = profile(memory);
        requests.extend(requests_of_node(&view));
        requests
    } else {
        requests
    };
    let proposed = propose(&requests, |key| site.current(key), memory).map_err(|refusals| {
        let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", all.join("; "))
    })?;
    let old = old(site)?;
    let mut tuning = Tuning {
        schema_version: 1,
        taken_at: site.host.look().taken_at,
        node: site.name(),
        memory_bytes: memory,
        action: Action::Show,
        reader: limits::reader(site.host, site.is_image()),
        platform: None,
        changes: Vec::new(),
        file: FileStep {
            path: DROP_IN.to_owned(),
            existed: old.is_some(),
            remains: old.is_some(),
            step: StepState::Unneeded.into(),
        },
        notes: Vec::new(),
        namespaces: namespaces(&view),
    };
    compare(site, &mut tuning, &proposed, old.as_ref(), scope);
    let manager = view.manager().map(|node| node.manager);
    Ok(DryRun {
        tuning,
        format: of_node(&site.systems(), manager),
    })
}

/// tune's own file, as it is.
fn old(site: &Site<'_>) -> anyhow::Result<Option<DropIn>> {
    match read::bytes(site.host, root(DROP_IN)) {
        Ok(bytes) => match DropIn::parse(&bytes) {
            Ok(file) => Ok(Some(file)),
            Err(foreign) => anyhow::bail!("{DROP_IN} {foreign}"),
        },
        Err(ReadError::Gone) => Ok(None),
        Err(error) => anyhow::bail!("{DROP_IN}: {error}"),
    }
}

/// Fills in what each key needs.
fn compare(
    site: &Site<'_>,
    tuning: &mut Tuning,
    proposed: &[SysctlProposal],
    old: Option<&DropIn>,
    scope: Scope,
) {
    let mut gaps = Vec::new();
    let reader = tuning.reader;
    let now = limits::boot(site.host, reader, &mut gaps);
    let mut ignored = Vec::new();
    let other = limits::boot(site.host, reader.other(), &mut ignored);
    let mut file = old.cloned().unwrap_or_default();
    for one in proposed {
        let written = file.value(one.sysctl.key).unwrap_or(0);
        file.set(one.sysctl.key, one.value.max(written), None);
    }
    let text = file.render();
    let files = Files {
        now: &now,
        then: now.with(DROP_IN, &text),
        other: &other,
        other_then: other.with(DROP_IN, &text),
    };
    tuning.changes = proposed
        .iter()
        .map(|one| change(site, one, old, &files, scope))
        .collect();
    tuning.platform = site.platform(&tuning.changes);
    let planned = |change: &Change| change.persistent.state == StepState::Planned;
    if tuning.changes.iter().any(planned) {
        tuning.file.step = StepState::Planned.into();
        tuning.file.remains = true;
    } else if !scope.persistent {
        tuning.file.step = Step::skipped("--runtime-only");
    }
    let keys: Vec<&str> = proposed.iter().map(|one| one.sysctl.key).collect();
    tuning.notes.extend(gaps);
    tuning.notes.extend(notes(site, tuning, scope));
    tuning
        .notes
        .extend(other_settings::note_on_sysctl_conf([&now, &other], &keys));
    tuning.notes.extend(platform_note(tuning, scope));
}

/// The files of sysctl.d as each reader reads them, now and with tune's file in place.
struct Files<'a> {
    now: &'a Boot,
    then: Boot,
    other: &'a Boot,
    other_then: Boot,
}

fn change(
    site: &Site<'_>,
    one: &SysctlProposal,
    old: Option<&DropIn>,
    files: &Files<'_>,
    scope: Scope,
) -> Change {
    let key = one.sysctl.key;
    let value = one.value;
    let wins = |boot: &Boot| boot.winner(key, |value| takes(key, value));
    let current = site.current(key);
    let at_boot = wins(files.now);
    let (next, other) = (wins(&files.then), wins(&files.other_then));
    let set = at_boot.as_ref().and_then(|winner| number(&winner.value));
    let ours = old.and_then(|old| old.value(key));
    let persistent = if !scope.persistent {
        Step::skipped("--runtime-only")
    } else if !one.lasts {
        Step::skipped("tune never lowers a limit")
    } else if set.unwrap_or(0) >= value {
        // A file that asks for more than tune does stays as it is.
        StepState::Unneeded.into()
    } else if ours.is_some_and(|ours| ours >= value) {
        overridden(next.as_ref(), key)
    } else {
        StepState::Planned.into()
    };
    let live = match current {
        None if site.is_image() => Step::skipped("an image has no live values"),
        _ if !scope.live => Step::skipped("--persist-only"),
        Some(current) if current >= value => StepState::Unneeded.into(),
        Some(_) => StepState::Planned.into(),
        None => Step::failed("this kernel does not have it"),
    };
    let unneeded = persistent.state == StepState::Unneeded;
    let query = SettingQuery {
        key,
        value,
        winners: [if unneeded { &at_boot } else { &next }, &other],
    };
    let setters = other_settings::find(site.host, [files.now, files.other], &query);
    Change {
        key: key.to_owned(),
        current,
        proposed: Some(value),
        reason: one.reason.clone(),
        memory_bytes: one.sysctl.cost(value),
        each: one.sysctl.each.to_owned(),
        live,
        persistent,
        next_boot: if unneeded { at_boot.clone() } else { next },
        at_boot,
        setters,
    }
}

/// The step of a value that is in tune's file and loses to another file.
pub(super) fn overridden(winner: Option<&BootValue>, key: &str) -> Step {
    Step::failed(match winner {
        Some(winner) => format!(
            "{}:{} overrides it at boot: {key} = {}",
            winner.file, winner.line, winner.value
        ),
        None => format!("another file keeps {key} from being set at boot"),
    })
}

/// What is in the way here, and what else to know.
fn notes(site: &Site<'_>, tuning: &Tuning, scope: Scope) -> Vec<String> {
    let mut notes = Vec::new();
    for change in &tuning.changes {
        let (Some(current), Some(boot)) = (change.current, &change.at_boot) else {
            continue;
        };
        if number(&boot.value) != Some(current) {
            notes.push(format!(
                "{} is {current}, but {}:{} sets it to {} at boot",
                change.key, boot.file, boot.line, boot.value
            ));
        }
    }
    if let Some(obstacles) = obstacles(site, tuning, scope) {
        notes.push(format!("--apply would fail here: {obstacles}"));
    }
    notes
}

/// What the operating system needs; the caller prints its document.
fn platform_note(tuning: &Tuning, scope: Scope) -> Option<String> {
    let platform = tuning.platform.as_ref().filter(|_| scope.persistent)?;
    let what = if platform.forgets {
        "does not keep /etc/sysctl.d"
    } else {
        "is configured elsewhere"
    };
    Some(format!("{} {what}: {}", platform.name, platform.advice))
}
