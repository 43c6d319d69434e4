//! Commands to paste. None of them lowers a limit, and none names what the node does not have.

use crate::attribute::{Part, View};
use crate::model::{BootValue, Program, Runtime};
use crate::platforms::{self, OperatingSystem};
use crate::report::{Owner, Remedy, Resource};
pub use crate::shell::quote;

/// A command and its reason.
pub fn remedy(command: impl Into<String>, why: impl Into<String>) -> Remedy {
    Remedy {
        command: command.into(),
        why: why.into(),
    }
}

/// Raises the sysctl that limits this budget, now and at every boot, as far as the memory allows.
pub fn raise_sysctl(view: &View, resource: &Resource) -> Vec<Remedy> {
    let raise = || {
        let known = super::sysctl_of(resource)?;
        let value = known.suggest(resource.used, resource.limit)?;
        let value = value.min(known.affordable(view.snapshot.node.memory_bytes));
        let why = known.effect;
        (value > resource.limit).then(|| sysctl(view, known.key, &value.to_string(), why))
    };
    raise().unwrap_or_default()
}

/// Raises a sysctl now, and at every boot; first by `nospace tune`, where that can.
pub fn sysctl(view: &View, key: &str, value: &str, why: &str) -> Vec<Remedy> {
    let boot = view
        .snapshot
        .limits
        .iter()
        .flat_map(|l| &l.settings)
        .find(|s| s.key == key)
        .and_then(|s| s.boot.as_ref());
    let why = format!("Takes effect at once: {why}.");
    let lasts = boot.is_some_and(|b| b.value.split_whitespace().eq(value.split_whitespace()));
    tune(view, key)
        .into_iter()
        .chain(set(view, key, value, &why))
        .chain(persist(view, key, value, boot).filter(|_| !lasts))
        .collect()
}

/// Lets nospace raise what is under pressure.
fn tune(view: &View, key: &str) -> Option<Remedy> {
    let tunable = super::sysctl(key).is_some_and(|sysctl| sysctl.tunable);
    let command = match operating_system(view) {
        Some(os) if os.persistence.forgets => "nospace tune --apply --runtime-only",
        _ => "nospace tune --apply",
    };
    let why = "Raises the limit as far as memory allows; `nospace tune` shows what would change, `nospace tune --revert` \
               undoes it.";
    tunable.then(|| remedy(on_host(view, key, command), why))
}

/// The command; where nospace runs in a guest that may not write the sysctl, one to run on the host.
pub fn on_host(view: &View, key: &str, command: &str) -> String {
    if view.may_write(key) {
        command.to_owned()
    } else {
        format!("# on the host: {command}")
    }
}

/// Sets a sysctl now; `None` where a guest may not, or the node has no shell.
pub fn set(view: &View, key: &str, value: &str, why: &str) -> Option<Remedy> {
    if !view.may_write(key) {
        return None;
    }
    let lacks = |program| view.environment().is_some() && !view.has(program);
    if !lacks(Program::Sysctl) {
        let assignment = quote(&format!("{key}={value}"))?;
        return Some(remedy(format!("sysctl -w {assignment}"), why));
    }
    let file = quote(&format!("/proc/sys/{}", key.replace('.', "/")))?;
    let value = quote(value)?;
    (!lacks(Program::Sh)).then(|| remedy(format!("echo {value} > {file}"), why))
}

/// The node's operating system, where that has a way of its own to set a sysctl.
fn operating_system(view: &View) -> Option<&'static OperatingSystem> {
    let mut ids = view.environment()?.os.iter();
    ids.find_map(|id| platforms::operating_system(id))
}

