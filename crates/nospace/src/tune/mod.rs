//! Raises limits, makes them last, and takes it all back: the half of `nospace tune` that has hands.
//!
//! ```text
//! Site ─ draft ─▶ Draft ─ apply ─▶ Tuning        Site ─ revert ─▶ Tuning
//! ```

mod apply;
mod daemonset;
mod environment;
mod file;
mod live;
mod revert;
mod setters;

use std::path::PathBuf;

use nospace_core::attribute::View;
use nospace_core::model::Snapshot;
use nospace_core::parse::sysctl::{Boot, number};
use nospace_core::tune::{
    Action, Change, DROP_IN, DropIn, FileStep, PlatformAdvice, Proposed, State, Step, Tuning, Wish,
    asked_by_node, namespaces, profile, propose, takes,
};

pub use apply::apply;
pub use daemonset::daemonset;
#[cfg(feature = "agent")]
pub(crate) use live::set as raise;
pub use revert::revert;

use crate::collect::{collect, limits, read};
use crate::host::{Host, root};
use file::Place;
use setters::Wanted;

/// Keeps values from before where only the running kernel is changed: it forgets them when the kernel does.
const RUNTIME: &str = "/run/nospace/tune.conf";

/// What is tuned.
pub struct Site<'a> {
    /// Answers what is.
    pub host: &'a dyn Host,
    /// Whether it runs, and here.
    pub kind: Kind,
    /// Where procfs is.
    pub procfs: PathBuf,
    /// Where the root file system is.
    pub rootfs: PathBuf,
}

/// What kind of system is tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This node.
    Node,
    /// An image is no running system: it has files, and no values.
    Image,
    /// A node that was recorded.
    Recorded,
}

impl Site<'_> {
    fn is_image(&self) -> bool {
        self.kind == Kind::Image
    }
}

/// What is to be changed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Values of the running kernel.
    pub live: bool,
    /// The file that sets them at boot.
    pub persistent: bool,
    /// `--revert` also puts back what somebody else has changed since.
    pub force: bool,
}

/// A proposal, and what apply needs to carry it out.
pub struct Draft {
    /// For people, and for scripts.
    pub tuning: Tuning,
    /// The file as it is; `None` where there is none.
    old: Option<DropIn>,
}

/// What is, and what should be; changes nothing. Without wishes the node is asked.
///
/// # Errors
///
/// When a wish is refused, or tune's file was written by somebody else.
pub fn draft(site: &Site<'_>, wishes: Vec<Wish>, scope: Scope) -> anyhow::Result<Draft> {
    let snapshot = if site.is_image() {
        Snapshot::default()
    } else {
        collect(site.host)
    };
    let view = View::new(&snapshot);
    let memory = snapshot.node.memory_bytes;
    let wishes = if wishes.is_empty() {
        let mut wishes = profile(memory);
        wishes.extend(asked_by_node(&view));
        wishes
    } else {
        wishes
    };
    let current = |key: &str| current(site, key);
    let proposed = propose(&wishes, current, memory).map_err(|refusals| {
        let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", all.join("; "))
    })?;
    let old = old(site)?;
    let mut tuning = Tuning {
        schema_version: 1,
        taken_at: site.host.look().taken_at,
        node: name(site),
        memory_bytes: memory,
        action: Action::Show,
        reader: limits::reader(site.host, site.is_image()),
        platform: None,
        changes: Vec::new(),
        file: FileStep {
            path: DROP_IN.to_owned(),
            existed: old.is_some(),
            remains: old.is_some(),
            step: State::Unneeded.into(),
        },
        notes: Vec::new(),
        namespaces: namespaces(&view),
    };
    compare(site, &mut tuning, &proposed, old.as_ref(), scope);
    Ok(Draft { tuning, old })
}

fn current(site: &Site<'_>, key: &str) -> Option<u64> {
    (!site.is_image())
        .then(|| live::value(site.host, key))
        .flatten()
}

