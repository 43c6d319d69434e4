//! How findings name things and figures.

pub use crate::amount::count;
use crate::amount::{bytes, thousands};
use crate::attribute::{Holder, Part, View};
use crate::model::Provenance;
use crate::report::{Culprit, Owner, PodRef, Subject};

/// Where an inotify figure comes from.
pub fn inotify_source(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Exact => "exact: the kernel's own counter",
        Provenance::Estimated => "estimated: counted from /proc",
        Provenance::Unavailable => "unavailable",
    }
}

/// Where a holder's figures come from.
pub fn holders_source(view: &View) -> &'static str {
    let exact = view
        .snapshot
        .inotify
        .as_ref()
        .is_some_and(|i| i.counters.is_some());
    if exact {
        "exact: the kernel's own descriptor tables"
    } else {
        "estimated: counted from visible descriptors"
    }
}

/// How far a figure can be trusted.
pub fn trust(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Exact => "exact: the kernel's own number",
        Provenance::Estimated => "estimated: counted from what can be seen",
        Provenance::Unavailable => "unavailable",
    }
}

/// An amount in its unit; bytes in the unit that a person would choose.
pub fn amount(n: u64, unit: &str) -> String {
    if unit == "bytes" {
        bytes(n)
    } else {
        format!("{} {unit}", thousands(n))
    }
}

/// The first 12 characters of an id, as container engines show it.
pub fn short(id: &str) -> &str {
    id.char_indices().nth(12).map_or(id, |(at, _)| &id[..at])
}

/// `systemd (pid 1)`, with the unit where one is known.
pub fn process(view: &View, pid: u32) -> String {
    subject(view, pid).to_string()
}

/// The process as what a finding is about.
pub fn subject(view: &View, pid: u32) -> Subject {
    let comm = view.process(pid).map_or("", |p| p.comm.as_str());
    Subject::Process {
        comm: if comm.is_empty() { "process" } else { comm }.to_owned(),
        pid,
        unit: match view.owner(pid) {
            Owner::Unit { name } => Some(name.clone()),
            _ => None,
        },
    }
}

/// Names a holder.
pub fn part(view: &View, part: &Part) -> String {
    match part {
        Part::Pod { uid, name, .. } if name.is_empty() => format!("pod {uid}"),
        Part::Pod {
            namespace, name, ..
        } => format!("pod {namespace}/{name}"),
        Part::Container {
            runtime: by,
            id,
            name,
        } => {
            let name = name.as_deref().unwrap_or(short(id));
            format!("{} {name} ({})", by.noun(), by.title())
        }
        Part::Process { pid } => process(view, *pid),
    }
}

/// The pod that a holder is.
pub fn pod(part: &Part) -> Option<PodRef> {
    let Part::Pod {
        uid,
        namespace,
        name,
    } = part
    else {
        return None;
    };
    Some(PodRef {
        namespace: namespace.clone(),
        name: name.clone(),
        uid: uid.clone(),
    })
}

/// Names a holder, what it holds, and through which processes.
pub fn holder(view: &View, holder: &Holder) -> Culprit {
    let held = format!(
        "{}, {}",
        count(holder.holds.instances, "instance", "instances"),
        count(holder.holds.watches, "watch", "watches"),
    );
    let processes = || holder.pids.iter().map(|pid| process(view, *pid)).collect();
    Culprit {
        processes: match holder.part {
            Part::Process { .. } => None,
            _ => Some(list(processes(), 3)),
        },
        ..Culprit::with_amount(part(view, &holder.part), held)
    }
}

/// Names a holder of `held` of anything.
pub fn with_amount(view: &View, holder: &Part, held: u64, unit: &str) -> Culprit {
    Culprit::with_amount(part(view, holder), amount(held, unit))
}

/// `9 of 10 mounts`, `1 GiB of 2 GiB`.
pub fn used_of(used: u64, limit: u64, unit: &str) -> String {
    let used = if unit == "bytes" {
        bytes(used)
    } else {
        thousands(used)
    };
    format!("{used} of {}", amount(limit, unit))
}

/// The first few, and how many more there are.
pub fn list(mut names: Vec<String>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    names.truncate(most);
    let mut text = names.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