/// Makes the value last: in the line that wins at boot now, else in a file that sorts late, or as the operating system keeps
/// it. `None` in a guest, where nothing reads these files.
pub fn persist(view: &View, key: &str, value: &str, boot: Option<&BootValue>) -> Option<Remedy> {
    if !view.may_write(key) {
        return None;
    }
    if let Some(os) = operating_system(view)
        && (os.persistence.forgets || os.persistence.apply.is_some())
    {
        return on_platform(os, key, value.parse().ok()?);
    }
    let line = format!("{key} = {value}");
    if let Some(boot) = boot.filter(|b| b.file.starts_with("/etc/") && b.line > 0) {
        let place = format!("{}:{}", boot.file, boot.line);
        let edit = quote(&format!("{}c {line}", boot.line))?;
        return Some(remedy(
            format!("sed -i {edit} {}", quote(&boot.file)?),
            format!(
                "{place} sets {} at the next boot; this line wins over other files.",
                boot.value
            ),
        ));
    }
    let text = quote(&format!("{line}\\n"))?;
    if key.contains('/') {
        return None;
    }
    let file = quote(&format!("/etc/sysctl.d/99-zz-{key}.conf"))?;
    Some(remedy(
        format!("printf {text} > {file}"),
        "Keeps it after a reboot.",
    ))
}

/// Keeps the value where /etc/sysctl.d does not.
fn on_platform(os: &OperatingSystem, key: &str, value: u64) -> Option<Remedy> {
    let Some(apply) = os.persistence.apply else {
        let why = format!(
            "Prints what keeps it on {}: {}.",
            os.title, os.persistence.advice
        );
        return Some(remedy("nospace tune", why));
    };
    let document = (os.persistence.document)(&[(key, value)]);
    // One line to paste: printf(1) puts the newlines back, and no document holds a backslash or a percent sign.
    let line = format!("'{}'", document.replace('\'', "'\\''").replace('\n', "\\n"));
    Some(remedy(
        format!("printf {line} | {apply}"),
        format!(
            "Keeps it on {}, which does not keep /etc/sysctl.d.",
            os.title
        ),
    ))
}

/// Looks closer at a holder; changes nothing.
pub fn inspect(view: &View, part: &Part) -> Option<Remedy> {
    let why = "Inspect the largest holder before you restart, fix or move it.";
    match part {
        Part::Pod { name, .. } if name.is_empty() => None,
        Part::Pod {
            namespace, name, ..
        } => Some(remedy(
            format!("{} -o wide", get_pod(namespace, name)?),
            why,
        )),
        Part::Container { runtime, id, .. } => Some(remedy(container(view, *runtime, id)?, why)),
        Part::Process { pid } => Some(match view.owner(*pid) {
            Owner::Unit { name } => remedy(format!("systemctl status {}", quote(name)?), why),
            _ => remedy(format!("ps -o pid,ppid,user,lstart,args -p {pid}"), why),
        }),
    }
}

/// Asks the API server for the pod.
pub fn get_pod(namespace: &str, name: &str) -> Option<String> {
    Some(format!(
        "kubectl -n {} get pod {}",
        quote(namespace)?,
        quote(name)?
    ))
}

fn container(view: &View, runtime: Runtime, id: &str) -> Option<String> {
    let mut bundles = view.snapshot.containers.bundles.iter();
    let namespace = bundles
        .find(|bundle| bundle.id == id)
        .map(|bundle| bundle.runtime_namespace.as_str())
        .filter(|namespace| !namespace.is_empty());
    let namespace = match namespace {
        Some(namespace) => quote(namespace)?,
        None => String::new(),
    };
    let client = runtime.definition()?.client;
    view.has(client)
        .then(|| runtime.inspect_command(&namespace, &quote(id)?))?
}

/// A file of a cgroup, as a word for a shell; `None` where the path leads elsewhere.
pub fn cgroup_file(mountpoint: &str, path: &str, file: &str) -> Option<String> {
    let inside = path.starts_with('/') && path.split('/').all(|part| part != "..");
    let path = path.trim_matches('/');
    inside.then(|| quote(&format!("{mountpoint}/{path}/{file}")))?
}