/// What the system's makers want done with `changes`.
fn platform(site: &Site<'_>, changes: &[Change]) -> Option<PlatformAdvice> {
    let read = |path| read::bytes(site.host, root(path)).ok();
    let os_release = read("/etc/os-release").or_else(|| read("/usr/lib/os-release"))?;
    PlatformAdvice::of(&os_release, changes)
}

/// The node's name, or the image's directory.
fn name(site: &Site<'_>) -> String {
    if site.is_image() {
        site.rootfs.display().to_string()
    } else {
        crate::collect::node_name(site.host)
    }
}

/// tune's own file, as it is.
fn old(site: &Site<'_>) -> anyhow::Result<Option<DropIn>> {
    match read::bytes(site.host, root(DROP_IN)) {
        Ok(bytes) => match DropIn::parse(&bytes) {
            Ok(file) => Ok(Some(file)),
            Err(foreign) => anyhow::bail!("{DROP_IN} {foreign}"),
        },
        Err(crate::host::Absent::Gone) => Ok(None),
        Err(absent) => anyhow::bail!("{DROP_IN}: {absent}"),
    }
}

/// Fills in what each key needs.
fn compare(
    site: &Site<'_>,
    tuning: &mut Tuning,
    proposed: &[Proposed],
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
        file.set(
            one.knob.key,
            one.value.max(file.value(one.knob.key).unwrap_or(0)),
            None,
        );
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
    tuning.platform = platform(site, &tuning.changes);
    let planned = |change: &Change| change.persistent.state == State::Planned;
    if tuning.changes.iter().any(planned) {
        tuning.file.step = State::Planned.into();
        tuning.file.remains = true;
    } else if !scope.persistent {
        tuning.file.step = Step::skipped("--runtime-only");
    }
    let keys: Vec<&str> = proposed.iter().map(|one| one.knob.key).collect();
    tuning.notes.extend(gaps);
    tuning.notes.extend(notes(site, tuning, scope));
    tuning
        .notes
        .extend(setters::note_on_sysctl_conf([&now, &other], &keys));
    tuning.notes.extend(platform_note(tuning, scope));
}

struct Files<'a> {
    now: &'a Boot,
    then: Boot,
    other: &'a Boot,
    other_then: Boot,
}

fn change(
    site: &Site<'_>,
    one: &Proposed,
    old: Option<&DropIn>,
    files: &Files<'_>,
    scope: Scope,
) -> Change {
    let key = one.knob.key;
    let wins = |boot: &Boot| boot.winner(key, |value| takes(key, value));
    let current = current(site, key);
    let at_boot = wins(files.now);
    let (next, other) = (wins(&files.then), wins(&files.other_then));
    // A file that asks for more than tune does stays as it is.
    let (set, value) = (
        |winner: &Option<nospace_core::model::BootValue>| {
            winner.as_ref().and_then(|w| number(&w.value)).unwrap_or(0)
        },
        one.value,
    );
    let persistent = if !scope.persistent {
        Step::skipped("--runtime-only")
    } else if !one.lasts {
        Step::skipped("tune never lowers")
    } else if set(&at_boot) >= value {
        State::Unneeded.into()
    } else if old
        .and_then(|old| old.value(key))
        .is_some_and(|ours| ours >= value)
    {
        overridden(next.as_ref(), key)
    } else {
        State::Planned.into()
    };
    let live = match current {
        None if site.is_image() => Step::skipped("an image has no live values"),
        _ if !scope.live => Step::skipped("--persist-only"),
        Some(current) if current >= value => State::Unneeded.into(),
        Some(_) => State::Planned.into(),
        None => Step::failed("this kernel does not have it"),
    };
    let unneeded = persistent.state == State::Unneeded;
    let wanted = Wanted {
        key,
        value,
        winners: [if unneeded { &at_boot } else { &next }, &other],
    };
    let setters = setters::find(site.host, [files.now, files.other], &wanted);
    Change {
        key: key.to_owned(),
        current,
        proposed: Some(value),
        reason: one.reason.clone(),
        memory_bytes: one.knob.cost(value),
        each: one.knob.each.to_owned(),
        live,
        persistent,
        next_boot: if unneeded { at_boot.clone() } else { next },
        at_boot,
        setters,
    }
}

fn overridden(winner: Option<&nospace_core::model::BootValue>, key: &str) -> Step {
    Step::failed(match winner {
        Some(winner) => format!(
            "{}:{} sets {key} to {} at the next boot, whatever tune's file says",
            winner.file, winner.line, winner.value
        ),
        None => format!("another file keeps {key} from being set at boot"),
    })
}

/// What stands in the way here, and what is otherwise to be known.
fn notes(site: &Site<'_>, tuning: &Tuning, scope: Scope) -> Vec<String> {
    let mut notes = Vec::new();
    for change in &tuning.changes {
        let (Some(current), Some(boot)) = (change.current, &change.at_boot) else {
            continue;
        };
        if number(&boot.value) != Some(current) {
            let place = format!("{}:{}", boot.file, boot.line);
            notes.push(format!(
                "{} is {current}, but {place} says {}",
                change.key, boot.value
            ));
        }
    }
    let obstacles = obstacles(site, tuning, scope);
    if !obstacles.is_empty() {
        notes.push(format!(
            "--apply would fail here: {}",
            refusal(site, &obstacles)
        ));
    }
    notes
}

/// What the system's makers want; its document is for whoever shows this.
fn platform_note(tuning: &Tuning, scope: Scope) -> Option<String> {
    let platform = tuning.platform.as_ref().filter(|_| scope.persistent)?;
    let word = if platform.forgets {
        "does not keep /etc/sysctl.d"
    } else {
        "is configured elsewhere"
    };
    Some(format!("{} {word}: {}", platform.name, platform.advice))
}

/// Why nothing could be changed here.
fn obstacles(site: &Site<'_>, tuning: &Tuning, scope: Scope) -> Vec<String> {
    let mut all = Vec::new();
    if site.kind != Kind::Node {
        return all;
    }
    let planned = |change: &&Change| change.live.state == State::Planned;
    let changes = tuning.changes.iter().filter(planned);
    all.extend(changes.filter_map(|change| live::obstacle(&site.procfs, &change.key)));
    let own_root = site.rootfs == std::path::Path::new("/");
    let writes = scope.persistent && tuning.file.step.state == State::Planned;
    if writes && own_root && environment::is_container(site.host) {
        all.push(format!(
            "{DROP_IN} would be this container's, and no node reads it at boot (--runtime-only goes without it)"
        ));
    }
    all
}

/// An error, where there is an obstacle.
fn refuse(site: &Site<'_>, obstacles: &[String]) -> anyhow::Result<()> {
    anyhow::ensure!(
        obstacles.is_empty(),
        "nothing was changed: {}",
        refusal(site, obstacles)
    );
    Ok(())
}

/// Obstacles, with the way around them.
fn refusal(site: &Site<'_>, obstacles: &[String]) -> String {
    format!("{}; {}", obstacles.join("; "), environment::way(site.host))
}

/// The file's place, for those who write.
fn place(site: &Site<'_>, path: &'static str) -> Result<Place, rustix::io::Errno> {
    Place::new(&site.rootfs, path)
}

/// A failure of the disk, in words.
fn words(path: &str, error: rustix::io::Errno) -> String {
    use rustix::io::Errno;
    let hint = match error {
        Errno::NOSPC | Errno::DQUOT => "; free some space there and run tune again",
        Errno::ROFS => {
            "; this system's /etc cannot be written: configure it as its maker says, or use --runtime-only"
        }
        Errno::ACCESS | Errno::PERM => "; run it as root",
        Errno::NOSYS => "; a root other than / needs Linux 5.6 or later",
        _ => "",
    };
    format!("{path}: {}{hint}", std::io::Error::from(error))
}
